// SPDX-License-Identifier: Apache-2.0
//
// Interval timers (setitimer(2)): ITIMER_REAL on the timer queue, ITIMER_VIRTUAL and ITIMER_PROF
// and RLIMIT_CPU charged at ticks with the CPU time since the last charge.

#include "guest/task/itimer.h"

#include "guest/arch/arch.h"
#include "guest/task/cpu_timer.h"
#include "guest/task/lifecycle.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

void RealExpired(Timer& timer) {
  SignalStruct& signal = TimerOwner<SignalStruct, &SignalStruct::real_timer>(timer);
  if (signal.real_interval_ns != 0) {
    const uint64_t now = MonotonicNs();
    const uint64_t missed = (now - timer.deadline_ns) / signal.real_interval_ns;
    ArmTimer(timer, timer.deadline_ns + (missed + 1) * signal.real_interval_ns);
  }
  (void)SendSignal(*signal.leader, KernelSignal(kSigAlrm)).ok();
}

void Charge(Task& task, IntervalTimer& timer, uint64_t ns, int signo) {
  if (timer.left_ns == 0) {
    return;
  }
  if (timer.left_ns > ns) {
    timer.left_ns -= ns;
    return;
  }
  timer.left_ns = timer.interval_ns;
  (void)SendSignal(task, KernelSignal(signo)).ok();
}

// SIGXCPU at the soft limit and every second after it, SIGKILL at the hard one (getrlimit(2)).
void CheckCpuLimit(Task& task) {
  Rlimit& limit = task.signal().rlimits[kRlimitCpu];
  if (limit.soft == kRlimitInfinity) {
    return;
  }
  const TaskTimes times = GroupTimes(task);
  const uint64_t seconds = (times.utime_ns + times.stime_ns) / kNsPerSecond;
  if (limit.hard != kRlimitInfinity && seconds >= limit.hard) {
    (void)SendSignal(task, KernelSignal(kSigKill)).ok();
  } else if (seconds >= limit.soft) {
    (void)SendSignal(task, KernelSignal(kSigXcpu)).ok();
    limit.soft = seconds + 1;
  }
}

}  // namespace

void SetRealTimer(SignalStruct& signal, uint64_t first_ns, uint64_t interval_ns) {
  signal.real_interval_ns = interval_ns;
  if (first_ns == 0) {
    CancelTimer(signal.real_timer);
    return;
  }
  signal.real_timer.fire = RealExpired;
  const uint64_t now = MonotonicNs();
  ArmTimer(signal.real_timer, first_ns > kNoDeadline - 1 - now ? kNoDeadline - 1 : now + first_ns);
}

uint64_t RealTimerLeft(const SignalStruct& signal) {
  if (!signal.real_timer.armed) {
    return 0;
  }
  const uint64_t now = MonotonicNs();
  return signal.real_timer.deadline_ns > now ? signal.real_timer.deadline_ns - now : 1000;
}

void ChargeCpuTimers(Task& task) {
  if (task.TaskRecord::signal == 0 || task.mm() == nullptr) {
    return;
  }
  const uint64_t user = task.times.utime_ns - task.charged_user_ns;
  const uint64_t kernel = task.times.stime_ns - task.charged_kernel_ns;
  task.charged_user_ns = task.times.utime_ns;
  task.charged_kernel_ns = task.times.stime_ns;
  SignalStruct& signal = task.signal();
  Charge(task, signal.virtual_timer, user, kSigVtalrm);
  Charge(task, signal.prof_timer, user + kernel, kSigProf);
  CheckCpuLimit(task);
  ExpireCpuTimers();
}

}  // namespace fv::guest
