// SPDX-License-Identifier: Apache-2.0
//
// One list of all waiters, searched by key, and one per owner, from which the owner's inherited
// priority comes. A lock is handed over by writing the new owner into the word while the waiter
// sleeps.

#include "guest/ipc/futex_pi.h"

#include <linux/futex.h>

#include "guest/ipc/futex_internal.h"
#include "guest/lib/wait_queue.h"
#include "guest/mm/user_copy.h"
#include "guest/task/pid.h"
#include "guest/task/priority.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

using Waiters = ListView<PiWaiter, &PiWaiter::link>;
using OwnedWaiters = ListView<PiWaiter, &PiWaiter::owner_link>;
constinit proto::Link g_waiters{0, 0};

PiWaiter* AnyWaiter(const FutexKey& key) {
  for (PiWaiter& waiter : Waiters(g_waiters)) {
    if (waiter.key == key) {
      return &waiter;
    }
  }
  return nullptr;
}

// The next owner: highest priority, then first come.
PiWaiter* TopWaiter(const FutexKey& key) {
  PiWaiter* top = nullptr;
  for (PiWaiter& waiter : Waiters(g_waiters)) {
    if (waiter.key == key &&
        (top == nullptr || WaitPriority(*waiter.task) < WaitPriority(*top->task))) {
      top = &waiter;
    }
  }
  return top;
}

// The waiters of `owner` changed, or their priorities: it and those it waits for are adjusted. Ends
// because nobody waits for itself (ClosesCircle).
void AdjustChain(Task& owner) {
  for (Task* at = &owner;;) {
    int best = kNoInheritedPriority;
    for (const PiWaiter& waiter : OwnedWaiters(at->pi_waiters)) {
      const int priority = Priority(*waiter.task);
      best = priority < best ? priority : best;
    }
    if (at->inherited_priority == best) {
      return;
    }
    at->inherited_priority = static_cast<uint8_t>(best);
    Requeue(*at);
    if (at->pi_blocked_on == nullptr) {
      return;
    }
    at = at->pi_blocked_on->owner;
  }
}

// If `task` waited for `owner`, somebody would wait for itself.
bool ClosesCircle(const Task& task, const Task& owner) {
  for (const Task* at = &owner;; at = at->pi_blocked_on->owner) {
    if (at == &task) {
      return true;
    }
    if (at->pi_blocked_on == nullptr) {
      return false;
    }
  }
}

void Unqueue(PiWaiter& waiter) {
  Unlink(waiter.link);
  Unlink(waiter.owner_link);
  waiter.task->pi_blocked_on = nullptr;
}

// Gives the lock of `owner` to its top waiter; `died` is FUTEX_OWNER_DIED or 0.
void HandOver(Task& owner, PiWaiter& top, uint32_t died) {
  // The word keeps FUTEX_WAITERS, so that the new owner too comes here to unlock. A bad address is
  // its trouble when it touches the word.
  const uint32_t word = OwnTid(*top.task) | died | FUTEX_WAITERS;
  (void)WriteUser(*top.task->mm(), top.address, word).ok();
  Unqueue(top);
  for (PiWaiter& waiter : Waiters(g_waiters)) {
    if (waiter.key == top.key) {
      Unlink(waiter.owner_link);
      waiter.owner = top.task;
      OwnedWaiters(top.task->pi_waiters).PushBack(waiter);
    }
  }
  top.granted = true;
  AdjustChain(*top.task);
  WakeTask(*top.task);
  AdjustChain(owner);
}

// The task that the word names for `task`. Errors: ESRCH, EPERM; EINVAL (those who wait wait for
// another).
Result<Task*> OwnerOf(const Task& task, const FutexKey& key, uint32_t word) {
  const PiWaiter* waiting = AnyWaiter(key);
  Task* owner = FindTaskFor(task, word & FUTEX_TID_MASK);
  if (waiting != nullptr) {
    return waiting->owner == owner ? Result<Task*>(owner) : Result<Task*>(Error(EINVAL));
  }
  if (owner == nullptr || (owner->flags & kPfExiting) != 0) {
    return Error(ESRCH);
  }
  if ((owner->flags & kPfKthread) != 0) {
    return Error(EPERM);
  }
  return owner;
}

