// SPDX-License-Identifier: Apache-2.0

#include "guest/ipc/futex_pi.h"

#include <linux/futex.h>

#include "guest/lib/wait_queue.h"
#include "guest/mm/user_copy.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

// On the stack of the sleeping task.
struct PiWaiter {
  proto::Link link{0, 0};
  FutexKey key;
  Task* task = nullptr;
  uint64_t address = 0;
  uint32_t owner = 0;  // thread that holds the lock
  bool granted = false;
};

using Waiters = ListView<PiWaiter, &PiWaiter::link>;
constinit proto::Link g_waiters{0, 0};

// The next owner: highest priority, then first come. `others`: how many wait behind it.
PiWaiter* TopWaiter(const FutexKey& key, unsigned& others) {
  PiWaiter* top = nullptr;
  unsigned count = 0;
  for (PiWaiter& waiter : Waiters(g_waiters)) {
    if (waiter.key == key) {
      ++count;
      if (top == nullptr || WaitPriority(*waiter.task) > WaitPriority(*top->task)) {
        top = &waiter;
      }
    }
  }
  others = count == 0 ? 0 : count - 1;
  return top;
}

// Gives the lock to the top waiter; `died` is FUTEX_OWNER_DIED or 0. False: nobody waits.
bool HandOver(const FutexKey& key, uint32_t died) {
  unsigned others;
  PiWaiter* top = TopWaiter(key, others);
  if (top == nullptr) {
    return false;
  }
  const uint32_t word = top->task->pid | died | (others > 0 ? FUTEX_WAITERS : 0);
  // A bad address here is the new owner's trouble when it touches the word.
  (void)WriteUser(*top->task->mm(), top->address, word).ok();
  Waiters::Remove(*top);
  top->granted = true;
  for (PiWaiter& waiter : Waiters(g_waiters)) {
    if (waiter.key == key) {
      waiter.owner = top->task->pid;
    }
  }
  WakeTask(*top->task);
  return true;
}

enum class Attempt { kTaken, kMustWait };

// Takes a free lock, or marks it as waited for and says by whom it is held.
Result<Attempt> Acquire(Task& task, uint64_t address, bool mark, uint32_t& owner) {
  for (;;) {
    const uint32_t word = TRY(ReadUser<uint32_t>(*task.mm(), address));
    owner = word & FUTEX_TID_MASK;
    if (owner == task.pid) {
      return Error(EDEADLK);
    }
    const bool free = owner == 0;
    if (!free && !mark) {
      return Attempt::kMustWait;
    }
    // A lock whose owner died keeps the mark, so that its new owner learns of it.
    const uint32_t wanted = free ? (word & FUTEX_OWNER_DIED) | task.pid : word | FUTEX_WAITERS;
    if (TRY(CompareExchangeUser(*task.mm(), address, word, wanted)) == word) {
      return free ? Attempt::kTaken : Attempt::kMustWait;
    }
  }
}

}  // namespace

void InitPiFutexes() { InitHead(g_waiters); }

Status LockPi(Task& task, uint64_t address, FutexScope scope, uint64_t deadline_ns) {
  PiWaiter waiter;
  waiter.key = TRY(FutexKeyOf(*task.mm(), address, scope));
  if (TRY(Acquire(task, address, true, waiter.owner)) == Attempt::kTaken) {
    return Ok();
  }
  if (FindTask(waiter.owner) == nullptr) {
    return Error(ESRCH);
  }
  waiter.task = &task;
  waiter.address = address;
  Waiters(g_waiters).PushBack(waiter);
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
  Waiters::Remove(waiter);
  return Error(in_time ? kErestartNoIntr : ETIMEDOUT);
}

Status TryLockPi(Task& task, uint64_t address, FutexScope scope) {
  TRY(FutexKeyOf(*task.mm(), address, scope));
  uint32_t owner;
  return TRY(Acquire(task, address, false, owner)) == Attempt::kTaken ? Ok()
                                                                      : Status(Error(EAGAIN));
}

Status UnlockPi(Task& task, uint64_t address, FutexScope scope) {
  const FutexKey key = TRY(FutexKeyOf(*task.mm(), address, scope));
  for (;;) {
    const uint32_t word = TRY(ReadUser<uint32_t>(*task.mm(), address));
    if ((word & FUTEX_TID_MASK) != task.pid) {
      return Error(EPERM);
    }
    if (HandOver(key, 0)) {
      return Ok();
    }
    if (TRY(CompareExchangeUser(*task.mm(), address, word, 0)) == word) {
      return Ok();
    }
  }
}

void ExitPiFutexes(Task& task) {
  for (bool found = true; found;) {
    found = false;
    for (PiWaiter& waiter : Waiters(g_waiters)) {
      if (waiter.owner == task.pid) {
        found = HandOver(FutexKey(waiter.key), FUTEX_OWNER_DIED);
        break;
      }
    }
  }
}

}  // namespace fv::guest
