// SPDX-License-Identifier: Apache-2.0
//
// sched_yield(2), sched_setscheduler(2) and its family, sched_setattr(2), affinity.
// There is one CPU: the only affinity that can be set contains CPU 0.

#include <asm/resource.h>
#include <linux/capability.h>
#include <linux/sched.h>

#include "guest/ipc/futex_pi.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/growing_struct.h"
#include "guest/syscall/rusage.h"
#include "guest/syscall/syscall.h"
#include "guest/task/pid.h"
#include "guest/task/priority.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint32_t kResetOnFork = 0x40000000;  // SCHED_RESET_ON_FORK
constexpr int32_t kMaxRealtime = 99;
constexpr uint64_t kRrIntervalNs = 100'000'000;

struct SchedAttr {  // struct sched_attr, version 1
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t util_min, util_max;
};
static_assert(sizeof(SchedAttr) == 56);
constexpr uint32_t kSchedAttrVer0 = 48;

struct Wanted {
  uint32_t policy;
  int32_t priority;
  int32_t nice;
  bool set_nice;
  bool reset_on_fork;
  bool keep = false;  // only reset_on_fork changes
};

bool IsRealtime(uint32_t policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }
bool IsKnown(uint32_t policy) {
  return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE ||
         IsRealtime(policy);
}

Result<Task*> TargetOf(Task& caller, int pid) {
  if (pid < 0) {
    return Error(EINVAL);
  }
  Task* task = pid == 0 ? &caller : FindTaskFor(caller, static_cast<uint32_t>(pid));
  if (task == nullptr) {
    return Error(ESRCH);
  }
  return task;
}

// sched_getaffinity(2): a negative id is nobody's.
Result<Task*> TaskOf(Task& caller, int pid) {
  if (pid < 0) {
    return Error(ESRCH);
  }
  return TargetOf(caller, pid);
}

bool SameUser(const Task& caller, const Task& target) {
  const Credentials& mine = caller.cred();
  return mine.euid == target.cred().euid || mine.euid == target.cred().uid;
}

Status CheckPermission(const Task& caller, const Task& target, const Wanted& wanted) {
  if (caller.Capable(CAP_SYS_NICE)) {
    return Ok();
  }
  const uint64_t ceiling = target.rlimit(RLIMIT_RTPRIO);
  const bool raises = IsRealtime(wanted.policy) &&
                      (ceiling == 0 || (wanted.priority > target.rt_priority &&
                                        static_cast<uint64_t>(wanted.priority) > ceiling));
  const bool other_user = !SameUser(caller, target);
  const bool clears_reset = target.reset_on_fork && !wanted.reset_on_fork;
  const bool raises_nice =
      wanted.set_nice &&
      wanted.nice<target.nice&& static_cast<uint64_t>(20 - wanted.nice)> target.rlimit(RLIMIT_NICE);
  const bool leaves_idle = target.policy == SchedPolicy::kIdle && wanted.policy != SCHED_IDLE &&
                           static_cast<uint64_t>(20 - target.nice) > target.rlimit(RLIMIT_NICE);
  const bool refused = raises || other_user || clears_reset || raises_nice || leaves_idle;
  return refused ? Status(Error(EPERM)) : Ok();
}

Status SetScheduler(const Task& caller, Task& target, const Wanted& wanted) {
  if (!IsKnown(wanted.policy)) {
    return Error(EINVAL);
  }
  const bool realtime = IsRealtime(wanted.policy);
  const bool in_range =
      realtime ? wanted.priority >= 1 && wanted.priority <= kMaxRealtime : wanted.priority == 0;
  if (!in_range) {
    return Error(EINVAL);
  }
  TRY(CheckPermission(caller, target, wanted));
  target.reset_on_fork = wanted.reset_on_fork;
  if (wanted.keep) {
    return Ok();
  }
  target.policy = static_cast<SchedPolicy>(wanted.policy);
  target.rt_priority = static_cast<uint8_t>(wanted.priority);
  if (wanted.set_nice) {
    target.nice = static_cast<int8_t>(wanted.nice);
  }
  SetTimerSlack(target, target.timer_slack_ns);
  Requeue(target);
  PropagatePriority(target);
  return Ok();
}

