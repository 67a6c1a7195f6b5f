// SPDX-License-Identifier: Apache-2.0
//
// Priority-inheritance futexes (futex(2), FUTEX_LOCK_PI): the kernel hands the lock to the waiter
// of the highest priority. The owner is not boosted: with one CPU and round-robin scheduling that
// only matters to realtime policies (docs/limits.md). Locking: the futex bucket's lock.
#pragma once

#include <cstdint>

#include "guest/ipc/futex.h"
#include "guest/lib/result.h"

namespace fv::guest {

void InitPiFutexes();
// Takes the lock, waiting for it. Errors: EDEADLK, ESRCH (the owner is gone), ETIMEDOUT, EFAULT,
// kErestartNoIntr.
Status LockPi(Task& task, uint64_t address, FutexScope scope, uint64_t deadline_ns);
// Errors: EAGAIN (taken), EDEADLK.
Status TryLockPi(Task& task, uint64_t address, FutexScope scope);
// Errors: EPERM (not the owner).
Status UnlockPi(Task& task, uint64_t address, FutexScope scope);
// The locks that a dying task holds go to their waiters, marked FUTEX_OWNER_DIED.
void ExitPiFutexes(Task& task);

}  // namespace fv::guest
