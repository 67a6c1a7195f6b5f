// SPDX-License-Identifier: Apache-2.0
//
// What the files of the futex family share: a waiter on a plain futex and its queue.
// Locking: one lock a hash bucket.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/ipc/futex.h"
#include "guest/lib/list.h"
#include "proto/process_records.h"

namespace fv::guest {

struct PiWaiter;

// On the stack of the sleeping task (or in its array, for several at once).
struct FutexWaiter {
  proto::Link link{0, 0};
  FutexKey key;
  Task* task = nullptr;
  uint32_t bitset = 0;
  int priority = 0;  // WaitPriority of the task as it began to wait
  bool woken = false;
  // FUTEX_WAIT_REQUEUE_PI: what it becomes when it is moved; nullptr for a plain waiter.
  PiWaiter* requeue_pi = nullptr;
};
static_assert(offsetof(FutexWaiter, key) == offsetof(proto::FutexWaiterRecord, space) &&
              offsetof(FutexKey, page) == sizeof(uint64_t) &&
              offsetof(FutexKey, offset) == 2 * sizeof(uint64_t) &&
              offsetof(FutexWaiter, key.scope) == offsetof(proto::FutexWaiterRecord, scope) &&
              offsetof(FutexWaiter, task) == offsetof(proto::FutexWaiterRecord, task) &&
              offsetof(FutexWaiter, requeue_pi) == offsetof(proto::FutexWaiterRecord, requeue_pi) &&
              sizeof(FutexWaiter) == sizeof(proto::FutexWaiterRecord));

using FutexBucket = ListView<FutexWaiter, &FutexWaiter::link>;

FutexBucket FutexBucketOf(const FutexKey& key);
// Real time before others, else in order of arrival.
void EnqueueFutexWaiter(FutexWaiter& waiter);
// Takes it off its queue and makes its task runnable.
void WakeFutexWaiter(FutexWaiter& waiter);
// The first in the queue of `key`; nullptr if nobody waits.
FutexWaiter* TopFutexWaiter(const FutexKey& key);

}  // namespace fv::guest
