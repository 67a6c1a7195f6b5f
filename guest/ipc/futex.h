// SPDX-License-Identifier: Apache-2.0
//
// Futexes (futex(2)): sleeping on a word of user memory. A waiter is keyed by (address space,
// address) for private futexes and by (memory object, page, offset) for words in shared mappings,
// so processes meet on the same key whatever their addresses.
// Locking: one lock a hash bucket; requeue takes two, lower address first.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

class Mm;
class Task;

enum class FutexScope { kPrivate, kShared };

struct FutexKey {
  uint64_t space = 0;   // Mm or MemoryObject
  uint64_t page = 0;    // page of the address, or of the object
  uint32_t offset = 0;  // in the page
  bool operator==(const FutexKey&) const = default;
};

void InitFutexes();
// Errors: EINVAL (not aligned), EFAULT (shared and nothing is mapped there).
Result<FutexKey> FutexKeyOf(Mm& mm, uint64_t address, FutexScope scope);

// Sleeps while the word is `expected`. Errors: EAGAIN, EFAULT, ETIMEDOUT, kErestartSys.
Status WaitFutex(Mm& mm, uint64_t address, FutexScope scope, uint32_t expected, uint32_t bitset,
                 uint64_t deadline_ns);
// Wakes up to `count` waiters whose bitset meets `bitset`; returns how many.
Result<uint64_t> WakeFutexKey(const FutexKey& key, uint32_t count, uint32_t bitset = ~0u);
// Wakes up to `wake` waiters of `from`, moves up to `requeue` of the rest to `to`; returns the sum.
uint64_t RequeueFutex(const FutexKey& from, const FutexKey& to, uint32_t wake, uint32_t requeue);

// For clear_child_tid: wakes waiters of both scopes.
void WakeFutex(Mm& mm, uint64_t address, uint32_t count);
// set_robust_list(2): marks what a dying task owned, wakes a waiter each (guest/ipc/robust.cc).
void ExitRobustList(Task& task);

}  // namespace fv::guest
