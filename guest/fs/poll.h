// SPDX-License-Identifier: Apache-2.0
//
// PollTable: somebody who waits on many queues at once. A file's Poll() registers the queues that
// announce a change. TaskPollTable is a task in poll(2) or select(2), which then sleeps once for
// all; epoll has its own (epoll.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

class File;

class PollTable {
 public:
  virtual void Wait(WaitQueue& queue) = 0;

 protected:
  ~PollTable() = default;
};

class TaskPollTable final : public PollTable {
 public:
  TaskPollTable() = default;
  TaskPollTable(const TaskPollTable&) = delete;
  TaskPollTable& operator=(const TaskPollTable&) = delete;
  ~TaskPollTable() { Clear(); }

  // The file that is asked next: held while the task waits on its queues, since another thread may
  // close it meanwhile.
  void Watch(File& file) { file_ = &file; }
  // Registers the current task on `queue`. Without memory failed() becomes true.
  void Wait(WaitQueue& queue) override;
  bool failed() const { return failed_; }
  // Leaves every queue.
  void Clear();

 private:
  static constexpr size_t kInline = 8;
  static constexpr size_t kPerBlock = 64;
  struct Block {
    Block* next = nullptr;
    size_t count = 0;
    Waiter waiters[kPerBlock];
  };
  Waiter* NewWaiter();
  static void Leave(Waiter& waiter);

  File* file_ = nullptr;
  size_t inline_count_ = 0;
  Waiter inline_[kInline];
  Block* blocks_ = nullptr;
  bool failed_ = false;
};

// Sleeps until `scan(table)` finds something (returns a positive count) or the deadline passes (0).
// `scan` asks every file, registering on `table` unless it is null. Errors: kErestartNoHand (a
// signal is pending), ENOMEM.
template <typename Scan>
Result<uint64_t> PollUntil(uint64_t deadline_ns, Scan scan) {
  TaskPollTable table;
  if (deadline_ns == 0) {
    return uint64_t{scan(static_cast<TaskPollTable*>(nullptr))};
  }
  bool in_time = true;
  for (;;) {
    PrepareToWait(WaitKind::kInterruptible);
    table.Clear();  // a queue that woke us has dropped its waiter
    const uint64_t found = scan(&table);
    const bool interrupted = WaitInterrupted(WaitKind::kInterruptible);
    if (found > 0 || !in_time || interrupted || table.failed()) {
      FinishWait();
      if (found > 0 || !in_time) {
        return found;
      }
      return Error(interrupted ? kErestartNoHand : ENOMEM);
    }
    in_time = ScheduleUntil(deadline_ns);
  }
}

}  // namespace fv::guest
