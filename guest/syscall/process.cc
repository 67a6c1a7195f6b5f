// SPDX-License-Identifier: Apache-2.0
//
// Making and ending processes: fork(2), vfork(2), clone(2), clone3(2), exit, exit_group, unshare,
// set_tid_address.

#include <linux/capability.h>

#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/lifecycle.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kMaxClone3Bytes = 4096;

// set_tid of clone3: one id for the one pid namespace. Errors: EINVAL, EPERM, EFAULT.
Result<uint32_t> ReadSetTid(const Clone3Args& user, Task& task) {
  constexpr uint64_t kMaxLevels = 32;
  if (user.set_tid_size == 0 && user.set_tid == 0) {
    return uint32_t{0};
  }
  if (user.set_tid_size > kMaxLevels || user.set_tid_size == 0 || user.set_tid == 0 ||
      user.set_tid_size > 1) {
    return Error(EINVAL);
  }
  const int32_t tid = TRY(ReadUser<int32_t>(*task.mm(), user.set_tid));
  if (tid <= 0) {
    return Error(EINVAL);
  }
  if (!task.Capable(CAP_CHECKPOINT_RESTORE) && !task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  return static_cast<uint32_t>(tid);
}

// struct clone_args of any size that Linux knows; what is beyond ours must be zero
// (copy_struct_from_user).
Result<Clone3Args> ReadClone3Args(Task& task, uint64_t address, uint64_t size) {
  if (size > kMaxClone3Bytes) {
    return Error(E2BIG);
  }
  if (size < kClone3SizeVer0) {
    return Error(EINVAL);
  }
  Clone3Args args{};
  const uint64_t known = size < sizeof(args) ? size : sizeof(args);
  TRY(CopyFromUser(*task.mm(), &args, address, known));
  for (uint64_t at = known; at < size; ++at) {
    if (TRY(ReadUser<uint8_t>(*task.mm(), address + at)) != 0) {
      return Error(E2BIG);
    }
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
  CloneArgs clone = TRY(FromClone3(user));
  clone.set_tid = TRY(ReadSetTid(user, args.task));
  return KernelClone(clone);
}

Result<uint64_t> exit(const SyscallArgs& args) { DoExit((args.Uint(0) & 0xFF) << 8); }

Result<uint64_t> exit_group(const SyscallArgs& args) { DoGroupExit((args.Uint(0) & 0xFF) << 8); }

Result<uint64_t> set_tid_address(const SyscallArgs& args) {
  args.task.clear_child_tid = args.a[0];
  return uint64_t{args.task.pid};
}

Result<uint64_t> unshare(const SyscallArgs& args) {
  constexpr uint64_t kKnown = kCloneFs | kCloneFiles | kCloneSysvsem | kCloneVm | kCloneSighand |
                              kCloneThread | kCloneNamespaces;
  const uint64_t flags = args.a[0];
  Task& task = args.task;
  if ((flags & ~kKnown) != 0) {
    return Error(EINVAL);
  }
  // A thread cannot leave its group, nor part from a shared address space or handlers.
  const bool alone = GroupIsEmpty(task);
  if ((flags & (kCloneThread | kCloneSighand | kCloneVm)) != 0 && !alone) {
    return Error(EINVAL);
  }
  if ((flags & (kCloneSighand | kCloneVm)) != 0 && task.sighand().refs > 1) {
    return Error(EINVAL);
  }
  if ((flags & kCloneVm) != 0 && task.mm()->users > 1) {
    return Error(EINVAL);
  }
  if ((flags & kCloneNamespaces) != 0) {
    const bool privileged = task.Capable(CAP_SYS_ADMIN) || (flags & kCloneNewUser) != 0;
    return Error(privileged ? EINVAL : EPERM);  // a kernel without namespaces
  }
  if ((flags & kCloneFs) != 0) {
    TRY(UnshareFs(task));
  }
  if ((flags & kCloneFiles) != 0) {
    TRY(UnshareFiles(task));
  }
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
