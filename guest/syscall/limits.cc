// SPDX-License-Identifier: Apache-2.0
//
// Resource limits and usage: getrlimit(2), setrlimit(2), prlimit64(2), getrusage(2),
// getpriority(2), setpriority(2).

#include <asm/resource.h>
#include <linux/capability.h>

#include "guest/fs/fd_table.h"
#include "guest/ipc/futex_pi.h"
#include "guest/mm/mm.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/rusage.h"
#include "guest/syscall/syscall.h"
#include "guest/syscall/task_selection.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/sched.h"
#include "guest/task/sched_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

static_assert(RLIM_NLIMITS == kRlimitCount && RLIMIT_CPU == kRlimitCpu &&
              RLIMIT_STACK == kRlimitStack && RLIMIT_NPROC == kRlimitNproc &&
              RLIMIT_SIGPENDING == kRlimitSigpending && RLIMIT_CORE == kRlimitCore);

enum UsageWho : int { kSelf = 0, kChildren = -1, kThread = 1 };

// The address space enforces the limits that concern it.
void TellMm(const Task& task) {
  Mm* mm = task.mm();
  if (mm == nullptr) {
    return;
  }
  mm->limits.address_space = task.rlimit(RLIMIT_AS);
  mm->limits.data = task.rlimit(RLIMIT_DATA);
  mm->limits.stack = task.rlimit(RLIMIT_STACK);
  mm->limits.locked = task.Capable(CAP_IPC_LOCK) ? kNoLimit : task.rlimit(RLIMIT_MEMLOCK);
}

Status SetLimit(Task& caller, Task& target, unsigned kind, Rlimit wanted) {
  Rlimit& limit = target.signal().rlimits[kind];
  if (wanted.soft > wanted.hard) {
    return Error(EINVAL);
  }
  if (kind == RLIMIT_NOFILE && wanted.hard > fd_limit_max) {
    return Error(EPERM);
  }
  if (wanted.hard > limit.hard && !caller.Capable(CAP_SYS_RESOURCE)) {
    return Error(EPERM);
  }
  // RLIMIT_CPU 0 means one second (setrlimit(2) of Linux).
  if (kind == RLIMIT_CPU && wanted.soft == 0) {
    wanted.soft = 1;
  }
  limit = wanted;
  TellMm(target);
  RefreshTick();
  return Ok();
}

// prlimit(2): one's own process, or one whose ids are all the caller's, or CAP_SYS_RESOURCE.
Status MayLimit(const Task& caller, const Task& target) {
  if (target.tgid == caller.tgid || caller.Capable(CAP_SYS_RESOURCE)) {
    return Ok();
  }
  const Credentials& mine = caller.cred();
  const Credentials& theirs = target.cred();
  const bool same = mine.uid == theirs.euid && mine.uid == theirs.suid && mine.uid == theirs.uid &&
                    mine.gid == theirs.egid && mine.gid == theirs.sgid && mine.gid == theirs.gid;
  return same ? Ok() : Status(Error(EPERM));
}

// ---- Priorities -----------------------------------------------------------------------------
constexpr int kMinNice = -20;
constexpr int kMaxNice = 19;

// Errors: EINVAL.
Result<SelectBy> SelectionOf(int which) {
  switch (which) {
    case 0:
      return SelectBy::kProcess;
    case 1:
      return SelectBy::kGroup;
    case 2:
      return SelectBy::kUser;
    default:
      return Error(EINVAL);
  }
}

Status SetNice(const Task& caller, Task& target, int nice) {
  const Credentials& mine = caller.cred();
  const Credentials& theirs = target.cred();
  const bool privileged = caller.Capable(CAP_SYS_NICE);
  if (mine.euid != theirs.euid && mine.euid != theirs.uid && !privileged) {
    return Error(EPERM);
  }
  const uint64_t ceiling = target.rlimit(RLIMIT_NICE);  // 20 - nice
  if (nice<target.nice&& static_cast<uint64_t>(20 - nice)> ceiling && !privileged) {
    return Error(EACCES);
  }
  target.nice = static_cast<int8_t>(nice);
  Requeue(target);
  PropagatePriority(target);
  return Ok();
}

}  // namespace

