// SPDX-License-Identifier: Apache-2.0
//
// Registers of a guest: the vCPU's, and those that the kernel saved of a task that does not run.
#pragma once

#include "src/gdb/guest_view.h"
#include "src/gdb/registers.h"
#include "vmm/machine.h"

namespace fv::gdb {

// Where the vCPU stands. Throws vmm::VmmError.
Registers ReadCpu(vmm::Machine& machine);
// General registers, RIP, RFLAGS, FS and GS base; false, and nothing written, if others were
// changed. Throws vmm::VmmError.
bool WriteCpu(vmm::Machine& machine, const Registers& registers);

// The registers with which the task goes on in user mode. All unknown for one that never was there.
Registers ReadSaved(const GuestView& view, const inspect::Task& task);
// General registers, RIP and the arithmetic flags; false, and nothing written, if others were
// changed or there are none.
bool WriteSaved(const GuestView& view, vmm::GuestMemory& memory, const inspect::Task& task,
                const Registers& registers);
// Makes the task stop after its next instruction in user mode. False: it has none to come.
bool SetSavedTrapFlag(const GuestView& view, vmm::GuestMemory& memory, const inspect::Task& task);

}  // namespace fv::gdb
