// SPDX-License-Identifier: Apache-2.0
//
// PollTable: one task waiting on many queues at once, for poll(2), select(2) and epoll. A file's
// Poll() registers the queues that announce a change; the caller then sleeps once for all.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

class PollTable {
 public:
  PollTable() = default;
  PollTable(const PollTable&) = delete;
  PollTable& operator=(const PollTable&) = delete;
  ~PollTable() { Clear(); }

  // Registers the current task on `queue`. Without memory failed() becomes true.
  void Wait(WaitQueue& queue);
  bool failed() const { return failed_; }
  // Leaves every queue.
  void Clear();
  // A queue woke this table since it registered.
  bool woken() const;

 private:
  static constexpr size_t kInline = 8;
  static constexpr size_t kPerBlock = 64;
  struct Block {
    Block* next;
    size_t count;
    Waiter waiters[kPerBlock];
  };
  Waiter* NewWaiter();

  size_t inline_count_ = 0;
  Waiter inline_[kInline];
  Block* blocks_ = nullptr;
  bool failed_ = false;
};

}  // namespace fv::guest
