// SPDX-License-Identifier: Apache-2.0

#include "guest/task/clock.h"

#include "guest/arch/arch.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

enum Clock : int {
  kRealtime = 0,
  kMonotonic = 1,
  kProcessCpu = 2,
  kThreadCpu = 3,
  kMonotonicRaw = 4,
  kRealtimeCoarse = 5,
  kMonotonicCoarse = 6,
  kBoottime = 7,
  kRealtimeAlarm = 8,
  kBoottimeAlarm = 9,
  kTai = 11,
};

constexpr uint64_t kCoarseNs = 4'000'000;

// A negative clock is the CPU clock of a process or thread: ~pid << 3 | kind
// (pthread_getcpuclockid).
constexpr int kPerThread = 4;
constexpr int kCpuClockKinds = 3;

uint64_t CpuTime(const TaskTimes& times) { return times.utime_ns + times.stime_ns; }

Result<uint64_t> ReadCpuClock(Task& caller, int clock) {
  const int pid = ~(clock >> 3);
  const bool thread = (clock & kPerThread) != 0;
  if ((clock & 3) >= kCpuClockKinds || pid < 0) {
    return Error(EINVAL);
  }
  Task* task = pid == 0 ? &caller : FindTaskFor(caller, static_cast<uint32_t>(pid));
  if (task == nullptr || (thread && task->tgid != caller.tgid) ||
      (!thread && !task->IsLeader() && pid != 0)) {
    return Error(EINVAL);
  }
  AccountKernelTime();
  return thread ? CpuTime(task->times) : CpuTime(GroupTimes(*task));
}

}  // namespace

Result<uint64_t> ReadClock(Task& caller, int clock) {
  switch (clock) {
    case kRealtime:
    case kRealtimeCoarse:
    case kRealtimeAlarm:
    case kTai:
      return RealtimeNs();
    case kMonotonic:
    case kMonotonicRaw:
    case kMonotonicCoarse:
    case kBoottime:
    case kBoottimeAlarm:
      return MonotonicNs();
    case kProcessCpu:
      AccountKernelTime();
      return CpuTime(GroupTimes(caller));
    case kThreadCpu:
      AccountKernelTime();
      return CpuTime(caller.times);
    default:
      return clock < 0 ? ReadCpuClock(caller, clock) : Result<uint64_t>(Error(EINVAL));
  }
}

Result<uint64_t> ClockResolution(Task& caller, int clock) {
  TRY(ReadClock(caller, clock));
  return clock == kRealtimeCoarse || clock == kMonotonicCoarse ? kCoarseNs : uint64_t{1};
}

Status CheckSleepClock(int clock) {
  switch (clock) {
    case kRealtime:
    case kMonotonic:
    case kBoottime:
    case kRealtimeAlarm:
    case kBoottimeAlarm:
    case kTai:
      return Ok();
    case kMonotonicRaw:
    case kRealtimeCoarse:
    case kMonotonicCoarse:
    case kProcessCpu:  // Linux sleeps on this one; nothing does here (docs/limits.md)
    case kThreadCpu:
      return Error(EOPNOTSUPP);
    default:
      return Error(EINVAL);
  }
}

uint64_t MonotonicOf(int clock, uint64_t ns) {
  const bool wall = clock == kRealtime || clock == kRealtimeAlarm || clock == kTai;
  if (!wall) {
    return ns;
  }
  const uint64_t offset = RealtimeNs() - MonotonicNs();
  return ns > offset ? ns - offset : 0;
}

}  // namespace fv::guest
