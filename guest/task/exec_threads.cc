// SPDX-License-Identifier: Apache-2.0
//
// BecomeOnlyThread (Linux: de_thread): before a program is replaced, every other thread of the
// group goes, and the caller takes over the leader's identity if it is not the leader itself.
// Locking: the tasklist lock for the change of identity.

#include "guest/lib/wait_queue.h"
#include "guest/task/exec.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

using Children = ListView<Task, &proto::TaskRecord::sibling>;

// Only `task` and, if that is another one, its dead leader are left.
bool OthersAreGone(Task& task) {
  Task& leader = *task.leader();
  if (&leader == &task) {
    return GroupIsEmpty(task);
  }
  const bool two = &NextThread(task) == &leader && &NextThread(leader) == &task;
  return two && leader.state == proto::TaskState::kZombie;
}

void TakeOverFamily(Task& task, Task& leader) {
  Task& parent = *leader.parent();
  // The place among the siblings, so that wait sees the same order.
  Task* before = Children(parent.children).Prev(leader);
  Children::Remove(leader);
  if (before != nullptr) {
    Children(parent.children).InsertAfter(*before, task);
  } else {
    Children(parent.children).PushFront(task);
  }
  task.TaskRecord::parent = AddressOf(&parent);
  while (Task* child = Children(leader.children).front()) {
    SetParent(*child, task);
    child->forker = task.pid;
    ForEachThread(*child, [&task](Task& thread) { thread.TaskRecord::parent = AddressOf(&task); });
  }
}

// The caller becomes the leader: pid, place in the family, exit signal, age.
void TakeOverIdentity(Task& task, Task& leader) {
  UnhashTask(task);
  UnhashTask(leader);
  ExchangeIds(task, leader);
  HashTask(task);
  HashTask(leader);
  TakeOverFamily(task, leader);
  task.TaskRecord::leader = AddressOf(&task);
  leader.TaskRecord::leader = AddressOf(&task);
  task.signal().leader = &task;
  task.exit_signal = kSigChld;
  leader.exit_signal = 0;
  task.start_ns = leader.start_ns;
  task.start_tsc = leader.start_tsc;
  ReleaseTask(leader);
}

}  // namespace

Status BecomeOnlyThread(Task& task) {
  SignalStruct& signal = task.signal();
  if (GroupIsEmpty(task)) {
    return Ok();
  }
  if ((signal.flags & kSignalGroupExit) != 0 || signal.group_exec != nullptr) {
    return Error(EAGAIN);
  }
  signal.group_exec = &task;
  ZapOtherThreads(task);
  const Status waited = WaitUntil(
      signal.exec_wait, kNoDeadline, [&task] { return OthersAreGone(task); }, WaitKind::kKillable);
  if (waited.ok() && !task.IsLeader()) {
    TakeOverIdentity(task, *task.leader());
  }
  signal.group_exec = nullptr;
  return waited.ok() ? Ok() : Status(Error(EAGAIN));
}

}  // namespace fv::guest