Result<Wanted> WantedOf(const SyscallArgs& args, uint32_t policy, uint64_t parameter) {
  if (parameter == 0) {
    return Error(EINVAL);
  }
  const int32_t priority = TRY(ReadUser<int32_t>(*args.task.mm(), parameter));
  return Wanted{policy & ~kResetOnFork, priority, 0, false, (policy & kResetOnFork) != 0};
}

// struct sched_attr of any size that Linux knows; if it is of none, ours is told. Errors: E2BIG,
// EFAULT.
Result<SchedAttr> ReadSchedAttr(Mm& mm, uint64_t address) {
  const uint32_t size = TRY(ReadUser<uint32_t>(mm, address));
  const uint32_t bytes = size == 0 ? kSchedAttrVer0 : size;
  const bool possible = bytes >= kSchedAttrVer0 && bytes <= proto::kPageBytes;
  Result<SchedAttr> read =
      possible ? ReadGrowingStruct<SchedAttr>(mm, address, bytes) : Result<SchedAttr>(Error(E2BIG));
  if (!read.ok() && read.error().number() == E2BIG) {
    TRY(WriteUser(mm, address, uint32_t{sizeof(SchedAttr)}));
  }
  return read;
}

// Flags may keep the policy as it is, or all parameters. Errors: EINVAL, EOPNOTSUPP.
Result<Wanted> WantedOf(const SchedAttr& attr, const Task& target) {
  if (static_cast<int32_t>(attr.policy) < 0 || (attr.flags & ~uint64_t{SCHED_FLAG_ALL}) != 0) {
    return Error(EINVAL);
  }
  if ((attr.flags & SCHED_FLAG_UTIL_CLAMP) != 0) {
    return Error(EOPNOTSUPP);  // as of a kernel configured without it
  }
  const int32_t nice = attr.nice < -20 ? -20 : attr.nice > 19 ? 19 : attr.nice;
  Wanted wanted{attr.policy, static_cast<int32_t>(attr.priority), nice, true,
                (attr.flags & SCHED_FLAG_RESET_ON_FORK) != 0};
  if ((attr.flags & SCHED_FLAG_KEEP_POLICY) != 0) {
    wanted.policy = static_cast<uint32_t>(target.policy);
    wanted.reset_on_fork = target.reset_on_fork;
  }
  if ((attr.flags & SCHED_FLAG_KEEP_PARAMS) != 0) {
    const bool realtime = IsRealtime(static_cast<uint32_t>(target.policy));
    wanted.priority = realtime ? target.rt_priority : wanted.priority;
    wanted.nice = realtime ? wanted.nice : target.nice;
    wanted.keep = true;
  }
  wanted.set_nice = !IsRealtime(wanted.policy);
  return wanted;
}

Result<uint64_t> PriorityLimit(int policy, uint64_t realtime) {
  if (policy < 0 || !(IsKnown(static_cast<uint32_t>(policy)) || policy == SCHED_DEADLINE)) {
    return Error(EINVAL);
  }
  return IsRealtime(static_cast<uint32_t>(policy)) ? realtime : uint64_t{0};
}

}  // namespace

