// SPDX-License-Identifier: Apache-2.0
//
// Page faults: what a user's access to an address needs, done. Called by the page-fault hook with
// the CPU's error code, and by user_copy for the kernel's own accesses to user memory. Context: the
// address space's lock is held by the callee.
#pragma once

#include <cstdint>

namespace fv::guest {

class Mm;

enum class FaultAccess : uint8_t { kRead = 0, kWrite = 1, kExec = 2 };

enum class FaultResult : uint8_t {
  kHandled = 0,  // retry the instruction; also when nothing was wrong (a stale translation)
  kSegvMapErr,   // SIGSEGV, SEGV_MAPERR: nothing is mapped there
  kSegvAccErr,   // SIGSEGV, SEGV_ACCERR: the mapping does not allow it
  kBusAdrErr,    // SIGBUS, BUS_ADRERR: past the end of the mapped file
  // No frame, and no process whose memory could be taken (out_of_memory.h): the task is to wait or
  // to be killed, or ENOMEM/EFAULT for the kernel's access.
  kOutOfMemory,
};

// Error code of #PF (Intel SDM volume 3, 4.7) to the kind of access.
constexpr FaultAccess FaultAccessOf(uint64_t error_code) {
  if ((error_code & (1u << 4)) != 0) {
    return FaultAccess::kExec;
  }
  return (error_code & (1u << 1)) != 0 ? FaultAccess::kWrite : FaultAccess::kRead;
}

// Emits Fault, CowBreak and CowReuse events and notes the change for the safepoint. `rip` is only
// shown in the event; 0 for the kernel's own accesses.
FaultResult HandleFault(Mm& mm, uint64_t address, FaultAccess access, uint64_t rip = 0);
// The same for a debugger's access: what the mapping might be given counts, not what it has, and of
// a private one the process gets a page of its own that it may still not write to. (Linux:
// FOLL_FORCE.)
FaultResult ForceFault(Mm& mm, uint64_t address, FaultAccess access);

}  // namespace fv::guest
