// SPDX-License-Identifier: Apache-2.0
//
// Wait queues: order of arrival, a woken waiter leaves the queue at once so that no wake-up is
// spent twice on it.
#include "guest/lib/wait_queue.h"

#include "guest/lib/mutants.h"

namespace fv::guest {

void WaitQueue::Add(Waiter& waiter) {
  waiter.woken = false;
  waiters_.PushBack(waiter);
}

void WaitQueue::Remove(Waiter& waiter) {
  if (HasMutant(Mutant::kWaiterLeft) && WaitInterrupted(WaitKind::kInterruptible)) {
    return;
  }
  Unlink(waiter.link);
}

unsigned WaitQueue::Wake(unsigned count) {
  unsigned woken = 0;
  bool taken = false;  // by an exclusive waiter
  for (Waiter* waiter = waiters_.front(); waiter != nullptr && woken < count;) {
    Waiter* next = waiters_.Next(*waiter);
    if (!taken || !waiter->exclusive) {
      Unlink(waiter->link);
      waiter->woken = true;
      ++woken;
      if (waiter->on_wake == nullptr) {
        WakeTask(*waiter->task);
      } else if (waiter->on_wake(*waiter) && waiter->exclusive) {
        taken = true;
      }
    }
    waiter = next;
  }
  return woken;
}

}  // namespace fv::guest
