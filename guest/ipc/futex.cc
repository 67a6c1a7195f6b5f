// SPDX-License-Identifier: Apache-2.0
//
// The hash of waiters, waiting and waking. A waiter lies on the stack of the sleeping task; who
// wakes it takes it off its queue first, so a woken task never looks at the bucket.

#include "guest/ipc/futex.h"

#include "guest/introspect/introspect.h"
#include "guest/ipc/futex_internal.h"
#include "guest/ipc/futex_pi.h"
#include "guest/lib/mutants.h"
#include "guest/lib/wait_queue.h"
#include "guest/mm/frames.h"
#include "guest/mm/user_copy.h"
#include "guest/task/priority.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

constexpr unsigned kBuckets = 256;

constinit proto::Link g_buckets[kBuckets] = {};

FutexKey KeyByAddress(const Mm& mm, uint64_t address, FutexScope scope) {
  return {.space = AddressOf(&mm),
          .page = address / proto::kPageBytes,
          .offset = static_cast<uint32_t>(address % proto::kPageBytes),
          .scope = scope};
}

Result<FutexKey> SharedKey(Mm& mm, uint64_t address, FutexUse use) {
  const Vma* vma = mm.FindVma(address);
  const bool writable = vma != nullptr && (vma->flags & proto::kVmWrite) != 0;
  const bool readable = vma != nullptr && (vma->flags & proto::kVmRead) != 0;
  if (!writable && (!readable || use == FutexUse::kWrite)) {
    return Error(EFAULT);
  }
  const uint64_t pfn =
      TRY(UserFrame(mm, address, writable ? FaultAccess::kWrite : FaultAccess::kRead));
  FutexKey key = KeyByAddress(mm, address, FutexScope::kShared);
  if (FrameOf(pfn).state == proto::FrameState::kFile) {
    key.space = AddressOf(vma->memory_object());
    key.page = vma->ObjectIndex(address);
  } else if (!writable) {
    return Error(EFAULT);  // nobody can change it
  }
  return key;
}

}  // namespace

FutexBucket FutexBucketOf(const FutexKey& key) {
  const uint64_t mixed = (key.space >> 4) + key.page * 0x9E3779B97F4A7C15 + key.offset;
  return FutexBucket(g_buckets[(mixed ^ mixed >> 29) % kBuckets]);
}

void EnqueueFutexWaiter(FutexWaiter& waiter) {
  FutexBucket bucket = FutexBucketOf(waiter.key);
  waiter.priority = WaitPriority(*waiter.task);
  FutexWaiter* before = bucket.back();
  while (before != nullptr && before->priority > waiter.priority) {
    before = bucket.Prev(*before);
  }
  before == nullptr ? bucket.PushFront(waiter) : bucket.InsertAfter(*before, waiter);
}

void WakeFutexWaiter(FutexWaiter& waiter) {
  FutexBucket::Remove(waiter);
  waiter.woken = true;
  WakeTask(*waiter.task);
}

FutexWaiter* TopFutexWaiter(const FutexKey& key) {
  for (FutexWaiter& waiter : FutexBucketOf(key)) {
    if (waiter.key == key) {
      return &waiter;
    }
  }
  return nullptr;
}

void InitFutexes() {
  for (proto::Link& bucket : g_buckets) {
    InitHead(bucket);
  }
  Channel().futex_buckets = AddressOf(g_buckets);
  Channel().futex_bucket_count = kBuckets;
}

Result<FutexKey> FutexKeyOf(Mm& mm, uint64_t address, FutexScope scope, FutexUse use) {
  if (address % sizeof(uint32_t) != 0) {
    return Error(EINVAL);
  }
  if (address >= proto::kUserEnd) {
    return Error(EFAULT);
  }
  return scope == FutexScope::kPrivate ? KeyByAddress(mm, address, scope)
                                       : SharedKey(mm, address, use);
}

Status WaitFutex(Mm& mm, uint64_t address, FutexScope scope, uint32_t expected, uint32_t bitset,
                 uint64_t deadline_ns) {
  FutexWaiter waiter;
  waiter.key = TRY(FutexKeyOf(mm, address, scope));
  waiter.task = CurrentTask();
  waiter.bitset = bitset;
  // Nobody else runs between the comparison and the queueing (the bucket's lock on several CPUs).
  if (TRY(ReadUser<uint32_t>(mm, address)) != expected) {
    return Error(EAGAIN);
  }
  EnqueueFutexWaiter(waiter);
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
  if (!HasMutant(Mutant::kFutexLeft)) {
    FutexBucket::Remove(waiter);
  }
  return Error(in_time ? kErestartSys : ETIMEDOUT);
}

Result<uint64_t> WakeFutexKey(const FutexKey& key, uint32_t count, uint32_t bitset) {
  FutexBucket bucket = FutexBucketOf(key);
  if (HasPiWaiters(key)) {
    return Error(EINVAL);
  }
  uint64_t woken = 0;
  for (FutexWaiter* waiter = bucket.front(); waiter != nullptr && woken < count;) {
    FutexWaiter* next = bucket.Next(*waiter);
    if (waiter->key == key && waiter->requeue_pi != nullptr) {
      return Error(EINVAL);
    }
    if (waiter->key == key && (waiter->bitset & bitset) != 0) {
      WakeFutexWaiter(*waiter);
      ++woken;
    }
    waiter = next;
  }
  return woken;
}

void WakeFutex(Mm& mm, uint64_t address, uint32_t count) {
  const Result<FutexKey> key = FutexKeyOf(mm, address, FutexScope::kShared);
  if (key.ok()) {
    (void)WakeFutexKey(key.value(), count).ok();
  }
}

}  // namespace fv::guest
