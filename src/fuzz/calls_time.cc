// SPDX-License-Identifier: Apache-2.0
//
// Timers, clocks, and signals that carry something or are waited for. What a timer does natively is
// a matter of moments: only guests, whose clock stands still while anybody runs, have them.
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include <iterator>
#include <span>

#include "src/fuzz/call_rows.h"

namespace fv::fuzz {
namespace {

constexpr Named kIntervalTimers[] = {
    FV_N(ITIMER_REAL), FV_N(ITIMER_VIRTUAL), FV_N(ITIMER_PROF), {"9", 9}};
constexpr Named kClocks[] = {
    FV_N(CLOCK_REALTIME),          FV_N(CLOCK_MONOTONIC),     FV_N(CLOCK_PROCESS_CPUTIME_ID),
    FV_N(CLOCK_THREAD_CPUTIME_ID), FV_N(CLOCK_BOOTTIME),      FV_N(CLOCK_MONOTONIC_RAW),
    FV_N(CLOCK_MONOTONIC_COARSE),  FV_N(CLOCK_TAI),           {"99", 99},
    FV_N(CLOCK_REALTIME_ALARM),    FV_N(CLOCK_BOOTTIME_ALARM)};
// A machine without an RTC that wakes it does not have the last two.
constexpr auto kAlarmClocks = std::span(kClocks).last<2>();
constexpr auto kOtherClocks = std::span(kClocks).first<std::size(kClocks) - 2>();
// Monotonic: absolute times near 0 are over in any case.
constexpr Named kSleepClocks[] = {FV_N(CLOCK_MONOTONIC),
                                  FV_N(CLOCK_REALTIME),
                                  FV_N(CLOCK_PROCESS_CPUTIME_ID),
                                  FV_N(CLOCK_THREAD_CPUTIME_ID),
                                  {"99", 99}};
constexpr Named kTimerFlags[] = {FV_N(TIMER_ABSTIME)};
constexpr Named kTimerfdFlags[] = {FV_N(TFD_NONBLOCK), FV_N(TFD_CLOEXEC)};
constexpr Named kSettimeFlags[] = {FV_N(TFD_TIMER_ABSTIME), FV_N(TFD_TIMER_CANCEL_ON_SET)};
constexpr Named kSignalfdFlags[] = {FV_N(SFD_NONBLOCK), FV_N(SFD_CLOEXEC)};
constexpr Named kEventfdFlags[] = {FV_N(EFD_NONBLOCK), FV_N(EFD_SEMAPHORE), FV_N(EFD_CLOEXEC)};

constexpr ArgumentSpec kItimerspec = Pointer(FV_FUZZ_ITIMERSPEC);
constexpr ArgumentSpec kItimerval = Pointer(FV_FUZZ_ITIMERVAL);
constexpr auto kGuest = Compared::kGuestOnly;

std::vector<CallSpec> TimerCalls() {
  return {
      {.name = "alarm", .number = SYS_alarm, .arguments = {Choice(kSmall)}, .compared = kGuest},
      {.name = "setitimer",
       .number = SYS_setitimer,
       .arguments = {Choice(kIntervalTimers), kItimerval, kOutbuf},
       .weight = 2,
       .compared = kGuest},
      {.name = "getitimer",
       .number = SYS_getitimer,
       .arguments = {Choice(kIntervalTimers), kOutbuf},
       .compared = kGuest},
      {.name = "timer_create",
       .number = SYS_timer_create,
       .arguments = {Choice(kClocks), Pointer(FV_FUZZ_SIGEVENT), kOutbuf},
       .output = kOut,
       .weight = 2,
       .gives = Gives::kTimer,
       .compared = kGuest},
      {.name = "timer_settime",
       .number = SYS_timer_settime,
       .arguments = {kTimer, Flags(kTimerFlags), kItimerspec, kOutbuf},
       .weight = 2,
       .compared = kGuest},
      {.name = "timer_gettime",
       .number = SYS_timer_gettime,
       .arguments = {kTimer, kOutbuf},
       .compared = kGuest},
      {.name = "timer_getoverrun",
       .number = SYS_timer_getoverrun,
       .arguments = {kTimer},
       .compared = kGuest},
      {.name = "timer_delete",
       .number = SYS_timer_delete,
       .arguments = {kTimer},
       .compared = kGuest},
      {.name = "timerfd_create",
       .number = SYS_timerfd_create,
       .arguments = {Choice(kClocks), Flags(kTimerfdFlags)},
       .weight = 2,
       .gives = Gives::kFd,
       .compared = kGuest},
      {.name = "timerfd_settime",
       .number = SYS_timerfd_settime,
       .arguments = {kFd, Flags(kSettimeFlags), kItimerspec, kOutbuf},
       .weight = 2,
       .compared = kGuest},
      {.name = "timerfd_gettime",
       .number = SYS_timerfd_gettime,
       .arguments = {kFd, kOutbuf},
       .compared = kGuest},
      {.name = "clock_gettime",
       .number = SYS_clock_gettime,
       .arguments = {Choice(kOtherClocks), kOutbuf}},
      {.name = "clock_getres",
       .number = SYS_clock_getres,
       .arguments = {Choice(kOtherClocks), kOutbuf}},
      {.name = "clock_gettime_alarm",
       .number = FV_FUZZ_VARIANT(SYS_clock_gettime, 1),
       .arguments = {Choice(kAlarmClocks), kOutbuf},
       .compared = kGuest},
      {.name = "clock_getres_alarm",
       .number = FV_FUZZ_VARIANT(SYS_clock_getres, 1),
       .arguments = {Choice(kAlarmClocks), kOutbuf},
       .compared = kGuest},
      {.name = "clock_nanosleep",
       .number = SYS_clock_nanosleep,
       .arguments = {Choice(kSleepClocks), Flags(kTimerFlags), kTimespec, Choice(kZero)},
       .blocking = kMay,
       .compared = kGuest},
  };
}

std::vector<CallSpec> WaitedSignalCalls() {
  return {
      {.name = "signalfd4",
       .number = SYS_signalfd4,
       .arguments = {kFd, kSigset, Choice(kSetSizes), Flags(kSignalfdFlags)},
       .weight = 2,
       .gives = Gives::kFd,
       .compared = kGuest},
      {.name = "eventfd2",
       .number = SYS_eventfd2,
       .arguments = {Choice(kSmall), Flags(kEventfdFlags)},
       .gives = Gives::kFd},
      {.name = "rt_sigqueueinfo",
       .number = SYS_rt_sigqueueinfo,
       .arguments = {kPid, kSignal, Pointer(FV_FUZZ_SIGINFO)},
       .weight = 2},
      {.name = "rt_tgsigqueueinfo",
       .number = SYS_rt_tgsigqueueinfo,
       .arguments = {kPid, kPid, kSignal, Pointer(FV_FUZZ_SIGINFO)}},
      {.name = "tkill", .number = SYS_tkill, .arguments = {kPid, kSignal}},
      {.name = "rt_sigsuspend",
       .number = SYS_rt_sigsuspend,
       .arguments = {kSigset, Choice(kSetSizes)},
       .blocking = kMay},
      {.name = "pause", .number = SYS_pause, .arguments = {}, .blocking = kMay},
  };
}

}  // namespace

std::vector<CallSpec> TimeCalls() {
  std::vector<CallSpec> calls = TimerCalls();
  const std::vector<CallSpec> signals = WaitedSignalCalls();
  calls.insert(calls.end(), signals.begin(), signals.end());
  return calls;
}

}  // namespace fv::fuzz
