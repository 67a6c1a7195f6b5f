// SPDX-License-Identifier: Apache-2.0
//
// Timers of the kernel: a pairing heap of deadlines on the monotonic clock. Arming and cancelling
// are O(log n) amortised and never allocate. ChannelHeader::timer_deadline_tsc always tells the
// host the earliest deadline.
// Locking: the queue's (a per-CPU timer lock on several CPUs); `fire` is called without it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/process_records.h"

namespace fv::guest {

// An embedded timer. Zero-initialised is disarmed. Must be disarmed before its memory goes.
struct Timer {
  uint64_t deadline_ns = 0;
  void (*fire)(Timer& timer) = nullptr;
  // Heap links; `armed` is kept because a lone root has no links.
  Timer* child = nullptr;
  Timer* next = nullptr;  // sibling
  Timer* prev = nullptr;  // previous sibling, or the parent for a first child
  bool armed = false;
};
static_assert(offsetof(Timer, fire) == offsetof(proto::TimerRecord, fire) &&
              offsetof(Timer, child) == offsetof(proto::TimerRecord, child) &&
              offsetof(Timer, next) == offsetof(proto::TimerRecord, next) &&
              offsetof(Timer, prev) == offsetof(proto::TimerRecord, prev) &&
              offsetof(Timer, armed) == offsetof(proto::TimerRecord, armed) &&
              sizeof(Timer) == sizeof(proto::TimerRecord));

// The object that `timer` is a member of.
template <typename T, Timer T::*Member>
T& TimerOwner(Timer& timer) {
  constexpr uintptr_t kProbe = 0x10000;
  const auto member = reinterpret_cast<uintptr_t>(&(reinterpret_cast<T*>(kProbe)->*Member));
  return *reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(&timer) - (member - kProbe));
}

// The heap itself: pure, unit tested.
class TimerQueue {
 public:
  void Insert(Timer& timer);  // REQUIRES: !timer.armed
  void Remove(Timer& timer);  // REQUIRES: timer.armed
  Timer* Earliest() const { return root_; }
  Timer* const* root() const { return &root_; }  // for the host

 private:
  static Timer* Meld(Timer* a, Timer* b);
  static Timer* MergePairs(Timer* first);

  Timer* root_ = nullptr;
};

// Arms (or moves) `timer`: fire(timer) is called once at or after deadline_ns (monotonic clock), in
// kernel context, with the timer disarmed.
void ArmTimer(Timer& timer, uint64_t deadline_ns);
// Harmless when it is not armed.
void CancelTimer(Timer& timer);
// Fires everything that is due. Called at ticks, when idle, and before sleeping.
void ExpireTimers();
// Shows the heap to the host; part of InitTasks().
void InitTimers();
// Deadline of the earliest timer in ns, or kNoDeadline.
uint64_t NextTimerNs();

}  // namespace fv::guest
