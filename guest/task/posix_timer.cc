// SPDX-License-Identifier: Apache-2.0

#include "guest/task/posix_timer.h"

#include <linux/signal.h>

#include "guest/arch/arch.h"
#include "guest/mm/slab.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constinit SlabCache<PosixTimer> g_timers("posix_timers_cache");
using Timers = ListView<PosixTimer, &PosixTimer::link>;

// Sends the timer's signal, or counts an overrun while the last one is still pending.
void Notify(PosixTimer& timer) {
  if (timer.notify == SIGEV_NONE) {
    return;
  }
  Task* target = timer.signal->leader;
  if (timer.notify == (SIGEV_SIGNAL | SIGEV_THREAD_ID)) {
    target = FindTask(timer.thread);
    if (target == nullptr || &target->signal() != timer.signal) {
      return;
    }
  }
  const SigPending& pending =
      timer.notify == SIGEV_SIGNAL ? timer.signal->shared_pending : target->pending;
  const bool legacy_pending = timer.signo < kSigRtMin && (pending.set & SigBit(timer.signo)) != 0;
  if (timer.pending || legacy_pending) {
    ++timer.overruns;
    return;
  }
  SigInfo info;
  info.signo = timer.signo;
  info.code = kSiTimer;
  info.timer.id = timer.id;
  info.timer.value = timer.value;
  timer.overruns = 0;
  const bool ignored = SignalIgnored(*target, timer.signo);
  const Status sent =
      timer.notify == SIGEV_SIGNAL ? SendSignal(*target, info) : SendSignalToThread(*target, info);
  timer.pending = sent.ok() && !ignored;
}

}  // namespace

PosixTimer* NewPosixTimer(SignalStruct& signal) {
  PosixTimer* timer = g_timers.New();
  if (timer != nullptr) {
    timer->signal = &signal;
    timer->id = static_cast<int32_t>(signal.next_timer_id++);
    timer->timer.fire = FirePosixTimer;
    Timers(signal.posix_timers).PushBack(*timer);
  }
  return timer;
}

PosixTimer* FindPosixTimer(SignalStruct& signal, int32_t id) {
  for (PosixTimer& timer : Timers(signal.posix_timers)) {
    if (timer.id == id) {
      return &timer;
    }
  }
  return nullptr;
}

void DeletePosixTimer(PosixTimer& timer) {
  CancelTimer(timer.timer);
  Timers::Remove(timer);
  g_timers.Delete(&timer);
}

void FirePosixTimer(Timer& expired) {
  PosixTimer& timer = TimerOwner<PosixTimer, &PosixTimer::timer>(expired);
  if (timer.interval_ns != 0) {
    const uint64_t now = MonotonicNs();
    const uint64_t missed = (now - expired.deadline_ns) / timer.interval_ns;
    ArmTimer(expired, expired.deadline_ns + (missed + 1) * timer.interval_ns);
    Notify(timer);
    timer.overruns += static_cast<uint32_t>(missed);
    return;
  }
  Notify(timer);
}

void NotePosixTimerDelivered(SignalStruct& signal, SigInfo& info) {
  PosixTimer* timer = FindPosixTimer(signal, info.timer.id);
  if (timer == nullptr) {
    return;
  }
  timer->pending = false;
  timer->last_overrun = timer->overruns;
  info.timer.overrun = static_cast<int32_t>(timer->overruns);
  timer->overruns = 0;
}

void DropPosixTimers(SignalStruct& signal) {
  while (PosixTimer* timer = Timers(signal.posix_timers).front()) {
    DeletePosixTimer(*timer);
  }
}

}  // namespace fv::guest
