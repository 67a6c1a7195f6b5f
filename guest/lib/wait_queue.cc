// SPDX-License-Identifier: Apache-2.0
//
// Wait queues: order of arrival, a woken waiter leaves the queue at once so that no wake-up is
// spent twice on it.
#include "guest/lib/wait_queue.h"

namespace fv::guest {

void WaitQueue::Add(Waiter& waiter) {
  waiter.woken = false;
  waiters_.PushBack(waiter);
}

void WaitQueue::Remove(Waiter& waiter) { Unlink(waiter.link); }

unsigned WaitQueue::Wake(unsigned count) {
  unsigned woken = 0;
  while (woken < count && !waiters_.empty()) {
    Waiter& waiter = *waiters_.front();
    Unlink(waiter.link);
    waiter.woken = true;
    waiter.on_wake != nullptr ? waiter.on_wake(waiter) : WakeTask(*waiter.task);
    ++woken;
  }
  return woken;
}

}  // namespace fv::guest
