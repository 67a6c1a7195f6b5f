// SPDX-License-Identifier: Apache-2.0
//
// alarm(2), setitimer(2), getitimer(2), timer_create(2) and its family.

#include "guest/task/itimer.h"

#include <linux/signal.h>

#include "guest/arch/arch.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/rusage.h"
#include "guest/syscall/syscall.h"
#include "guest/task/clock.h"
#include "guest/task/pid.h"
#include "guest/task/posix_timer.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

enum Which : int { kReal = 0, kVirtual = 1, kProf = 2 };
constexpr int kTimerAbstime = 1;

struct Itimerval {
  Timeval interval;
  Timeval value;
};
struct Itimerspec {
  Timespec interval;
  Timespec value;
};
struct SigEvent {  // struct sigevent, the part in use
  uint64_t value;
  int32_t signo;
  int32_t notify;
  int32_t thread;
  int32_t pad[11];
};
static_assert(sizeof(SigEvent) == 64);

IntervalTimer& CpuIntervalTimer(SignalStruct& signal, int which) {
  return which == kVirtual ? signal.virtual_timer : signal.prof_timer;
}

Result<Itimerval> Read(SignalStruct& signal, int which) {
  if (which == kReal) {
    return Itimerval{TimevalOf(signal.real_timer.armed ? signal.real_interval_ns : 0),
                     TimevalOf(RealTimerLeft(signal))};
  }
  if (which != kVirtual && which != kProf) {
    return Error(EINVAL);
  }
  const IntervalTimer& timer = CpuIntervalTimer(signal, which);
  return Itimerval{TimevalOf(timer.interval_ns), TimevalOf(timer.left_ns)};
}

Itimerspec Remaining(const PosixTimer& timer) {
  return {TimespecOf(timer.interval_ns), TimespecOf(PosixTimerLeft(timer))};
}

Result<SigEvent> ReadSigEvent(Task& task, uint64_t address) {
  if (address == 0) {  // SIGALRM with the timer's id as value
    SigEvent event{};
    event.signo = kSigAlrm;
    event.notify = SIGEV_SIGNAL;
    return event;
  }
  auto event = TRY(ReadUser<SigEvent>(*task.mm(), address));
  const bool signals = event.notify == SIGEV_SIGNAL || event.notify == SIGEV_THREAD ||
                       event.notify == (SIGEV_SIGNAL | SIGEV_THREAD_ID);
  if ((!signals && event.notify != SIGEV_NONE) || (signals && !IsValidSignal(event.signo))) {
    return Error(EINVAL);
  }
  if (event.notify == (SIGEV_SIGNAL | SIGEV_THREAD_ID)) {
    const Task* thread = FindTaskFor(task, static_cast<uint32_t>(event.thread));
    if (thread == nullptr || thread->tgid != task.tgid) {
      return Error(EINVAL);
    }
    event.thread = static_cast<int32_t>(thread->pid);  // the timer finds it by its global number
  }
  return event;
}

Result<PosixTimer*> TimerOf(Task& task, int id) {
  PosixTimer* timer = FindPosixTimer(task.signal(), id);
  if (timer == nullptr) {
    return Error(EINVAL);
  }
  return timer;
}

// On the clock that StartPosixTimer counts. Errors: EINVAL (a CPU-time clock whose task is gone).
Result<uint64_t> NowOf(const PosixTimer& timer) {
  return timer.on_cpu_time ? ReadCpuClock(timer.cpu.clock) : Result<uint64_t>(MonotonicNs());
}
uint64_t AbsoluteDeadline(const PosixTimer& timer, uint64_t value) {
  return timer.on_cpu_time ? value : MonotonicOf(timer.clock, value);
}

}  // namespace

