// SPDX-License-Identifier: Apache-2.0
//
// POSIX timers (timer_create(2)): a list in the SignalStruct, ids ascending from 0.
// Locking: siglock of the group.
#pragma once

#include <cstdint>

#include "guest/lib/list.h"
#include "guest/task/signal.h"
#include "guest/task/timer.h"

namespace fv::guest {

struct PosixTimer {
  proto::Link link{0, 0};
  SignalStruct* signal = nullptr;
  int32_t id = 0;
  int32_t clock = 0;
  int32_t notify = 0;  // SIGEV_*
  int32_t signo = 0;
  uint64_t value = 0;   // sigev_value
  uint32_t thread = 0;  // SIGEV_THREAD_ID
  Timer timer;
  uint64_t interval_ns = 0;
  uint32_t overruns = 0;      // expirations while the signal was pending
  uint32_t last_overrun = 0;  // of the last delivery
  bool pending = false;
};

PosixTimer* NewPosixTimer(SignalStruct& signal);  // nullptr: no memory
PosixTimer* FindPosixTimer(SignalStruct& signal, int32_t id);
void DeletePosixTimer(PosixTimer& timer);
void FirePosixTimer(Timer& timer);
// The signal of a timer leaves the queue: completes `info` with the overrun count.
void NotePosixTimerDelivered(SignalStruct& signal, SigInfo& info);

}  // namespace fv::guest
