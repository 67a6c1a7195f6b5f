// SPDX-License-Identifier: Apache-2.0
//
// process_vm_readv, process_vm_writev, process_madvise: one process works on another's memory. Both
// sides are walked, neither is dereferenced.
#include <linux/mman.h>

#include "guest/fs/proc_source.h"
#include "guest/mm/user_buffer.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/memory.h"
#include "guest/syscall/syscall.h"
#include "guest/task/pid.h"
#include "guest/task/pidfd.h"

namespace fv::guest::sys {
namespace {

enum class Direction : uint8_t { kRead, kWrite };

// The address space of `task`, if the caller may trace it. Errors: ESRCH, EPERM.
Result<Mm*> MmToAccess(const Task* task) {
  if (task == nullptr || task->mm() == nullptr) {
    return Error(ESRCH);
  }
  if (!MayInspectTask(task->pid)) {
    return Error(EPERM);
  }
  return task->mm();
}

// As many pages as Linux pins at once (PVM_MAX_KMALLOC_PAGES).
constexpr uint64_t kPagesAtOnce = 1024;

// Copies until one side ends or is inaccessible; the count, or EFAULT if it is 0 by that. The other
// process's pages are there before the caller's are looked at, those of a range that the caller has
// nothing for too.
Result<uint64_t> Copy(UserBuffer& remote, UserBuffer& local, Direction direction) {
  const bool reads = direction == Direction::kRead;
  uint64_t done = 0;
  while (remote.remaining() != 0 && local.remaining() != 0) {
    const uint64_t there =
        remote.FaultIn(kPagesAtOnce, reads ? FaultAccess::kRead : FaultAccess::kWrite);
    const uint64_t want = there < local.remaining() ? there : local.remaining();
    const Result<size_t> moved =
        reads ? UserBuffer::Copy(remote, local, want) : UserBuffer::Copy(local, remote, want);
    done += moved.ok() ? moved.value() : 0;
    if (want == 0 || !moved.ok() || moved.value() < want) {
      return done != 0 ? Result<uint64_t>(done) : Result<uint64_t>(Error(EFAULT));
    }
  }
  return done;
}

Result<uint64_t> ProcessVm(const SyscallArgs& args, Direction direction) {
  if (args.a[5] != 0) {
    return Error(EINVAL);
  }
  Mm& mine = CallerMm(args.task);
  UserBuffer local = TRY(UserBuffer::FromIovec(mine, args.a[1], args.Uint(2)));
  if (local.remaining() == 0) {
    return 0;
  }
  // The caller's own space stands in until the other is known: Linux checks the array first, and
  // asks for no process if there is nothing to copy.
  const UserBuffer lengths = TRY(UserBuffer::FromIovec(mine, args.a[3], args.a[4]));
  if (lengths.remaining() == 0) {
    return 0;
  }
  Mm& theirs = *TRY(MmToAccess(FindTaskFor(args.task, args.Uint(0))));
  UserBuffer remote = TRY(UserBuffer::FromIovec(mine, args.a[3], args.a[4], theirs));
  remote.set_read_right(ReadRight::kRead);
  return Copy(remote, local, direction);
}

// Advice that one process may give about another's memory. Nothing here is ever paged out.
bool IsForeignAdvice(int advice) {
  return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED;
}

}  // namespace

Result<uint64_t> process_vm_readv(const SyscallArgs& args) {
  return ProcessVm(args, Direction::kRead);
}

Result<uint64_t> process_vm_writev(const SyscallArgs& args) {
  return ProcessVm(args, Direction::kWrite);
}

Result<uint64_t> process_madvise(const SyscallArgs& args) {
  if (args.a[4] != 0) {
    return Error(EINVAL);
  }
  Mm& mine = CallerMm(args.task);
  UserBuffer ranges = TRY(UserBuffer::FromIovec(mine, args.a[1], args.Uint(2)));
  Ref<File> file = TRY(args.task.files().Get(args.Int(0)));
  const Pid* pid = PidOfPidfd(*file);
  if (pid == nullptr) {
    return Error(EBADF);
  }
  const Result<Mm*> accessed = MmToAccess(TaskOf(pid));
  if (!accessed.ok()) {
    return accessed.error() == Error(EPERM) ? Error(EACCES) : accessed.error();
  }
  Mm& theirs = *accessed.value();
  if (&theirs != &mine && !IsForeignAdvice(args.Int(3))) {
    return Error(EINVAL);
  }
  if (&theirs != &mine && !args.task.Capable(CAP_SYS_NICE)) {
    return Error(EPERM);
  }
  uint64_t done = 0;
  for (uint64_t i = 0; i < args.a[2]; ++i) {
    const uint64_t address = TRY(ReadUser<uint64_t>(mine, args.a[1] + 16 * i));
    const uint64_t length = TRY(ReadUser<uint64_t>(mine, args.a[1] + 16 * i + 8));
    const Status advised = theirs.Advise(address, length, args.Int(3));
    if (!advised.ok()) {
      return done != 0 ? Result<uint64_t>(done) : Result<uint64_t>(advised.error());
    }
    done += length;
  }
  return done;
}

}  // namespace fv::guest::sys
