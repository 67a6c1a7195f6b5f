// SPDX-License-Identifier: Apache-2.0
//
// Where in its code a guest kernel gave up. The guest may be hostile: what is not a chain of frames
// in its memory ends the list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/inspect/kernel_symbols.h"
#include "vmm/guest_memory.h"

namespace fv::fuzz {

// The kernel's functions that led to a panic, the inner one first, without those that all panics
// have. `message` is the panic's, `registers` what MachineInterface::DumpRegisters gave. The kernel
// is compiled with frame pointers.
std::vector<std::string> PlaceOfPanic(const vmm::GuestMemory& memory,
                                      const inspect::KernelSymbols& symbols,
                                      std::string_view message, std::string_view registers);

}  // namespace fv::fuzz
