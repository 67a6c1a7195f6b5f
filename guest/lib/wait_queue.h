// SPDX-License-Identifier: Apache-2.0
//
// Waiting, for code below the scheduler. A WaitQueue is a list of Waiters; a Waiter is one task
// that sleeps on one queue (poll puts several Waiters of one task on several queues). The scheduler
// (guest/task/sched.cc) implements the four hooks at the end; hosted tests implement them as fakes.
//
//   TRY(WaitUntil(pipe.readers, kNoDeadline, [&] { return pipe.Readable(); }));
//
// Context: task context, no spinlock held.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/list.h"
#include "guest/lib/result.h"
#include "proto/process_records.h"

namespace fv::guest {

class Task;

// Nanoseconds of the monotonic clock; kNoDeadline waits for ever.
inline constexpr uint64_t kNoDeadline = ~uint64_t{0};

struct Waiter {
  proto::Link link{0, 0};
  Task* task = nullptr;
  // Futex and poll users mark what happened to them here.
  uint64_t key = 0;
  bool woken = false;
  // EPOLLEXCLUSIVE: once one such waiter took the event, the others stay on the queue.
  bool exclusive = false;
  // Called instead of waking `task` (epoll items, which no task sleeps on). Returns whether the
  // event reached somebody who sleeps for it; an exclusive waiter's answer counts.
  bool (*on_wake)(Waiter& waiter) = nullptr;
};
static_assert(offsetof(Waiter, task) == offsetof(proto::WaiterRecord, task) &&
              offsetof(Waiter, on_wake) == offsetof(proto::WaiterRecord, on_wake) &&
              sizeof(Waiter) == sizeof(proto::WaiterRecord));

class WaitQueue {
 public:
  WaitQueue() = default;
  void Add(Waiter& waiter);
  static void Remove(Waiter& waiter);
  // Wakes up to `count` waiters in order of arrival; returns how many. Each is taken off the queue.
  // Of the exclusive ones, those up to the first that took the event.
  unsigned Wake(unsigned count);
  unsigned WakeAll() { return Wake(~0u); }
  bool empty() { return waiters_.empty(); }
  List<Waiter, &Waiter::link>& waiters() { return waiters_; }

 private:
  List<Waiter, &Waiter::link> waiters_;
};

enum class WaitKind { kInterruptible, kKillable, kUninterruptible };

// ---- Hooks, implemented by the scheduler -----------------------------------------------------
Task* CurrentTask();
// Marks the current task as sleeping; a wake-up between this and Schedule() is not lost.
void PrepareToWait(WaitKind kind);
// Gives the CPU away until woken or `deadline_ns`. Returns false when the deadline passed.
bool ScheduleUntil(uint64_t deadline_ns);
// The current task runs again without having slept.
void FinishWait();
// A signal that `kind` lets through is pending for the current task.
bool WaitInterrupted(WaitKind kind);
// Makes `task` runnable.
void WakeTask(Task& task);

// Sleeps until `condition()` holds; `key` is for who wakes. Errors: ETIMEDOUT, kErestartSys (a
// signal is pending).
template <typename Condition>
Status WaitUntil(WaitQueue& queue, uint64_t deadline_ns, Condition condition,
                 WaitKind kind = WaitKind::kInterruptible, uint64_t key = 0) {
  Waiter waiter;
  waiter.task = CurrentTask();
  waiter.key = key;
  bool in_time = true;
  for (;;) {
    PrepareToWait(kind);
    WaitQueue::Remove(waiter);
    queue.Add(waiter);
    if (condition()) {
      break;
    }
    if (!in_time || WaitInterrupted(kind)) {
      WaitQueue::Remove(waiter);
      FinishWait();
      return Error(in_time ? kErestartSys : ETIMEDOUT);
    }
    in_time = ScheduleUntil(deadline_ns);
  }
  WaitQueue::Remove(waiter);
  FinishWait();
  return Ok();
}

}  // namespace fv::guest
