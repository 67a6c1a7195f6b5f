// SPDX-License-Identifier: Apache-2.0
#include "guest/ipc/sysv_sem.h"

#include "guest/fs/object.h"
#include "guest/lib/scope_guard.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constinit IpcTable g_sets{kSemMni};
constinit uint64_t g_semaphores = 0;

constexpr int kMustWait = -1;

void Revert(SemSet& set, const SemOp* ops, unsigned count, SemUndo* undo) {
  while (count-- > 0) {
    const SemOp& op = ops[count];
    set.semaphores[op.number].value -= op.change;
    if ((op.flags & kSemUndo) != 0) {
      undo->adjust()[op.number] = static_cast<int16_t>(undo->adjust()[op.number] + op.change);
    }
  }
}

// One operation: 0, kMustWait, EAGAIN or ERANGE.
int PerformOne(SemSet& set, const SemOp& op, SemUndo* undo) {
  Semaphore& semaphore = set.semaphores[op.number];
  const int value = semaphore.value + op.change;
  if ((op.change == 0 && semaphore.value != 0) || value < 0) {
    return (op.flags & int{kIpcNoWait}) != 0 ? EAGAIN : kMustWait;
  }
  if (value > kSemVmx) {
    return ERANGE;
  }
  if ((op.flags & kSemUndo) != 0) {
    const int adjust = undo->adjust()[op.number] - op.change;
    if (adjust < -kSemAem - 1 || adjust > kSemAem) {
      return ERANGE;
    }
    undo->adjust()[op.number] = static_cast<int16_t>(adjust);
  }
  semaphore.value = value;
  return 0;
}

// All or nothing; the result of the operation that failed, whose number goes to `blocking`.
int Perform(SemSet& set, SemWaiter& call) {
  for (unsigned i = 0; i < call.count; ++i) {
    if (const int result = PerformOne(set, call.ops[i], call.undo); result != 0) {
      Revert(set, call.ops, i, call.undo);
      call.blocking = i;
      return result;
    }
  }
  for (unsigned i = 0; i < call.count; ++i) {
    set.semaphores[call.ops[i].number].pid = call.pid;
  }
  set.otime = IpcTime();
  return 0;
}

void FinishWaiter(SemWaiter& waiter, int error) {
  Unlink(waiter.link);
  waiter.error = error;
  waiter.finished = true;
  waiter.wakeup.WakeAll();
}

// Some value has changed: does what waiters wanted, until none can go on.
void ServeWaiters(SemSet& set) {
  for (SemWaiter* waiter = set.waiters.front(); waiter != nullptr;) {
    const int result = Perform(set, *waiter);
    if (result == kMustWait) {
      waiter = set.waiters.Next(*waiter);
      continue;
    }
    FinishWaiter(*waiter, result);
    waiter = set.waiters.front();  // it may have changed what an earlier one waits for
  }
}

void FreeUndo(SemUndo& undo) {
  Unlink(undo.in_list);
  Unlink(undo.in_set);
  KernelFree(&undo, sizeof(SemUndo) + undo.count * sizeof(int16_t));
}

Result<SemUndoList*> UndoListOf(Task& task) {
  if (task.sem_undo == nullptr) {
    task.sem_undo = MakeObject<SemUndoList>();
  }
  return task.sem_undo == nullptr ? Result<SemUndoList*>(Error(ENOMEM)) : task.sem_undo;
}

Result<SemUndo*> UndoOf(Task& task, SemSet& set) {
  SemUndoList* list = TRY(UndoListOf(task));
  for (SemUndo& undo : list->undos) {
    if (undo.set == &set) {
      return &undo;
    }
  }
  void* memory = KernelAllocateZeroed(sizeof(SemUndo) + set.count * sizeof(int16_t));
  if (memory == nullptr) {
    return Error(ENOMEM);
  }
  auto* undo = new (memory) SemUndo;
  undo->set = &set;
  undo->count = set.count;
  list->undos.PushBack(*undo);
  set.undos.PushBack(*undo);
  return undo;
}

