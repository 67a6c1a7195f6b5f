// SPDX-License-Identifier: Apache-2.0
//
// Moving waiters from one futex to another: FUTEX_REQUEUE, and FUTEX_CMP_REQUEUE_PI with
// FUTEX_WAIT_REQUEUE_PI, by which a condition variable hands its waiters to a priority-inheritance
// mutex (futex(2)).
// Locking: both buckets, lower address first; the PI chains'.

#include <linux/futex.h>

#include "guest/ipc/futex_internal.h"
#include "guest/ipc/futex_pi.h"
#include "guest/lib/wait_queue.h"
#include "guest/mm/user_copy.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

// Calls `each(waiter)` -> Result<bool> for the waiters of `key` until it gives false or an error.
template <typename Each>
Status ForEachWaiter(const FutexKey& key, Each each) {
  FutexBucket bucket = FutexBucketOf(key);
  for (FutexWaiter* waiter = bucket.front(); waiter != nullptr;) {
    FutexWaiter* next = bucket.Next(*waiter);
    if (waiter->key == key && !TRY(each(*waiter))) {
      break;
    }
    waiter = next;
  }
  return Ok();
}

}  // namespace

Result<uint64_t> RequeueFutex(const FutexKey& from, const FutexKey& to, uint32_t wake,
                              uint32_t requeue) {
  uint64_t handled = 0;
  const Status status = ForEachWaiter(from, [&](FutexWaiter& waiter) -> Result<bool> {
    if (handled >= wake && handled - wake >= requeue) {
      return false;
    }
    if (waiter.requeue_pi != nullptr) {
      return Error(EINVAL);
    }
    if (handled < wake) {
      WakeFutexWaiter(waiter);
    } else if (!(from == to)) {
      FutexBucket::Remove(waiter);
      waiter.key = to;
      EnqueueFutexWaiter(waiter);
    }
    ++handled;
    return true;
  });
  // What was done is done: the error is only told if it came first.
  return status.ok() || handled > 0 ? Result<uint64_t>(handled) : Result<uint64_t>(status.error());
}

Result<uint64_t> RequeuePi(const FutexKey& from, const FutexKey& to, uint32_t requeue) {
  if (from == to) {
    return Error(EINVAL);
  }
  uint64_t handled = 0;
  TRY(ForEachWaiter(from, [&](FutexWaiter& waiter) -> Result<bool> {
    if (handled >= uint64_t{requeue} + 1) {
      return false;
    }
    PiWaiter* pi = waiter.requeue_pi;
    if (pi == nullptr || !(pi->key == to)) {
      return Error(EINVAL);
    }
    const PiStart start = TRY(StartPiWait(*pi));
    FutexBucket::Remove(waiter);
    if (start == PiStart::kTaken) {
      WakeTask(*waiter.task);
    }
    ++handled;
    return true;
  }));
  return handled;
}

Status WaitRequeuePi(const RequeuePiWait& wait, uint64_t deadline_ns) {
  Task& task = *CurrentTask();
  PiWaiter pi;
  pi.key = TRY(FutexKeyOf(*task.mm(), wait.lock, wait.scope, FutexUse::kWrite));
  pi.task = &task;
  pi.address = wait.lock;
  FutexWaiter waiter;
  waiter.key = TRY(FutexKeyOf(*task.mm(), wait.condition, wait.scope));
  waiter.task = &task;
  waiter.bitset = FUTEX_BITSET_MATCH_ANY;
  waiter.requeue_pi = &pi;
  if (TRY(ReadUser<uint32_t>(*task.mm(), wait.condition)) != wait.expected) {
    return Error(EAGAIN);
  }
  if (waiter.key == pi.key) {
    return Error(EINVAL);
  }
  EnqueueFutexWaiter(waiter);
  bool in_time = true;
  for (;;) {
    PrepareToWait(WaitKind::kInterruptible);
    if (pi.granted || !in_time || WaitInterrupted(WaitKind::kInterruptible)) {
      break;
    }
    in_time = ScheduleUntil(deadline_ns);
  }
  FinishWait();
  if (pi.granted) {
    return Ok();
  }
  const bool moved = !IsLinked(waiter.link);
  FutexBucket::Remove(waiter);
  CancelPiWait(pi);
  if (!in_time) {
    return Error(ETIMEDOUT);
  }
  // Once moved it cannot be repeated: the word of the condition has changed.
  return Error(moved ? EAGAIN : kErestartNoIntr);
}

}  // namespace fv::guest
