// SPDX-License-Identifier: Apache-2.0
//
// Robust futexes (get_robust_list(2)): a dying thread's list of locks is walked in user memory,
// which may hold anything; every read is checked and the walk is bounded.

#include <linux/futex.h>

#include "guest/ipc/futex.h"
#include "guest/mm/user_copy.h"
#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kPiBit = 1;

struct RobustHead {  // struct robust_list_head
  uint64_t next;
  int64_t futex_offset;
  uint64_t pending;
};
static_assert(sizeof(RobustHead) == 24);

enum class Entry { kListed, kPending };

// The owner of the lock at `address` died, if it was `task`. False: the memory is bad, stop.
bool MarkDead(Task& task, uint64_t address, bool pi, Entry entry) {
  Mm& mm = *task.mm();
  for (;;) {
    const Result<uint32_t> word = ReadUser<uint32_t>(mm, address);
    if (!word.ok() || address % sizeof(uint32_t) != 0) {
      return false;
    }
    const uint32_t value = word.value();
    if (entry == Entry::kPending && !pi && value == 0) {
      WakeFutex(mm, address, 1);  // it died between unlocking and waking
      return true;
    }
    if ((value & FUTEX_TID_MASK) != OwnTid(task)) {
      return true;
    }
    const uint32_t dead = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    const Result<uint32_t> seen = CompareExchangeUser(mm, address, value, dead);
    if (!seen.ok()) {
      return false;
    }
    if (seen.value() == value) {
      if (!pi && (value & FUTEX_WAITERS) != 0) {
        WakeFutex(mm, address, 1);
      }
      return true;
    }
  }
}

}  // namespace

void ExitRobustList(Task& task) {
  const uint64_t list = task.robust_list;
  task.robust_list = 0;
  if (list == 0 || task.mm() == nullptr) {
    return;
  }
  Mm& mm = *task.mm();
  const Result<RobustHead> read = ReadUser<RobustHead>(mm, list);
  if (!read.ok()) {
    return;
  }
  const RobustHead head = read.value();
  const auto offset = static_cast<uint64_t>(head.futex_offset);
  uint64_t at = head.next;
  for (unsigned i = 0; i < ROBUST_LIST_LIMIT && (at & ~kPiBit) != list; ++i) {
    const uint64_t entry = at & ~kPiBit;
    const Result<uint64_t> next = ReadUser<uint64_t>(mm, entry);
    if (at != head.pending && !MarkDead(task, entry + offset, (at & kPiBit) != 0, Entry::kListed)) {
      return;
    }
    if (!next.ok()) {
      return;
    }
    at = next.value();
  }
  if (head.pending != 0) {
    const uint64_t entry = head.pending & ~kPiBit;
    (void)MarkDead(task, entry + offset, (head.pending & kPiBit) != 0, Entry::kPending);
  }
}

}  // namespace fv::guest
