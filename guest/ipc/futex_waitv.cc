// SPDX-License-Identifier: Apache-2.0
//
// Waiting on several futexes at once (futex_waitv, futex2 in Linux's documentation).

#include <linux/futex.h>

#include "guest/ipc/futex_internal.h"
#include "guest/lib/wait_queue.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

// The waiters of one call, queued one by one; all leave their queues at its end.
class WaiterArray {
 public:
  explicit WaiterArray(unsigned capacity)
      : capacity_(capacity),
        waiters_(static_cast<FutexWaiter*>(KernelAllocate(capacity * sizeof(FutexWaiter)))) {}
  WaiterArray(const WaiterArray&) = delete;
  WaiterArray& operator=(const WaiterArray&) = delete;
  ~WaiterArray() {
    for (unsigned i = 0; i < count_; ++i) {
      FutexBucket::Remove(waiters_[i]);
    }
    KernelFree(waiters_, capacity_ * sizeof(FutexWaiter));
  }
  bool ok() const { return waiters_ != nullptr; }

  void Add(const FutexKey& key) {
    FutexWaiter* waiter = new (&waiters_[count_++]) FutexWaiter;
    waiter->key = key;
    waiter->task = CurrentTask();
    waiter->bitset = FUTEX_BITSET_MATCH_ANY;
    EnqueueFutexWaiter(*waiter);
  }
  // The last one that was woken, as Linux looks for it; -1 if none was.
  int Woken() const {
    for (unsigned i = count_; i-- > 0;) {
      if (waiters_[i].woken) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }

 private:
  unsigned capacity_;
  unsigned count_ = 0;
  FutexWaiter* waiters_;
};

}  // namespace

Result<uint64_t> WaitFutexes(Mm& mm, const FutexExpectation* words, unsigned count,
                             uint64_t deadline_ns) {
  WaiterArray waiters(count);
  if (!waiters.ok()) {
    return Error(ENOMEM);
  }
  for (unsigned i = 0; i < count; ++i) {
    const FutexKey key = TRY(FutexKeyOf(mm, words[i].address, words[i].scope));
    if (TRY(ReadUser<uint32_t>(mm, words[i].address)) != words[i].expected) {
      return Error(EAGAIN);
    }
    waiters.Add(key);
  }
  bool in_time = true;
  for (;;) {
    PrepareToWait(WaitKind::kInterruptible);
    if (waiters.Woken() >= 0 || !in_time || WaitInterrupted(WaitKind::kInterruptible)) {
      break;
    }
    in_time = ScheduleUntil(deadline_ns);
  }
  FinishWait();
  if (const int woken = waiters.Woken(); woken >= 0) {
    return static_cast<uint64_t>(woken);
  }
  return Error(in_time ? kErestartSys : ETIMEDOUT);
}

}  // namespace fv::guest
