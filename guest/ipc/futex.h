// SPDX-License-Identifier: Apache-2.0
//
// Futexes (futex(2)): sleeping on a word of user memory. A waiter is keyed by (address space,
// address), or for shared futexes by what the frame is made of: (memory object, page, offset) if it
// is an object's, so processes meet on the same key whatever their addresses. Private and shared
// futexes never meet.
// Locking: one lock a hash bucket; requeue takes two, lower address first.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

class Mm;
class Task;

enum class FutexScope : uint32_t { kPrivate = 0, kShared = 1 };
// Whether the operation changes the word.
enum class FutexUse { kRead, kWrite };

struct FutexKey {
  uint64_t space = 0;   // Mm or MemoryObject
  uint64_t page = 0;    // page of the address, or of the object
  uint32_t offset = 0;  // in the page
  FutexScope scope = FutexScope::kPrivate;
  bool operator==(const FutexKey&) const = default;
};

void InitFutexes();
// A shared key makes the page present, as by a write if the mapping permits that: a page that is
// shared copy-on-write becomes the caller's own. Errors: EINVAL (not aligned), EFAULT (beyond user
// space; shared: not accessible, or memory that nobody can change). (Linux: get_futex_key.)
Result<FutexKey> FutexKeyOf(Mm& mm, uint64_t address, FutexScope scope,
                            FutexUse use = FutexUse::kRead);

// Sleeps while the word is `expected`. Errors: EAGAIN, EFAULT, ETIMEDOUT, kErestartSys.
Status WaitFutex(Mm& mm, uint64_t address, FutexScope scope, uint32_t expected, uint32_t bitset,
                 uint64_t deadline_ns);
// Wakes up to `count` waiters whose bitset meets `bitset`; returns how many. Errors: EINVAL (the
// word is a PI futex, or its waiters wait to be moved to one).
Result<uint64_t> WakeFutexKey(const FutexKey& key, uint32_t count, uint32_t bitset = ~0u);
// Wakes up to `wake` waiters of `from`, moves up to `requeue` of the rest to `to`; returns the sum.
// Errors: EINVAL, as WakeFutexKey.
Result<uint64_t> RequeueFutex(const FutexKey& from, const FutexKey& to, uint32_t wake,
                              uint32_t requeue);

// FUTEX_WAIT_REQUEUE_PI: sleeps while the word at `condition` is `expected`, until it was moved to
// the PI futex at `lock` and owns that.
struct RequeuePiWait {
  uint64_t condition;
  uint32_t expected;
  uint64_t lock;
  FutexScope scope;
};
// Errors: EAGAIN (the word differs, or a signal came after the move), EINVAL, EFAULT, ETIMEDOUT,
// kErestartNoIntr.
Status WaitRequeuePi(const RequeuePiWait& wait, uint64_t deadline_ns);
// FUTEX_CMP_REQUEUE_PI: moves up to `requeue` + 1 waiters of `from` to the PI futex `to`; the first
// gets the lock at once if it is free. Returns how many. Errors: EINVAL (they wait for something
// else), and those of LockPi (futex_pi.h).
Result<uint64_t> RequeuePi(const FutexKey& from, const FutexKey& to, uint32_t requeue);

// futex_waitv(2): sleeps while each word is what is expected of it.
struct FutexExpectation {
  uint64_t address;
  uint32_t expected;
  FutexScope scope;
};
// Returns the index of one that was woken. Errors: as WaitFutex, ENOMEM.
Result<uint64_t> WaitFutexes(Mm& mm, const FutexExpectation* words, unsigned count,
                             uint64_t deadline_ns);

// What the kernel wakes when a task dies (clear_child_tid, robust locks): waiters of shared scope.
void WakeFutex(Mm& mm, uint64_t address, uint32_t count);
// set_robust_list(2): marks what a dying task owned, wakes a waiter each (guest/ipc/robust.cc).
void ExitRobustList(Task& task);

}  // namespace fv::guest
