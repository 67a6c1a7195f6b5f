// SPDX-License-Identifier: Apache-2.0
//
// Making and ending processes: fork(2), vfork(2), clone(2), clone3(2), exit, exit_group,
// set_tid_address.

#include "guest/introspect/introspect.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/growing_struct.h"
#include "guest/syscall/syscall.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kMaxClone3Bytes = 4096;

// Whether set_tid of clone3 makes sense; what the numbers are worth shows when they are taken.
// Errors: EINVAL.
Status CheckSetTid(const Clone3Args& user) {
  const bool bad =
      user.set_tid_size > kMaxPidLevel || (user.set_tid == 0) != (user.set_tid_size == 0);
  return bad ? Status(Error(EINVAL)) : Ok();
}

// struct clone_args of any size that Linux knows. Errors: EINVAL, E2BIG, EFAULT.
Result<Clone3Args> ReadClone3Args(Task& task, uint64_t address, uint64_t size) {
  if (size > kMaxClone3Bytes) {
    return Error(E2BIG);
  }
  if (size < kClone3SizeVer0) {
    return Error(EINVAL);
  }
  const auto args = TRY(ReadGrowingStruct<Clone3Args>(*task.mm(), address, size));
  if ((args.flags & kCloneIntoCgroup) != 0 && size < kClone3SizeVer2) {
    return Error(EINVAL);
  }
  return args;
}

}  // namespace

namespace sys {

Result<uint64_t> fork(const SyscallArgs& /*args*/) {
  CloneArgs clone;
  clone.exit_signal = kSigChld;
  return KernelClone(clone);
}

Result<uint64_t> vfork(const SyscallArgs& /*args*/) {
  CloneArgs clone;
  clone.flags = kCloneVfork | kCloneVm;
  clone.exit_signal = kSigChld;
  return KernelClone(clone);
}

// clone(flags, stack, parent_tid, child_tid, tls)
Result<uint64_t> clone(const SyscallArgs& args) {
  CloneArgs clone;
  clone.flags = args.Uint(0) & ~kCsignal;
  clone.exit_signal = args.a[0] & kCsignal;
  clone.stack = args.a[1];
  clone.parent_tid = args.a[2];
  clone.pidfd = args.a[2];
  clone.child_tid = args.a[3];
  clone.tls = args.a[4];
  if ((clone.flags & (kClonePidfd | kCloneParentSetTid)) == (kClonePidfd | kCloneParentSetTid)) {
    return Error(EINVAL);  // both would be written to the same place
  }
  return KernelClone(clone);
}

Result<uint64_t> clone3(const SyscallArgs& args) {
  const Clone3Args user = TRY(ReadClone3Args(args.task, args.a[0], args.a[1]));
  TRY(CheckSetTid(user));
  CloneArgs clone = TRY(FromClone3(user));
  int32_t numbers[kMaxPidLevel];
  TRY(CopyFromUser(*args.task.mm(), numbers, user.set_tid, user.set_tid_size * sizeof(int32_t)));
  clone.set_tid = numbers;
  clone.set_tid_count = user.set_tid_size;
  return KernelClone(clone);
}

Result<uint64_t> exit(const SyscallArgs& args) { DoExit((args.Uint(0) & 0xFF) << 8); }

Result<uint64_t> exit_group(const SyscallArgs& args) { DoGroupExit((args.Uint(0) & 0xFF) << 8); }

Result<uint64_t> set_tid_address(const SyscallArgs& args) {
  if (args.task.clear_child_tid != 0) {
    NoteChange(proto::SafepointKind::kSyscall);  // at its end the host looks at the word it knows
  }
  args.task.clear_child_tid = args.a[0];
  return uint64_t{OwnTid(args.task)};
}

}  // namespace sys
}  // namespace fv::guest
