// SPDX-License-Identifier: Apache-2.0
//
// POSIX timers (timer_create(2)): a list in the SignalStruct, ids ascending from 0.
// Locking: siglock of the group.
#pragma once

#include <cstdint>

#include "guest/lib/list.h"
#include "guest/task/cpu_timer.h"
#include "guest/task/signal.h"
#include "guest/task/timer.h"

namespace fv::guest {

struct PosixTimer {
  proto::Link link{0, 0};
  SignalStruct* signal = nullptr;
  SigQueueEntry* entry = nullptr;  // on a queue while its signal is pending
  Timer timer;                     // of a clock that always goes on
  int32_t id = 0;
  int32_t clock = 0;
  int32_t notify = 0;  // SIGEV_*
  int32_t signo = 0;
  uint64_t value = 0;   // sigev_value
  uint32_t thread = 0;  // SIGEV_THREAD_ID
  CpuTimer cpu;         // of a CPU-time clock, if `on_cpu_time`
  bool on_cpu_time = false;
  uint64_t interval_ns = 0;
  uint64_t overruns = 0;     // expirations while the signal was pending
  int32_t last_overrun = 0;  // of the last delivery, at most DELAYTIMER_MAX
};
static_assert(offsetof(PosixTimer, signal) == offsetof(proto::PosixTimerRecord, signal) &&
              offsetof(PosixTimer, entry) == offsetof(proto::PosixTimerRecord, entry) &&
              offsetof(PosixTimer, timer) == offsetof(proto::PosixTimerRecord, timer));

// A timer of the task's group. nullptr: no memory, or RLIMIT_SIGPENDING.
PosixTimer* NewPosixTimer(Task& task);
PosixTimer* FindPosixTimer(SignalStruct& signal, int32_t id);
void DeletePosixTimer(PosixTimer& timer);
// `deadline_ns` is on the timer's own clock (the monotonic one for those that always go on).
void StartPosixTimer(PosixTimer& timer, uint64_t deadline_ns);
void StopPosixTimer(PosixTimer& timer);
// Until it expires, in ns, at least 1; 0: it is not armed.
uint64_t PosixTimerLeft(const PosixTimer& timer);
// The signal of a timer leaves the queue: completes `info` with the overrun count.
void NotePosixTimerDelivered(SignalStruct& signal, SigInfo& info);

}  // namespace fv::guest