// Adds what a process owed when it ended; values stay in their range.
void Pay(SemUndo& undo, uint32_t pid) {
  SemSet& set = *undo.set;
  for (unsigned i = 0; i < undo.count; ++i) {
    if (undo.adjust()[i] == 0) {
      continue;
    }
    const int value = set.semaphores[i].value + undo.adjust()[i];
    set.semaphores[i].value = value < 0 ? 0 : value > kSemVmx ? kSemVmx : value;
    set.semaphores[i].pid = pid;
  }
  FreeUndo(undo);
  set.otime = IpcTime();
  ServeWaiters(set);
}

}  // namespace

IpcTable& SemTable() { return g_sets; }
uint64_t SemaphoreCount() { return g_semaphores; }

Result<int> MakeSemSet(Task& task, int key, unsigned count, uint32_t flags) {
  const size_t bytes = count * sizeof(Semaphore);
  auto* semaphores = static_cast<Semaphore*>(KernelAllocateZeroed(bytes));
  ScopeGuard free([semaphores, bytes] { KernelFree(semaphores, bytes); });
  SemSet* set = MakeObject<SemSet>();
  if (semaphores == nullptr || set == nullptr) {
    if (set != nullptr) {
      DestroyObject(set);
    }
    return Error(ENOMEM);
  }
  ScopeGuard destroy([set] { DestroyObject(set); });
  set->semaphores = semaphores;
  set->count = count;
  TRY(g_sets.Add(*set, key, flags, task.cred()));
  destroy.Dismiss();
  free.Dismiss();
  g_semaphores += count;
  return set->id;
}

void RemoveSemSet(SemSet& set) {
  while (SemWaiter* waiter = set.waiters.front()) {
    FinishWaiter(*waiter, EIDRM);
  }
  while (SemUndo* undo = set.undos.front()) {
    FreeUndo(*undo);
  }
  g_sets.Remove(set);
  g_semaphores -= set.count;
  KernelFree(set.semaphores, set.count * sizeof(Semaphore));
  DestroyObject(&set);
}

Status DoSemOps(Task& task, SemSet& set, const SemOp* ops, unsigned count, uint64_t deadline_ns) {
  SemWaiter call;
  call.ops = ops;
  call.count = count;
  call.pid = task.tgid;
  for (unsigned i = 0; i < count && call.undo == nullptr; ++i) {
    call.undo = (ops[i].flags & kSemUndo) != 0 ? TRY(UndoOf(task, set)) : nullptr;
  }
  if (const int result = Perform(set, call); result != kMustWait) {
    if (result == 0) {
      ServeWaiters(set);
      return Ok();
    }
    return Error(result);
  }
  set.waiters.PushBack(call);
  const Status waited = WaitUntil(call.wakeup, deadline_ns, [&call] { return call.finished; });
  if (call.finished) {
    return call.error == 0 ? Ok() : Status(Error(call.error));
  }
  Unlink(call.link);
  return Error(waited.error().number() == ETIMEDOUT ? EAGAIN : EINTR);  // never restarted
}

void SetSemaphore(SemSet& set, unsigned number, int value, uint32_t pid) {
  for (SemUndo& undo : set.undos) {
    undo.adjust()[number] = 0;
  }
  set.semaphores[number] = {value, pid};
  set.ctime = IpcTime();
  ServeWaiters(set);
}

int CountSemWaiters(SemSet& set, unsigned number, SemWaitFor what) {
  int count = 0;
  for (const SemWaiter& waiter : set.waiters) {
    const SemOp& op = waiter.ops[waiter.blocking];
    const bool zero = op.change == 0;
    count += op.number == number && zero == (what == SemWaitFor::kZero) ? 1 : 0;
  }
  return count;
}

Status CopySemUndo(bool share, Task& parent, Task& child) {
  child.sem_undo = nullptr;
  if (share) {
    child.sem_undo = TRY(UndoListOf(parent));
    ++child.sem_undo->refs;
  }
  return Ok();
}

void DropCopiedSemUndo(Task& child) {
  if (child.sem_undo != nullptr) {
    --child.sem_undo->refs;
    child.sem_undo = nullptr;
  }
}

void ExitSemUndo(Task& task) {
  SemUndoList* list = task.sem_undo;
  task.sem_undo = nullptr;
  if (list == nullptr || --list->refs > 0) {
    return;
  }
  while (SemUndo* undo = list->undos.front()) {
    Pay(*undo, task.tgid);
  }
  DestroyObject(list);
}

}  // namespace fv::guest