namespace sys {

Result<uint64_t> alarm(const SyscallArgs& args) {
  SignalStruct& signal = args.task.signal();
  const uint64_t left = RealTimerLeft(signal);
  SetRealTimer(signal, args.Uint(0) * kNsPerSec, 0);
  // Rounded to the nearest second, but never to 0 while one was pending (alarm(2)).
  const uint64_t seconds = (left + kNsPerSec / 2) / kNsPerSec;
  return left > 0 && seconds == 0 ? uint64_t{1} : seconds;
}

Result<uint64_t> getitimer(const SyscallArgs& args) {
  const Itimerval value = TRY(Read(args.task.signal(), args.Int(0)));
  TRY(WriteUser(*args.task.mm(), args.a[1], value));
  return uint64_t{0};
}

// setitimer(which, new, old)
Result<uint64_t> setitimer(const SyscallArgs& args) {
  SignalStruct& signal = args.task.signal();
  const int which = args.Int(0);
  Itimerval wanted{};
  if (args.a[1] != 0) {
    wanted = TRY(ReadUser<Itimerval>(*args.task.mm(), args.a[1]));
  }
  const uint64_t first = TRY(NsOf(wanted.value));
  const uint64_t interval = TRY(NsOf(wanted.interval));
  const Itimerval old = TRY(Read(signal, which));
  if (which == kReal) {
    SetRealTimer(signal, first, interval);
  } else {
    CpuIntervalTimer(signal, which) = {first, interval};
    RefreshTick();
  }
  if (args.a[2] != 0) {
    TRY(WriteUser(*args.task.mm(), args.a[2], old));
  }
  return uint64_t{0};
}

// timer_create(clock, event, id)
Result<uint64_t> timer_create(const SyscallArgs& args) {
  Task& task = args.task;
  const int clock = args.Int(0);
  if (args.a[1] != 0) {
    TRY(ReadUser<SigEvent>(*task.mm(), args.a[1]));
  }
  const Result<CpuClock> cpu = CpuClockOf(task, clock);
  if (!cpu.ok()) {
    TRY(CheckSleepClock(clock));
  }
  const SigEvent event = TRY(ReadSigEvent(task, args.a[1]));
  PosixTimer* timer = NewPosixTimer(task);
  if (timer == nullptr) {
    return Error(EAGAIN);
  }
  timer->clock = clock;
  timer->on_cpu_time = cpu.ok();
  if (cpu.ok()) {
    timer->cpu.clock = cpu.value();
  }
  // SIGEV_THREAD is the C library's affair: to the kernel it is a signal.
  timer->notify = event.notify == SIGEV_THREAD ? SIGEV_SIGNAL : event.notify;
  timer->signo = event.signo;
  timer->value = args.a[1] == 0 ? static_cast<uint64_t>(timer->id) : event.value;
  timer->thread = static_cast<uint32_t>(event.thread);
  const int32_t id = timer->id;
  if (!WriteUser(*task.mm(), args.a[2], id).ok()) {
    DeletePosixTimer(*timer);
    return Error(EFAULT);
  }
  return uint64_t{0};
}

// timer_settime(id, flags, new, old)
Result<uint64_t> timer_settime(const SyscallArgs& args) {
  Task& task = args.task;
  if (args.a[2] == 0) {
    return Error(EINVAL);
  }
  const Itimerspec wanted = TRY(ReadUser<Itimerspec>(*task.mm(), args.a[2]));
  const uint64_t value = TRY(NsOf(wanted.value));
  const uint64_t interval = TRY(NsOf(wanted.interval));
  PosixTimer* timer = TRY(TimerOf(task, args.Int(0)));
  const Itimerspec old = Remaining(*timer);
  StopPosixTimer(*timer);
  timer->interval_ns = interval;
  timer->overruns = timer->last_overrun = 0;
  if (value != 0) {
    const bool absolute = (args.Int(1) & kTimerAbstime) != 0;
    StartPosixTimer(*timer,
                    absolute ? AbsoluteDeadline(*timer, value) : TRY(NowOf(*timer)) + value);
  }
  if (args.a[3] != 0) {
    TRY(WriteUser(*task.mm(), args.a[3], old));
  }
  return uint64_t{0};
}

Result<uint64_t> timer_gettime(const SyscallArgs& args) {
  PosixTimer* timer = TRY(TimerOf(args.task, args.Int(0)));
  TRY(WriteUser(*args.task.mm(), args.a[1], Remaining(*timer)));
  return uint64_t{0};
}

Result<uint64_t> timer_getoverrun(const SyscallArgs& args) {
  return static_cast<uint64_t>(TRY(TimerOf(args.task, args.Int(0)))->last_overrun);
}

Result<uint64_t> timer_delete(const SyscallArgs& args) {
  DeletePosixTimer(*TRY(TimerOf(args.task, args.Int(0))));
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