// Takes a free lock for `task`, or marks it as waited for. The owner that is to be waited for;
// nullptr: taken.
Result<Task*> Acquire(Task& task, uint64_t address, const FutexKey& key) {
  if (TopFutexWaiter(key) != nullptr) {
    return Error(EINVAL);  // somebody uses the word as a plain futex
  }
  Mm& mm = *task.mm();
  const uint32_t own = OwnTid(task);
  for (;;) {
    const uint32_t word = TRY(ReadUser<uint32_t>(mm, address));
    if ((word & FUTEX_TID_MASK) == own) {
      return Error(EDEADLK);
    }
    Task* owner = nullptr;
    // A lock whose owner died keeps the mark, so that its new owner learns of it.
    uint32_t wanted = (word & FUTEX_OWNER_DIED) | own;
    if ((word & FUTEX_TID_MASK) != 0) {
      owner = TRY(OwnerOf(task, key, word));
      wanted = word | FUTEX_WAITERS;
    }
    if (TRY(CompareExchangeUser(mm, address, word, wanted)) == word) {
      return owner;
    }
  }
}

}  // namespace

void InitPiFutexes() { InitHead(g_waiters); }

bool HasPiWaiters(const FutexKey& key) { return AnyWaiter(key) != nullptr; }

void PropagatePriority(Task& task) {
  if (task.pi_blocked_on != nullptr) {
    AdjustChain(*task.pi_blocked_on->owner);
  }
}

Result<PiStart> StartPiWait(PiWaiter& waiter) {
  Task* owner = TRY(Acquire(*waiter.task, waiter.address, waiter.key));
  if (owner == nullptr) {
    waiter.granted = true;
    return PiStart::kTaken;
  }
  if (ClosesCircle(*waiter.task, *owner)) {
    return Error(EDEADLK);
  }
  waiter.owner = owner;
  Waiters(g_waiters).PushBack(waiter);
  OwnedWaiters(owner->pi_waiters).PushBack(waiter);
  waiter.task->pi_blocked_on = &waiter;
  AdjustChain(*owner);
  return PiStart::kWaiting;
}

void CancelPiWait(PiWaiter& waiter) {
  if (IsLinked(waiter.link)) {
    Unqueue(waiter);
    AdjustChain(*waiter.owner);
  }
}

Status LockPi(Task& task, uint64_t address, FutexScope scope, uint64_t deadline_ns) {
  PiWaiter waiter;
  waiter.key = TRY(FutexKeyOf(*task.mm(), address, scope, FutexUse::kWrite));
  waiter.task = &task;
  waiter.address = address;
  if (TRY(StartPiWait(waiter)) == PiStart::kTaken) {
    return Ok();
  }
  bool in_time = true;
  for (;;) {
    PrepareToWait(WaitKind::kInterruptible);
    if (waiter.granted || !in_time || WaitInterrupted(WaitKind::kInterruptible)) {
      break;
    }
    in_time = ScheduleUntil(deadline_ns);
  }
  FinishWait();
  if (waiter.granted) {
    return Ok();
  }
  CancelPiWait(waiter);
  return Error(in_time ? kErestartNoIntr : ETIMEDOUT);
}

Status TryLockPi(Task& task, uint64_t address, FutexScope scope) {
  const FutexKey key = TRY(FutexKeyOf(*task.mm(), address, scope, FutexUse::kWrite));
  return TRY(Acquire(task, address, key)) == nullptr ? Ok() : Status(Error(EAGAIN));
}

Status UnlockPi(Task& task, uint64_t address, FutexScope scope) {
  for (;;) {
    const uint32_t word = TRY(ReadUser<uint32_t>(*task.mm(), address));
    if ((word & FUTEX_TID_MASK) != OwnTid(task)) {
      return Error(EPERM);
    }
    const FutexKey key = TRY(FutexKeyOf(*task.mm(), address, scope, FutexUse::kWrite));
    if (PiWaiter* top = TopWaiter(key)) {
      if (top->owner != &task) {
        return Error(EINVAL);
      }
      HandOver(task, *top, 0);
      return Ok();
    }
    if (TopFutexWaiter(key) != nullptr) {
      return Error(EINVAL);
    }
    if (TRY(CompareExchangeUser(*task.mm(), address, word, 0)) == word) {
      return Ok();
    }
  }
}

void ExitPiFutexes(Task& task) {
  while (const PiWaiter* waiter = OwnedWaiters(task.pi_waiters).front()) {
    HandOver(task, *TopWaiter(waiter->key), FUTEX_OWNER_DIED);
  }
}

}  // namespace fv::guest