namespace sys {

Result<uint64_t> sched_yield(const SyscallArgs& /*args*/) {
  YieldCurrent();
  return uint64_t{0};
}

Result<uint64_t> sched_setscheduler(const SyscallArgs& args) {
  if (args.Int(0) < 0 || args.Int(1) < 0) {
    return Error(EINVAL);
  }
  const Wanted wanted = TRY(WantedOf(args, args.Uint(1), args.a[2]));
  Task* target = TRY(TargetOf(args.task, args.Int(0)));
  TRY(SetScheduler(args.task, *target, wanted));
  return uint64_t{0};
}

Result<uint64_t> sched_setparam(const SyscallArgs& args) {
  if (args.Int(0) < 0) {
    return Error(EINVAL);
  }
  Wanted wanted = TRY(WantedOf(args, 0, args.a[1]));
  Task* target = TRY(TargetOf(args.task, args.Int(0)));
  wanted.policy = static_cast<uint32_t>(target->policy);
  wanted.reset_on_fork = target->reset_on_fork;
  TRY(SetScheduler(args.task, *target, wanted));
  return uint64_t{0};
}

Result<uint64_t> sched_getscheduler(const SyscallArgs& args) {
  const Task* target = TRY(TargetOf(args.task, args.Int(0)));
  return static_cast<uint64_t>(target->policy) | (target->reset_on_fork ? kResetOnFork : 0);
}

Result<uint64_t> sched_getparam(const SyscallArgs& args) {
  if (args.a[1] == 0) {
    return Error(EINVAL);
  }
  const Task* target = TRY(TargetOf(args.task, args.Int(0)));
  TRY(WriteUser(*args.task.mm(), args.a[1], int32_t{target->rt_priority}));
  return uint64_t{0};
}

Result<uint64_t> sched_get_priority_max(const SyscallArgs& args) {
  return PriorityLimit(args.Int(0), kMaxRealtime);
}
Result<uint64_t> sched_get_priority_min(const SyscallArgs& args) {
  return PriorityLimit(args.Int(0), 1);
}

Result<uint64_t> sched_rr_get_interval(const SyscallArgs& args) {
  const Task* target = TRY(TargetOf(args.task, args.Int(0)));
  const uint64_t ns = target->policy == SchedPolicy::kRr     ? kRrIntervalNs
                      : target->policy == SchedPolicy::kFifo ? 0
                                                             : SliceTicks(target->nice) * 4'000'000;
  TRY(WriteUser(*args.task.mm(), args.a[1], TimespecOf(ns)));
  return uint64_t{0};
}

// sched_setattr(pid, attr, flags)
Result<uint64_t> sched_setattr(const SyscallArgs& args) {
  if (args.a[1] == 0 || args.Int(0) < 0 || args.Uint(2) != 0) {
    return Error(EINVAL);
  }
  const SchedAttr attr = TRY(ReadSchedAttr(*args.task.mm(), args.a[1]));
  Task* target = TRY(TargetOf(args.task, args.Int(0)));
  const Wanted wanted = TRY(WantedOf(attr, *target));
  TRY(SetScheduler(args.task, *target, wanted));
  return uint64_t{0};
}

// sched_getattr(pid, attr, size, flags)
Result<uint64_t> sched_getattr(const SyscallArgs& args) {
  const uint32_t size = args.Uint(2);
  if (args.a[1] == 0 || size < kSchedAttrVer0 || size > proto::kPageBytes || args.Uint(3) != 0) {
    return Error(EINVAL);
  }
  const Task* target = TRY(TargetOf(args.task, args.Int(0)));
  SchedAttr attr{};
  attr.size = size < sizeof(attr) ? size : sizeof(attr);
  attr.policy = static_cast<uint32_t>(target->policy);
  attr.flags = target->reset_on_fork ? 1 : 0;
  attr.nice = IsRealtime(attr.policy) ? 0 : target->nice;
  attr.priority = target->rt_priority;
  TRY(CopyToUser(*args.task.mm(), args.a[1], &attr, attr.size));
  return uint64_t{0};
}

// sched_setaffinity(pid, bytes, mask)
Result<uint64_t> sched_setaffinity(const SyscallArgs& args) {
  uint64_t mask = 0;
  const uint64_t bytes = args.Uint(1) < sizeof(mask) ? args.Uint(1) : sizeof(mask);
  TRY(CopyFromUser(*args.task.mm(), &mask, args.a[2], bytes));
  Task* target = TRY(TaskOf(args.task, args.Int(0)));
  if (!SameUser(args.task, *target) && !args.task.Capable(CAP_SYS_NICE)) {
    return Error(EPERM);
  }
  if ((mask & 1) == 0) {
    return Error(EINVAL);
  }
  target->affinity = 1;
  return uint64_t{0};
}

// Returns the bytes written, as the system call does (the C library returns 0).
Result<uint64_t> sched_getaffinity(const SyscallArgs& args) {
  const uint32_t bytes = args.Uint(1);
  if (bytes < sizeof(uint64_t) || bytes % sizeof(uint64_t) != 0) {
    return Error(EINVAL);
  }
  const Task* target = TRY(TaskOf(args.task, args.Int(0)));
  TRY(WriteUser(*args.task.mm(), args.a[2], target->affinity));
  return uint64_t{sizeof(uint64_t)};
}

}  // namespace sys
}  // namespace fv::guest
