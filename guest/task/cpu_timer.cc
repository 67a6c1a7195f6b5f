// SPDX-License-Identifier: Apache-2.0
//
// Armed timers are on one list, walked at a tick while there are any: programs have one or two.

#include "guest/task/cpu_timer.h"

#include "guest/lib/list.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

using Timers = ListView<CpuTimer, &CpuTimer::link>;
constinit proto::Link g_armed{0, 0};  // a head from the first timer on

// A negative id is the clock of a process or thread: ~pid << 3 | kind (pthread_getcpuclockid(3)).
constexpr int kProcessClock = 2;
constexpr int kThreadClock = 3;
constexpr int kPerThread = 4;
constexpr int kKindMask = 3;
constexpr int kKinds = 3;

}  // namespace

Result<CpuClock> CpuClockOf(const Task& caller, int clock) {
  if (clock == kProcessClock) {
    return CpuClock{caller.tgid, CpuClock::Of::kProcess};
  }
  if (clock == kThreadClock) {
    return CpuClock{caller.pid, CpuClock::Of::kThread};
  }
  const int pid = ~(clock >> 3);
  if (clock >= 0 || (clock & kKindMask) >= kKinds || pid < 0) {
    return Error(EINVAL);
  }
  const bool thread = (clock & kPerThread) != 0;
  if (pid == 0) {
    return thread ? CpuClock{caller.pid, CpuClock::Of::kThread}
                  : CpuClock{caller.tgid, CpuClock::Of::kProcess};
  }
  const Task* task = FindTaskFor(caller, static_cast<uint32_t>(pid));
  if (task == nullptr || (thread && task->tgid != caller.tgid) || (!thread && !task->IsLeader())) {
    return Error(EINVAL);
  }
  return CpuClock{task->pid, thread ? CpuClock::Of::kThread : CpuClock::Of::kProcess};
}

Result<uint64_t> ReadCpuClock(const CpuClock& clock) {
  Task* task = FindTask(clock.pid);
  if (task == nullptr) {
    return Error(EINVAL);
  }
  AccountKernelTime();
  const TaskTimes times = clock.of == CpuClock::Of::kThread ? task->times : GroupTimes(*task);
  return times.utime_ns + times.stime_ns;
}

void ArmCpuTimer(CpuTimer& timer, uint64_t deadline_ns) {
  if (!IsLinked(g_armed)) {
    InitHead(g_armed);
  }
  timer.deadline_ns = deadline_ns;
  Timers(g_armed).PushBack(timer);
  RefreshTick();
}

void CancelCpuTimer(CpuTimer& timer) { Timers::Remove(timer); }

bool CpuTimersArmed() { return IsLinked(g_armed) && !Timers(g_armed).empty(); }

void ExpireCpuTimers() {
  if (!CpuTimersArmed()) {
    return;
  }
  Timers timers(g_armed);
  // What fires may arm itself again, behind `last`: its time has not come yet.
  CpuTimer* last = timers.back();
  for (CpuTimer* timer = timers.front(); timer != nullptr;) {
    CpuTimer* next = timer == last ? nullptr : timers.Next(*timer);
    const Result<uint64_t> now = ReadCpuClock(timer->clock);
    if (!now.ok()) {
      Timers::Remove(*timer);
    } else if (now.value() >= timer->deadline_ns) {
      Timers::Remove(*timer);
      timer->fire(*timer);
    }
    timer = next;
  }
}

}  // namespace fv::guest
