// SPDX-License-Identifier: Apache-2.0

#include "guest/ipc/futex.h"

#include "guest/lib/list.h"
#include "guest/lib/wait_queue.h"
#include "guest/mm/user_copy.h"
#include "guest/task/sched.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

constexpr unsigned kBuckets = 256;

// On the stack of the sleeping task.
struct FutexWaiter {
  proto::Link link{0, 0};
  FutexKey key;
  Task* task = nullptr;
  uint32_t bitset = 0;
  int priority = 0;
  bool woken = false;
};

using Bucket = ListView<FutexWaiter, &FutexWaiter::link>;
constinit proto::Link g_buckets[kBuckets] = {};

Bucket BucketOf(const FutexKey& key) {
  const uint64_t mixed = (key.space >> 4) + key.page * 0x9E3779B97F4A7C15 + key.offset;
  return Bucket(g_buckets[(mixed ^ mixed >> 29) % kBuckets]);
}

// Real-time tasks are woken by priority, the others in
// order of arrival behind them.
void Enqueue(FutexWaiter& waiter) {
  Bucket bucket = BucketOf(waiter.key);
  FutexWaiter* before = bucket.back();
  while (before != nullptr && before->priority < waiter.priority) {
    before = bucket.Prev(*before);
  }
  before == nullptr ? bucket.PushFront(waiter) : bucket.InsertAfter(*before, waiter);
}

void WakeWaiter(FutexWaiter& waiter) {
  Bucket::Remove(waiter);
  waiter.woken = true;
  WakeTask(*waiter.task);
}

}  // namespace

void InitFutexes() {
  for (proto::Link& bucket : g_buckets) {
    InitHead(bucket);
  }
}

Result<FutexKey> FutexKeyOf(Mm& mm, uint64_t address, FutexScope scope) {
  if (address % sizeof(uint32_t) != 0) {
    return Error(EINVAL);
  }
  if (address >= proto::kUserEnd) {
    return Error(EFAULT);
  }
  const auto offset = static_cast<uint32_t>(address % proto::kPageBytes);
  FutexKey key{AddressOf(&mm), address / proto::kPageBytes, offset};
  if (scope == FutexScope::kPrivate) {
    return key;
  }
  const Vma* vma = mm.FindVma(address);
  if (vma == nullptr) {
    return Error(EFAULT);
  }
  TRY(ReadUser<uint32_t>(mm, address));  // the page must be there, as Linux's key is made of it
  if (vma->is_shared() && vma->memory_object() != nullptr) {
    key.space = AddressOf(vma->memory_object());
    key.page = vma->ObjectIndex(address);
  }
  return key;
}

Status WaitFutex(Mm& mm, uint64_t address, FutexScope scope, uint32_t expected, uint32_t bitset,
                 uint64_t deadline_ns) {
  FutexWaiter waiter;
  waiter.key = TRY(FutexKeyOf(mm, address, scope));
  waiter.task = CurrentTask();
  waiter.bitset = bitset;
  const int priority = WaitPriority(*waiter.task);
  waiter.priority = priority >= kRealtimeWait ? priority : 0;
  // Nobody else runs between the comparison and the queueing (the bucket's lock on several CPUs).
  if (TRY(ReadUser<uint32_t>(mm, address)) != expected) {
    return Error(EAGAIN);
  }
  Enqueue(waiter);
  bool in_time = true;
  for (;;) {
    PrepareToWait(WaitKind::kInterruptible);
    if (waiter.woken || !in_time || WaitInterrupted(WaitKind::kInterruptible)) {
      break;
    }
    in_time = ScheduleUntil(deadline_ns);
  }
  FinishWait();
  if (waiter.woken) {
    return Ok();
  }
  Bucket::Remove(waiter);
  return Error(in_time ? kErestartSys : ETIMEDOUT);
}

Result<uint64_t> WakeFutexKey(const FutexKey& key, uint32_t count, uint32_t bitset) {
  Bucket bucket = BucketOf(key);
  uint64_t woken = 0;
  for (FutexWaiter* waiter = bucket.front(); waiter != nullptr && woken < count;) {
    FutexWaiter* next = bucket.Next(*waiter);
    if (waiter->key == key && (waiter->bitset & bitset) != 0) {
      WakeWaiter(*waiter);
      ++woken;
    }
    waiter = next;
  }
  return woken;
}

uint64_t RequeueFutex(const FutexKey& from, const FutexKey& to, uint32_t wake, uint32_t requeue) {
  Bucket bucket = BucketOf(from);
  uint64_t handled = 0;
  for (FutexWaiter* waiter = bucket.front(); waiter != nullptr;) {
    FutexWaiter* next = bucket.Next(*waiter);
    if (waiter->key == from) {
      if (handled < wake) {
        WakeWaiter(*waiter);
      } else if (handled - wake < requeue) {
        if (!(from == to)) {
          Bucket::Remove(*waiter);
          waiter->key = to;
          Enqueue(*waiter);
        }
      } else {
        break;
      }
      ++handled;
    }
    waiter = next;
  }
  return handled;
}

void WakeFutex(Mm& mm, uint64_t address, uint32_t count) {
  for (FutexScope scope : {FutexScope::kPrivate, FutexScope::kShared}) {
    const Result<FutexKey> key = FutexKeyOf(mm, address, scope);
    if (key.ok()) {
      (void)WakeFutexKey(key.value(), count).ok();
    }
  }
}

}  // namespace fv::guest
