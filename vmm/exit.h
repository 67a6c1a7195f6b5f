// SPDX-License-Identifier: Apache-2.0
//
// Why a vCPU came back, as values: copied out of the run page at once, so an exit cannot go
// stale. Everything in them comes from the guest and is unchecked.
#pragma once

#include "vmm/kvm_api.h"

#include <cstdint>
#include <string>
#include <variant>

namespace fv::vmm {

struct MmioWrite {
  uint64_t gpa;
  uint32_t bytes;  // 1..8
  uint64_t value;  // zero-extended, little endian
};
struct MmioRead {
  uint64_t gpa;
  uint32_t bytes;
};
struct PortIo {
  uint16_t port;
  bool is_write;
  uint8_t bytes;   // of one item
  uint32_t count;  // items (string instructions)
};
struct Halted {};
struct ShutDown {};         // triple fault
struct InterruptWindow {};  // the guest can take an interrupt now
struct Interrupted {};      // a signal or immediate_exit, no guest event
struct InternalError {      // KVM could not go on (emulation failure)
  uint32_t suberror;
  uint32_t data_count;
  uint64_t data[8];
};
struct FailEntry {  // the CPU refused the guest state
  uint64_t reason;
};
struct DebugException {  // KVM_EXIT_DEBUG: only with a debugger (guest_debug.h)
  uint32_t exception;    // vector: 1 or 3
  uint64_t pc;
  uint64_t dr6;
};
struct RunFailed {  // KVM_RUN itself failed
  int error;        // errno
};
struct UnknownExit {
  uint32_t reason;           // KVM_EXIT_*
  uint64_t hardware_reason;  // the CPU's, if KVM does not know it (KVM_EXIT_UNKNOWN)
};

using Exit =
    std::variant<MmioWrite, MmioRead, PortIo, Halted, ShutDown, InterruptWindow, Interrupted,
                 InternalError, FailEntry, DebugException, RunFailed, UnknownExit>;

// Decodes a run page after KVM_RUN succeeded.
Exit DecodeExit(const kvm_run& run);
// One line for a message: "MMIO read of 4 bytes at 0x...".
std::string Describe(const Exit& exit);

}  // namespace fv::vmm