namespace sys {

// prlimit64(pid, kind, new, old)
Result<uint64_t> prlimit64(const SyscallArgs& args) {
  Task& caller = args.task;
  const uint32_t kind = args.Uint(1);
  Rlimit wanted{};
  if (args.a[2] != 0) {
    wanted = TRY(ReadUser<Rlimit>(*caller.mm(), args.a[2]));
  }
  Task* target = args.Int(0) == 0 ? &caller : FindTaskFor(caller, args.Uint(0));
  if (target == nullptr) {
    return Error(ESRCH);
  }
  TRY(MayLimit(caller, *target));
  if (kind >= kRlimitCount) {
    return Error(EINVAL);
  }
  const Rlimit old = target->signal().rlimits[kind];
  if (args.a[2] != 0) {
    TRY(SetLimit(caller, *target, kind, wanted));
  }
  if (args.a[3] != 0) {
    TRY(WriteUser(*caller.mm(), args.a[3], old));
  }
  return uint64_t{0};
}

Result<uint64_t> getrlimit(const SyscallArgs& args) {
  if (args.Uint(0) >= kRlimitCount) {
    return Error(EINVAL);
  }
  TRY(WriteUser(*args.task.mm(), args.a[1], args.task.signal().rlimits[args.Uint(0)]));
  return uint64_t{0};
}

Result<uint64_t> setrlimit(const SyscallArgs& args) {
  const Rlimit wanted = TRY(ReadUser<Rlimit>(*args.task.mm(), args.a[1]));
  if (args.Uint(0) >= kRlimitCount) {
    return Error(EINVAL);
  }
  TRY(SetLimit(args.task, args.task, args.Uint(0), wanted));
  return uint64_t{0};
}

Result<uint64_t> getrusage(const SyscallArgs& args) {
  Task& task = args.task;
  AccountKernelTime();
  TaskTimes times;
  switch (args.Int(0)) {
    case kSelf:
      times = GroupTimes(task);
      times.max_rss_pages = MaxRss(times.max_rss_pages, *task.mm());
      break;
    case kThread:
      times = task.times;
      times.max_rss_pages = MaxRss(0, *task.mm());
      break;
    case kChildren:
      times = task.signal().children;
      break;
    default:
      return Error(EINVAL);
  }
  TRY(WriteUser(*task.mm(), args.a[1], RusageOf(times)));
  return uint64_t{0};
}

// The result is 20 - nice, so that it is never negative (getpriority(2), "C library/kernel").
Result<uint64_t> getpriority(const SyscallArgs& args) {
  const SelectBy which = TRY(SelectionOf(args.Int(0)));
  int best = kMaxNice + 1;
  for (const Task& task : AllTasks()) {
    if (Selected(task, args.task, which, args.Uint(1)) && task.nice < best) {
      best = task.nice;
    }
  }
  return best > kMaxNice ? Result<uint64_t>(Error(ESRCH))
                         : Result<uint64_t>(static_cast<uint64_t>(20 - best));
}

Result<uint64_t> setpriority(const SyscallArgs& args) {
  const SelectBy which = TRY(SelectionOf(args.Int(0)));
  int nice = args.Int(2);
  nice = nice < kMinNice ? kMinNice : nice > kMaxNice ? kMaxNice : nice;
  Error error(ESRCH);
  bool any = false;
  bool failed = false;
  for (Task& task : AllTasks()) {
    if (!Selected(task, args.task, which, args.Uint(1))) {
      continue;
    }
    any = true;
    if (const Status status = SetNice(args.task, task, nice); !status.ok()) {
      error = status.error();
      failed = true;
    }
  }
  return any && !failed ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(error);
}

}  // namespace sys
}  // namespace fv::guest
