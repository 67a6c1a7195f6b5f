// SPDX-License-Identifier: Apache-2.0
//
// Priority-inheritance futexes (futex(2), FUTEX_LOCK_PI): the kernel hands the lock to the waiter
// of the highest priority, and as long as somebody waits the owner runs with the highest priority
// among its waiters; so does the one that the owner itself waits for. The word in user memory says
// who owns the lock; what the kernel keeps (waiters and their owner) exists while somebody waits.
// Locking: the futex bucket's lock, and one for all PI chains.
#pragma once

#include <cstdint>

#include "guest/ipc/futex.h"
#include "guest/lib/result.h"
#include "proto/records.h"

namespace fv::guest {

// On the stack of the sleeping task.
struct PiWaiter {
  proto::Link link{0, 0};        // all PI waiters, in order of arrival
  proto::Link owner_link{0, 0};  // Task::pi_waiters of `owner`
  FutexKey key;
  Task* task = nullptr;
  Task* owner = nullptr;
  uint64_t address = 0;  // of the word, in the waiter's address space
  bool granted = false;  // the waiter owns the lock now
};

void InitPiFutexes();
// Takes the lock, waiting for it. Errors: EDEADLK, ESRCH (the owner is gone), EPERM (it is the
// kernel's), EINVAL (word and waiters disagree), ETIMEDOUT, EFAULT, kErestartNoIntr.
Status LockPi(Task& task, uint64_t address, FutexScope scope, uint64_t deadline_ns);
// Errors: EAGAIN (taken), and those of LockPi.
Status TryLockPi(Task& task, uint64_t address, FutexScope scope);
// Errors: EPERM (not the owner), EINVAL.
Status UnlockPi(Task& task, uint64_t address, FutexScope scope);
// The locks that a dying task holds go to their waiters, marked FUTEX_OWNER_DIED.
void ExitPiFutexes(Task& task);

// Somebody waits for the PI futex `key`.
bool HasPiWaiters(const FutexKey& key);
// The priority of `task` changed: whoever it waits for may have to run sooner, or later.
void PropagatePriority(Task& task);

// ---- For FUTEX_CMP_REQUEUE_PI ------------------------------------------------------------------
enum class PiStart { kTaken, kWaiting };
// Takes the lock for waiter.task, which sleeps, or queues the waiter. REQUIRES: key, task, address.
// Errors: as LockPi, but for time and signals.
Result<PiStart> StartPiWait(PiWaiter& waiter);
// Gives up waiting, if it does.
void CancelPiWait(PiWaiter& waiter);

}  // namespace fv::guest
