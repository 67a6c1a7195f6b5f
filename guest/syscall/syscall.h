// SPDX-License-Identifier: Apache-2.0
//
// The system calls. Each is a function `sys::NAME` with Linux's name, declared here for every
// number of proto/syscalls.def: dispatch.cc refers to it weakly and calls it if some family file
// defines it (two would not link), else the call returns ENOSYS and leaves a MissingSyscall event.
//
// A handler returns the value for RAX, or an error. kErestart codes (guest/lib/errno.h) are
// allowed: signal delivery turns them into EINTR or a restart. A handler runs in the context of
// args.task, may sleep, and never dereferences a user address (guest/mm/user_copy.h).
#pragma once

#include <cstdint>

#include "guest/arch/trap_frame.h"
#include "guest/lib/result.h"

namespace fv::guest {

class Task;

struct SyscallArgs {
  uint64_t a[6];
  TrapFrame& frame;
  Task& task;  // the caller: CurrentTask()

  // Arguments that the C library passes as 32-bit integers; the upper half is ignored, as on Linux.
  int Int(unsigned i) const { return static_cast<int>(static_cast<uint32_t>(a[i])); }
  uint32_t Uint(unsigned i) const { return static_cast<uint32_t>(a[i]); }
};

using SyscallHandler = Result<uint64_t> (*)(const SyscallArgs&);

namespace sys {
#define FV_SYSCALL(number, name, kinds, tier) Result<uint64_t> name(const SyscallArgs& args);
#include "proto/syscalls.def"
#undef FV_SYSCALL
}  // namespace sys

// One past the highest number in proto/syscalls.def's first block.
inline constexpr unsigned kSyscallLimit = 512;

// The handler of `number`; nullptr when it is not implemented.
SyscallHandler FindSyscall(uint64_t number);

}  // namespace fv::guest
