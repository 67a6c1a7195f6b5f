// SPDX-License-Identifier: Apache-2.0
//
// Two lists: realtime tasks, sorted when they are queued, and the others, first come first served.

#include "guest/task/run_queue.h"

#include "guest/task/priority.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

using Queue = ListView<Task, &Task::run_link>;

// Realtime tasks stand in order of priority; equals in order of arrival.
void EnqueueRealtime(Queue queue, Task& task, RunQueue::Where where) {
  Task* before = nullptr;  // the last one that goes before `task`
  for (Task& other : queue) {
    const bool first = where == RunQueue::Where::kBack ? Priority(other) <= Priority(task)
                                                       : Priority(other) < Priority(task);
    if (!first) {
      break;
    }
    before = &other;
  }
  if (before == nullptr) {
    queue.PushFront(task);
  } else {
    queue.InsertAfter(*before, task);
  }
}

}  // namespace

void RunQueue::Init() {
  InitHead(realtime_);
  InitHead(normal_);
  InitHead(idle_);
  size_ = 0;
}

void RunQueue::Enqueue(Task& task, Where where) {
  ++size_;
  if (RunsRealtime(task)) {
    EnqueueRealtime(Queue(realtime_), task, where);
    return;
  }
  Queue queue(task.policy == SchedPolicy::kIdle ? idle_ : normal_);
  if (where == Where::kBack) {
    queue.PushBack(task);
  } else {
    queue.PushFront(task);
  }
}

void RunQueue::Dequeue(Task& task) {
  Queue::Remove(task);
  --size_;
}

Task* RunQueue::Peek() {
  for (proto::Link* head : {&realtime_, &normal_, &idle_}) {
    if (Task* task = Queue(*head).front()) {
      return task;
    }
  }
  return nullptr;
}

Task* RunQueue::TakeNext() {
  Task* task = Peek();
  if (task != nullptr) {
    Dequeue(*task);
  }
  return task;
}

// Three ticks for nice 0, up to eight for -20, down to one for 19.
uint32_t SliceTicks(int nice) {
  if (nice >= 0) {
    return nice >= 13 ? 1 : nice >= 6 ? 2 : 3;
  }
  return 3 + static_cast<uint32_t>(-nice) / 4;
}

}  // namespace fv::guest
