// SPDX-License-Identifier: Apache-2.0
//
// Clocks and sleeping: clock_gettime(2) and its family, gettimeofday(2), time(2), nanosleep(2),
// clock_nanosleep(2), times(2).

#include "guest/task/clock.h"

#include <linux/capability.h>

#include <cstddef>

#include "guest/arch/arch.h"
#include "guest/lib/mutants.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/rusage.h"
#include "guest/syscall/syscall.h"
#include "guest/task/cpu_timer.h"
#include "guest/task/lifecycle.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr int kTimerAbstime = 1;

Result<uint64_t> ReadTimespec(Task& task, uint64_t address) {
  const Timespec time = TRY(ReadUser<Timespec>(*task.mm(), address));
  if (HasMutant(Mutant::kSleepOverflow)) {
    return static_cast<uint64_t>(time.seconds * int64_t{kNsPerSec} + time.nanoseconds);
  }
  return NsOf(time);
}

Status SleepUntil(uint64_t deadline_ns) {
  WaitQueue nobody;
  const Status status = WaitUntil(nobody, deadline_ns, [] { return false; });
  return status.error().number() == ETIMEDOUT ? Ok() : status;
}

// Tells the program how long it would have had to sleep on. EFAULT there is EFAULT.
Status WriteRemaining(Task& task, uint64_t address, uint64_t deadline_ns) {
  if (address == 0) {
    return Ok();
  }
  const uint64_t now = MonotonicNs();
  return WriteUser(*task.mm(), address, TimespecOf(deadline_ns > now ? deadline_ns - now : 0));
}

// args: deadline, user address of the remaining time.
Result<uint64_t> ResumeSleep(Task& task) {
  const uint64_t deadline = task.restart.args[0];
  const Status status = SleepUntil(deadline);
  if (status.ok()) {
    return uint64_t{0};
  }
  TRY(WriteRemaining(task, task.restart.args[1], deadline));
  return Error(kErestartBlock);
}

Result<uint64_t> SleepFor(Task& task, uint64_t ns, uint64_t remaining) {
  const uint64_t now = MonotonicNs();
  const uint64_t deadline = ns > kNoDeadline - 1 - now ? kNoDeadline - 1 : now + ns;
  task.restart = RestartBlock{ResumeSleep, {deadline, remaining, 0, 0, 0}};
  return ResumeSleep(task);
}

// A sleep on a CPU-time clock, on the sleeper's stack.
struct CpuSleep {
  CpuTimer timer;
  Task* task = nullptr;
  bool over = false;
};
static_assert(offsetof(CpuSleep, timer) == 0);

void EndCpuSleep(CpuTimer& timer) {
  auto& sleep = reinterpret_cast<CpuSleep&>(timer);
  sleep.over = true;
  WakeTask(*sleep.task);
}

// Errors: kErestartSys.
Status SleepOnCpuClock(Task& task, const CpuClock& clock, uint64_t deadline_ns) {
  CpuSleep sleep;
  sleep.task = &task;
  sleep.timer.clock = clock;
  sleep.timer.fire = EndCpuSleep;
  if (const Result<uint64_t> now = ReadCpuClock(clock); now.ok() && now.value() >= deadline_ns) {
    return Ok();
  }
  ArmCpuTimer(sleep.timer, deadline_ns);
  WaitQueue nobody;
  const Status status = WaitUntil(nobody, kNoDeadline, [&sleep] { return sleep.over; });
  CancelCpuTimer(sleep.timer);
  return status;
}

// args: deadline, user address of the remaining time, pid, whether it is a thread's clock.
Result<uint64_t> ResumeCpuSleep(Task& task) {
  const auto& args = task.restart.args;
  const CpuClock clock{static_cast<uint32_t>(args[2]),
                       args[3] != 0 ? CpuClock::Of::kThread : CpuClock::Of::kProcess};
  if (SleepOnCpuClock(task, clock, args[0]).ok()) {
    return uint64_t{0};
  }
  if (args[1] != 0) {
    const uint64_t now = TRY(ReadCpuClock(clock));
    TRY(WriteUser(*task.mm(), args[1], TimespecOf(args[0] > now ? args[0] - now : 0)));
  }
  return Error(kErestartBlock);
}

