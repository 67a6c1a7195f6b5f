// SPDX-License-Identifier: Apache-2.0
//
// Looking into other processes: pidfd_getfd(2), kcmp(2), process_mrelease(2).

#include <linux/kcmp.h>

#include "guest/fs/fd_table.h"
#include "guest/fs/proc_source.h"
#include "guest/mm/out_of_memory.h"
#include "guest/syscall/syscall.h"
#include "guest/task/pid.h"
#include "guest/task/pidfd.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr unsigned kRlimitNofile = 7;

// Order by address, as kcmp promises no more than a consistent one.
uint64_t Order(uint64_t a, uint64_t b) { return a == b ? 0 : a < b ? 1 : 2; }

Result<uint64_t> CompareFiles(const Task& a, const Task& b, int fd_a, int fd_b) {
  if (a.files_or_null() == nullptr || b.files_or_null() == nullptr) {
    return Error(EBADF);
  }
  const Ref<File> file_a = TRY(a.files().GetPath(fd_a));
  const Ref<File> file_b = TRY(b.files().GetPath(fd_b));
  return Order(AddressOf(file_a.get()), AddressOf(file_b.get()));
}

// Whether no user code will run on the address space again. (Linux: task_will_free_mem.)
bool UsersAreDying(const Mm& mm) {
  for (const Task& task : AllTasks()) {
    const bool dying = (task.signal().flags & kSignalGroupExit) != 0 || FatalSignalPending(task);
    if (task.mm() == &mm && !dying) {
      return false;
    }
  }
  return true;
}

}  // namespace

namespace sys {

// pidfd_getfd(pidfd, fd, flags)
Result<uint64_t> pidfd_getfd(const SyscallArgs& args) {
  if (args.Uint(2) != 0) {
    return Error(EINVAL);
  }
  Ref<File> pidfd = TRY(args.task.files().Get(args.Int(0)));
  const Pid* pid = PidOfPidfd(*pidfd);
  if (pid == nullptr) {
    return Error(EBADF);
  }
  const Task* target = TaskOf(pid);
  if (target == nullptr || target->files_or_null() == nullptr) {
    return Error(ESRCH);
  }
  if (!MayInspectTask(target->pid)) {
    return Error(EPERM);
  }
  Ref<File> file = TRY(target->files().GetPath(args.Int(1)));
  const int fd = TRY(args.task.files().Add(std::move(file), CloseOnExecFlag::kYes,
                                           args.task.rlimit(kRlimitNofile)));
  return static_cast<uint64_t>(fd);
}

// kcmp(pid1, pid2, type, index1, index2)
Result<uint64_t> kcmp(const SyscallArgs& args) {
  const Task* a = FindTaskFor(args.task, args.Uint(0));
  const Task* b = FindTaskFor(args.task, args.Uint(1));
  if (a == nullptr || b == nullptr) {
    return Error(ESRCH);
  }
  if (!MayInspectTask(a->pid) || !MayInspectTask(b->pid)) {
    return Error(EPERM);
  }
  switch (args.Int(2)) {
    case KCMP_FILE:
      return CompareFiles(*a, *b, args.Int(3), args.Int(4));
    case KCMP_VM:
      return Order(AddressOf(a->mm()), AddressOf(b->mm()));
    case KCMP_FILES:
      return Order(AddressOf(a->files_or_null()), AddressOf(b->files_or_null()));
    case KCMP_FS:
      return Order(AddressOf(a->fs_or_null()), AddressOf(b->fs_or_null()));
    case KCMP_SIGHAND:
      return Order(a->TaskRecord::sighand, b->TaskRecord::sighand);
    case KCMP_SYSVSEM:
      return Order(AddressOf(a->sem_undo), AddressOf(b->sem_undo));
    case KCMP_IO:
      return uint64_t{0};  // nobody has any
    default:
      return Error(EINVAL);
  }
}

// Frees the memory of a process that is being killed, without waiting for it.
Result<uint64_t> process_mrelease(const SyscallArgs& args) {
  if (args.Uint(1) != 0) {
    return Error(EINVAL);
  }
  Ref<File> pidfd = TRY(args.task.files().Get(args.Int(0)));
  const Pid* pid = PidOfPidfd(*pidfd);
  if (pid == nullptr) {
    return Error(EBADF);
  }
  const Task* target = TaskOf(pid);
  if (target == nullptr) {
    return Error(ESRCH);
  }
  if (target->mm() == nullptr) {
    return uint64_t{0};
  }
  if (!UsersAreDying(*target->mm())) {
    return Error(EINVAL);
  }
  ReapMm(*target->mm());
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
