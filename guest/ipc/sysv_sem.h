// SPDX-License-Identifier: Apache-2.0
//
// System V semaphores (semop(2)). The operations of one call are done all at once or not at all;
// what cannot be done waits in its set in order of arrival, and whoever changes a value does it for
// the waiters that can go on. SEM_UNDO keeps, for each process (a SemUndoList: CLONE_SYSVSEM shares
// it) and set, what has to be added at exit.
//
// Invariants: 0 <= value <= kSemVmx; a SemUndo is on its list and on its set; no waiter in a set
// could go on.
// Locking: the set's (sem_lock), the list's (ulp->lock); one vCPU needs none.
#pragma once

#include <cstdint>

#include "guest/ipc/sysv_ids.h"
#include "guest/lib/list.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

class Task;
struct SemSet;

struct Semaphore {
  int32_t value;
  uint32_t pid;  // of the last operation
};

// What one process owes one set; `count` adjustments stand behind it.
struct SemUndo {
  proto::Link in_list{0, 0};
  proto::Link in_set{0, 0};
  SemSet* set = nullptr;
  unsigned count = 0;
  int16_t* adjust() { return reinterpret_cast<int16_t*>(this + 1); }
};

struct SemUndoList {
  uint32_t refs = 1;  // tasks
  List<SemUndo, &SemUndo::in_list> undos;
};

// A call that waits, on the stack of its task.
struct SemWaiter {
  proto::Link link{0, 0};
  const SemOp* ops = nullptr;
  unsigned count = 0;
  SemUndo* undo = nullptr;
  uint32_t pid = 0;
  unsigned blocking = 0;  // the operation that could not be done
  bool finished = false;
  int error = 0;  // when finished
  WaitQueue wakeup;
};

struct SemSet : IpcObject {
  Semaphore* semaphores = nullptr;
  unsigned count = 0;
  int64_t otime = 0;  // seconds
  List<SemWaiter, &SemWaiter::link> waiters;
  List<SemUndo, &SemUndo::in_set> undos;
};

IpcTable& SemTable();
// All semaphores of all sets.
uint64_t SemaphoreCount();

// A set of `count` semaphores of value 0. Errors: ENOMEM, ENOSPC.
Result<int> MakeSemSet(Task& task, int key, unsigned count, uint32_t flags);
// Waiters get EIDRM, undo adjustments go.
void RemoveSemSet(SemSet& set);

// semop(2) after the checks of its arguments. `deadline_ns` is monotonic. Errors: EAGAIN (would
// wait, or waited too long), EIDRM, EINTR, ENOMEM, ERANGE.
Status DoSemOps(Task& task, SemSet& set, const SemOp* ops, unsigned count, uint64_t deadline_ns);
// SETVAL: clears the adjustments of that semaphore and lets waiters go on.
void SetSemaphore(SemSet& set, unsigned number, int value, uint32_t pid);
// Tasks that wait for semaphore `number` to grow (GETNCNT) or to become zero (GETZCNT).
enum class SemWaitFor { kIncrease, kZero };
int CountSemWaiters(SemSet& set, unsigned number, SemWaitFor what);

// CLONE_SYSVSEM. Errors: ENOMEM.
Status CopySemUndo(bool share, Task& parent, Task& child);
// The fork failed. The parent keeps a list that was made for sharing, as on Linux.
void DropCopiedSemUndo(Task& child);
// exit, unshare(CLONE_SYSVSEM): the last of the list's tasks pays what is owed.
void ExitSemUndo(Task& task);

}  // namespace fv::guest
