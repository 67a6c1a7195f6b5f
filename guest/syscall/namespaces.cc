// SPDX-License-Identifier: Apache-2.0
//
// unshare(2) and setns(2).

#include "guest/fs/fd_table.h"
#include "guest/fs/proc_source.h"
#include "guest/ipc/sysv_sem.h"
#include "guest/mm/mm.h"
#include "guest/syscall/syscall.h"
#include "guest/task/clone_args.h"
#include "guest/task/lifecycle.h"
#include "guest/task/namespace_file.h"
#include "guest/task/pid.h"
#include "guest/task/pidfd.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kKnownToSetns = kCloneNewUts | kCloneNewPid | kCloneNewNs;

// setns with a pidfd: several namespaces of that process at once. Errors: EINVAL, ESRCH, EPERM.
Result<NamespaceTarget> NamespacesOf(const Task& process, uint64_t kinds) {
  if (kinds == 0 || (kinds & ~kKnownToSetns) != 0) {
    return Error(EINVAL);
  }
  if (process.state == proto::TaskState::kDead || !process.uts) {
    return Error(ESRCH);
  }
  if (!MayInspectTask(process.pid)) {
    return Error(EPERM);
  }
  NamespaceTarget target;
  if ((kinds & kCloneNewUts) != 0) {
    target.uts = process.uts;
  }
  if ((kinds & kCloneNewPid) != 0) {
    target.pid = Ref<PidNamespace>(ActivePidNamespace(process));
  }
  target.kind = kinds & kCloneNewNs;
  return target;
}

}  // namespace

namespace sys {

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
  NamespaceSet set = TRY(CopyNamespaces(flags, task));
  if ((flags & kCloneFs) != 0) {
    TRY(UnshareFs(task));
  }
  if ((flags & kCloneFiles) != 0) {
    TRY(UnshareFiles(task));
  }
  if ((flags & kCloneSysvsem) != 0) {
    ExitSemUndo(task);
  }
  task.uts = std::move(set.uts);
  task.pid_for_children = std::move(set.pid_for_children);
  return uint64_t{0};
}

// setns(fd, kinds): an open file of /proc/PID/ns, or a pidfd.
Result<uint64_t> setns(const SyscallArgs& args) {
  const Ref<File> file = TRY(args.task.files().Get(args.Int(0)));
  const uint64_t kinds = args.Uint(1);
  if (const NamespaceTarget* target = NamespaceOf(*file); target != nullptr) {
    if (kinds != 0 && kinds != target->kind) {
      return Error(EINVAL);
    }
    TRY(EnterNamespaces(args.task, *target));
    return uint64_t{0};
  }
  const Pid* pid = PidOfPidfd(*file);
  if (pid == nullptr) {
    return Error(EINVAL);
  }
  const Task* process = TaskOf(pid);
  if (process == nullptr) {
    return Error(ESRCH);
  }
  const NamespaceTarget target = TRY(NamespacesOf(*process, kinds));
  TRY(EnterNamespaces(args.task, target));
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