Result<uint64_t> CpuNanosleep(const SyscallArgs& args, const CpuClock& clock) {
  const uint64_t ns = TRY(ReadTimespec(args.task, args.a[2]));
  if (clock.of == CpuClock::Of::kThread && clock.pid == args.task.pid) {
    return Error(EINVAL);  // it would never end
  }
  if ((args.Int(1) & kTimerAbstime) != 0) {
    const Status status = SleepOnCpuClock(args.task, clock, ns);
    return status.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(Error(kErestartNoHand));
  }
  const bool thread = clock.of == CpuClock::Of::kThread;
  const uint64_t deadline = TRY(ReadCpuClock(clock)) + ns;
  args.task.restart =
      RestartBlock{ResumeCpuSleep, {deadline, args.a[3], clock.pid, thread ? 1u : 0u, 0}};
  return ResumeCpuSleep(args.task);
}

struct Tms {  // struct tms
  int64_t user, system, child_user, child_system;
};

struct Timezone {
  int32_t minutes_west;
  int32_t dst;
};

}  // namespace

namespace sys {

Result<uint64_t> clock_gettime(const SyscallArgs& args) {
  const uint64_t now = TRY(ReadClock(args.task, args.Int(0)));
  TRY(WriteUser(*args.task.mm(), args.a[1], TimespecOf(now)));
  return uint64_t{0};
}

Result<uint64_t> clock_getres(const SyscallArgs& args) {
  const uint64_t resolution = TRY(ClockResolution(args.task, args.Int(0)));
  if (args.a[1] != 0) {
    TRY(WriteUser(*args.task.mm(), args.a[1], TimespecOf(resolution)));
  }
  return uint64_t{0};
}

// The clocks belong to the host.
Result<uint64_t> clock_settime(const SyscallArgs& args) {
  if (args.Int(0) != kClockRealtime) {
    return Error(EINVAL);
  }
  TRY(ReadTimespec(args.task, args.a[1]));
  return Error(EPERM);
}

Result<uint64_t> settimeofday(const SyscallArgs& args) {
  if (args.a[0] != 0) {
    const Timeval wanted = TRY(ReadUser<Timeval>(*args.task.mm(), args.a[0]));
    TRY(NsOf(wanted));
  }
  return Error(EPERM);
}

Result<uint64_t> gettimeofday(const SyscallArgs& args) {
  if (args.a[0] != 0) {
    TRY(WriteUser(*args.task.mm(), args.a[0], TimevalOf(RealtimeNs())));
  }
  if (args.a[1] != 0) {
    TRY(WriteUser(*args.task.mm(), args.a[1], Timezone{0, 0}));
  }
  return uint64_t{0};
}

Result<uint64_t> time(const SyscallArgs& args) {
  const uint64_t seconds = RealtimeNs() / kNsPerSec;
  if (args.a[0] != 0) {
    TRY(WriteUser(*args.task.mm(), args.a[0], seconds));
  }
  return seconds;
}

Result<uint64_t> nanosleep(const SyscallArgs& args) {
  const uint64_t ns = TRY(ReadTimespec(args.task, args.a[0]));
  return SleepFor(args.task, ns, args.a[1]);
}

// clock_nanosleep(clock, flags, request, remaining)
Result<uint64_t> clock_nanosleep(const SyscallArgs& args) {
  constexpr int kThreadCpuClock = 3;
  const int clock = args.Int(0);
  const Result<CpuClock> cpu = CpuClockOf(args.task, clock);
  if (cpu.ok() && clock != kThreadCpuClock) {
    return CpuNanosleep(args, cpu.value());
  }
  if (cpu.ok()) {
    return Error(EOPNOTSUPP);
  }
  TRY(CheckSleepClock(clock));
  const uint64_t ns = TRY(ReadTimespec(args.task, args.a[2]));
  if ((args.Int(1) & kTimerAbstime) == 0) {
    return SleepFor(args.task, ns, args.a[3]);
  }
  const Status status = SleepUntil(MonotonicOf(clock, ns));
  return status.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(Error(kErestartNoHand));
}

Result<uint64_t> times(const SyscallArgs& args) {
  if (args.a[0] != 0) {
    AccountKernelTime();
    const TaskTimes own = GroupTimes(args.task);
    const TaskTimes& children = args.task.signal().children;
    auto ticks = [](uint64_t ns) { return static_cast<int64_t>(ns / kClockTickNs); };
    const Tms tms{ticks(own.utime_ns), ticks(own.stime_ns), ticks(children.utime_ns),
                  ticks(children.stime_ns)};
    TRY(WriteUser(*args.task.mm(), args.a[0], tms));
  }
  return MonotonicNs() / kClockTickNs;
}

}  // namespace sys
}  // namespace fv::guest
