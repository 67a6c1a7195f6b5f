// SPDX-License-Identifier: Apache-2.0
//
// RunQueue: who runs next. Realtime tasks by priority (inherited ones too), the others round robin
// in a queue. Pure (no clock, no CPU): unit tested on the host. Locking: the caller's (a run-queue
// lock per CPU).
#pragma once

#include <cstdint>

#include "guest/lib/list.h"
#include "proto/records.h"

namespace fv::guest {

class Task;

class RunQueue {
 public:
  void Init();
  // REQUIRES: not queued. A realtime task goes behind its equals (or before them if `at_front`).
  enum class Where { kBack, kFront };
  void Enqueue(Task& task, Where where = Where::kBack);
  // REQUIRES: queued.
  void Dequeue(Task& task);
  // Takes the next one off the queue; nullptr if empty.
  Task* TakeNext();
  // The one that TakeNext() would return.
  Task* Peek();
  uint32_t size() const { return size_; }

 private:
  proto::Link realtime_{0, 0};  // by priority, highest first
  proto::Link normal_{0, 0};
  proto::Link idle_{0, 0};  // SCHED_IDLE: only when nothing else wants to run
  uint32_t size_ = 0;
};

// Ticks that a task may run before somebody else's turn; by nice value (-20..19).
uint32_t SliceTicks(int nice);

}  // namespace fv::guest
