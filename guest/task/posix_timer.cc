// SPDX-License-Identifier: Apache-2.0
//
// Timers of both kinds of clocks end in Expire. The next round is armed from the deadline, not from
// now, so that an interval does not drift; the signal's queue entry is reserved when the timer is
// made, so that expiry cannot fail.

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
  if (IsLinked(timer.entry->link) || legacy_pending) {
    ++timer.overruns;
    return;
  }
  SigInfo info;
  info.signo = timer.signo;
  info.code = kSiTimer;
  info.timer.id = timer.id;
  info.timer.value = timer.value;
  timer.overruns = 0;
  const SignalScope scope =
      timer.notify == SIGEV_SIGNAL ? SignalScope::kGroup : SignalScope::kThread;
  (void)SendReserved(*target, info, scope, *timer.entry).ok();
}

// The timer's clock shows `now`.
void Expire(PosixTimer& timer, uint64_t deadline_ns, uint64_t now) {
  if (timer.interval_ns == 0) {
    Notify(timer);
    return;
  }
  const uint64_t missed = (now - deadline_ns) / timer.interval_ns;
  StartPosixTimer(timer, deadline_ns + (missed + 1) * timer.interval_ns);
  Notify(timer);
  timer.overruns += missed;
}

void TimerExpired(Timer& expired) {
  PosixTimer& timer = TimerOwner<PosixTimer, &PosixTimer::timer>(expired);
  Expire(timer, expired.deadline_ns, MonotonicNs());
}

void CpuTimerExpired(CpuTimer& expired) {
  constexpr uintptr_t kProbe = 0x10000;
  const auto member = reinterpret_cast<uintptr_t>(&reinterpret_cast<PosixTimer*>(kProbe)->cpu);
  auto& timer =
      *reinterpret_cast<PosixTimer*>(reinterpret_cast<uintptr_t>(&expired) - (member - kProbe));
  const Result<uint64_t> now = ReadCpuClock(expired.clock);
  Expire(timer, expired.deadline_ns, now.ok() ? now.value() : expired.deadline_ns);
}

}  // namespace

PosixTimer* NewPosixTimer(Task& task) {
  PosixTimer* timer = g_timers.New();
  if (timer == nullptr) {
    return nullptr;
  }
  timer->entry = ReserveSignal(task);
  if (timer->entry == nullptr) {
    g_timers.Delete(timer);
    return nullptr;
  }
  SignalStruct& signal = task.signal();
  timer->signal = &signal;
  timer->id = static_cast<int32_t>(signal.next_timer_id++);
  timer->timer.fire = TimerExpired;
  timer->cpu.fire = CpuTimerExpired;
  Timers(signal.posix_timers).PushBack(*timer);
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
  StopPosixTimer(timer);
  DropReserved(*timer.entry);
  Timers::Remove(timer);
  g_timers.Delete(&timer);
}

void StartPosixTimer(PosixTimer& timer, uint64_t deadline_ns) {
  if (timer.on_cpu_time) {
    ArmCpuTimer(timer.cpu, deadline_ns);
  } else {
    ArmTimer(timer.timer, deadline_ns);
  }
}

void StopPosixTimer(PosixTimer& timer) {
  CancelTimer(timer.timer);
  CancelCpuTimer(timer.cpu);
}

uint64_t PosixTimerLeft(const PosixTimer& timer) {
  uint64_t deadline_ns = timer.timer.deadline_ns;
  uint64_t now = 0;
  if (timer.on_cpu_time) {
    const Result<uint64_t> read = ReadCpuClock(timer.cpu.clock);
    if (!IsLinked(timer.cpu.link) || !read.ok()) {
      return 0;
    }
    deadline_ns = timer.cpu.deadline_ns;
    now = read.value();
  } else {
    if (!timer.timer.armed) {
      return 0;
    }
    now = MonotonicNs();
  }
  return deadline_ns > now ? deadline_ns - now : 1;
}

void NotePosixTimerDelivered(SignalStruct& signal, SigInfo& info) {
  PosixTimer* timer = FindPosixTimer(signal, info.timer.id);
  if (timer == nullptr) {
    return;
  }
  constexpr uint64_t kMost = 0x7FFFFFFF;  // DELAYTIMER_MAX
  timer->last_overrun = static_cast<int32_t>(timer->overruns < kMost ? timer->overruns : kMost);
  info.timer.overrun = timer->last_overrun;
  timer->overruns = 0;
}

void DropPosixTimers(SignalStruct& signal) {
  while (PosixTimer* timer = Timers(signal.posix_timers).front()) {
    DeletePosixTimer(*timer);
  }
}

}  // namespace fv::guest
