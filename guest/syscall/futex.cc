// SPDX-License-Identifier: Apache-2.0
//
// futex(2), futex_waitv, set_robust_list(2), get_robust_list(2).

#include "guest/ipc/futex.h"

#include <linux/capability.h>
#include <linux/futex.h>

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/ipc/futex_pi.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/rusage.h"
#include "guest/syscall/syscall.h"
#include "guest/task/clock.h"
#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

struct FutexCall {
  Task& task;
  uint64_t address;
  uint32_t op;  // without the option bits
  FutexScope scope;
  uint32_t value;
  uint64_t timeout;  // address, or value 2
  uint64_t address2;
  uint32_t value3;
  int clock;
};

constexpr int kClockMonotonic = 1;
constexpr uint32_t kFutexLockPi2 = 13;  // FUTEX_LOCK_PI2 of newer headers

// When the wait ends, on the monotonic clock. Errors: EFAULT, EINVAL.
Result<uint64_t> DeadlineOf(const FutexCall& call) {
  if (call.timeout == 0) {
    return kNoDeadline;
  }
  const Timespec time = TRY(ReadUser<Timespec>(*call.task.mm(), call.timeout));
  const uint64_t ns = TRY(NsOf(time));
  if (call.op == FUTEX_WAIT) {  // relative
    const uint64_t now = MonotonicNs();
    return ns > kNoDeadline - 1 - now ? kNoDeadline - 1 : now + ns;
  }
  return MonotonicOf(call.clock, ns);
}

// restart_syscall of a timed wait: the deadline stays where it was.
Result<uint64_t> ResumeWait(Task& task) {
  const auto& args = task.restart.args;
  const auto scope = args[4] != 0 ? FutexScope::kShared : FutexScope::kPrivate;
  const Status status = WaitFutex(*task.mm(), args[0], scope, static_cast<uint32_t>(args[1]),
                                  static_cast<uint32_t>(args[2]), args[3]);
  if (status.ok()) {
    return uint64_t{0};
  }
  const bool interrupted = status.error().number() == kErestartSys;
  return interrupted ? Error(kErestartBlock) : status.error();
}

Result<uint64_t> Wait(const FutexCall& call, uint32_t bitset) {
  if (bitset == 0) {
    return Error(EINVAL);
  }
  const uint64_t deadline = TRY(DeadlineOf(call));
  if (deadline == kNoDeadline) {
    TRY(WaitFutex(*call.task.mm(), call.address, call.scope, call.value, bitset, deadline));
    return uint64_t{0};
  }
  call.task.restart = RestartBlock{
      ResumeWait,
      {call.address, call.value, bitset, deadline, call.scope == FutexScope::kShared ? 1u : 0u}};
  return ResumeWait(call.task);
}

Result<uint64_t> Wake(const FutexCall& call, uint32_t bitset) {
  if (bitset == 0) {
    return Error(EINVAL);
  }
  const FutexKey key = TRY(FutexKeyOf(*call.task.mm(), call.address, call.scope));
  // Linux wakes one even when asked for none.
  return WakeFutexKey(key, call.value == 0 ? 1 : call.value, bitset);
}

Result<uint64_t> Requeue(const FutexCall& call, bool compare) {
  const auto requeue = static_cast<uint32_t>(call.timeout);
  if (static_cast<int32_t>(call.value) < 0 || static_cast<int32_t>(requeue) < 0) {
    return Error(EINVAL);
  }
  Mm& mm = *call.task.mm();
  const FutexKey from = TRY(FutexKeyOf(mm, call.address, call.scope));
  const FutexKey to = TRY(FutexKeyOf(mm, call.address2, call.scope));
  if (compare && TRY(ReadUser<uint32_t>(mm, call.address)) != call.value3) {
    return Error(EAGAIN);
  }
  return RequeueFutex(from, to, call.value, requeue);
}

// The limits of a call are those of Linux: one is woken, which gets the lock if it is free.
Result<uint64_t> CompareRequeuePi(const FutexCall& call) {
  const auto requeue = static_cast<uint32_t>(call.timeout);
  if (static_cast<int32_t>(requeue) < 0 || call.value != 1 || call.address == call.address2) {
    return Error(EINVAL);
  }
  Mm& mm = *call.task.mm();
  const FutexKey from = TRY(FutexKeyOf(mm, call.address, call.scope));
  const FutexKey to = TRY(FutexKeyOf(mm, call.address2, call.scope, FutexUse::kWrite));
  if (TRY(ReadUser<uint32_t>(mm, call.address)) != call.value3) {
    return Error(EAGAIN);
  }
  return RequeuePi(from, to, requeue);
}

Result<uint64_t> WaitToBeRequeued(const FutexCall& call) {
  const uint64_t deadline = TRY(DeadlineOf(call));
  if (call.address == call.address2) {
    return Error(EINVAL);
  }
  TRY(WaitRequeuePi({call.address, call.value, call.address2, call.scope}, deadline));
  return uint64_t{0};
}

uint32_t Operate(uint32_t op, uint32_t old, uint32_t argument) {
  switch (op) {
    case FUTEX_OP_SET:
      return argument;
    case FUTEX_OP_ADD:
      return old + argument;
    case FUTEX_OP_OR:
      return old | argument;
    case FUTEX_OP_ANDN:
      return old & ~argument;
    default:
      return old ^ argument;
  }
}

Result<bool> Compare(uint32_t op, int32_t old, int32_t argument) {
  switch (op) {
    case FUTEX_OP_CMP_EQ:
      return old == argument;
    case FUTEX_OP_CMP_NE:
      return old != argument;
    case FUTEX_OP_CMP_LT:
      return old < argument;
    case FUTEX_OP_CMP_GE:
      return old >= argument;
    case FUTEX_OP_CMP_LE:
      return old <= argument;
    case FUTEX_OP_CMP_GT:
      return old > argument;
    default:
      return Error(ENOSYS);
  }
}

// value3 holds: op (4 bits), comparison (4), operand (12, signed), comparand (12, signed).
Result<uint64_t> WakeOp(const FutexCall& call) {
  Mm& mm = *call.task.mm();
  const FutexKey first = TRY(FutexKeyOf(mm, call.address, call.scope));
  const FutexKey second = TRY(FutexKeyOf(mm, call.address2, call.scope, FutexUse::kWrite));
  const uint32_t op = call.value3 >> 28 & 7;
  auto argument = static_cast<uint32_t>(static_cast<int32_t>(call.value3 << 8) >> 20);
  const int32_t comparand = static_cast<int32_t>(call.value3 << 20) >> 20;
  if ((call.value3 >> 28 & FUTEX_OP_OPARG_SHIFT) != 0) {  // bit 31: operand is a shift
    argument = uint32_t{1} << (argument & 31);
  }
  if (op > FUTEX_OP_XOR) {
    return Error(ENOSYS);
  }
  uint32_t old = TRY(ReadUser<uint32_t>(mm, call.address2));
  for (;;) {
    const uint32_t seen =
        TRY(CompareExchangeUser(mm, call.address2, old, Operate(op, old, argument)));
    if (seen == old) {
      break;
    }
    old = seen;
  }
  const bool also = TRY(Compare(call.value3 >> 24 & 0xF, static_cast<int32_t>(old), comparand));
  uint64_t woken = TRY(WakeFutexKey(first, call.value == 0 ? 1 : call.value));
  if (also) {
    const auto second_count = static_cast<uint32_t>(call.timeout);
    woken += TRY(WakeFutexKey(second, second_count == 0 ? 1 : second_count));
  }
  return woken;
}

Result<uint64_t> Lock(const FutexCall& call) {
  const uint64_t deadline = TRY(DeadlineOf(call));
  TRY(LockPi(call.task, call.address, call.scope, deadline));
  return uint64_t{0};
}

Result<uint64_t> Done(const Status& status) {
  return status.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(status.error());
}

Result<uint64_t> Dispatch(const FutexCall& call) {
  switch (call.op) {
    case FUTEX_WAIT:
      return Wait(call, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET:
      return Wait(call, call.value3);
    case FUTEX_WAKE:
      return Wake(call, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
      return Wake(call, call.value3);
    case FUTEX_REQUEUE:
      return Requeue(call, false);
    case FUTEX_CMP_REQUEUE:
      return Requeue(call, true);
    case FUTEX_WAIT_REQUEUE_PI:
      return WaitToBeRequeued(call);
    case FUTEX_CMP_REQUEUE_PI:
      return CompareRequeuePi(call);
    case FUTEX_WAKE_OP:
      return WakeOp(call);
    case FUTEX_LOCK_PI:
    case kFutexLockPi2:
      return Lock(call);
    case FUTEX_TRYLOCK_PI:
      return Done(TryLockPi(call.task, call.address, call.scope));
    case FUTEX_UNLOCK_PI:
      return Done(UnlockPi(call.task, call.address, call.scope));
    default:
      return Error(ENOSYS);
  }
}

constexpr unsigned kMaxWaitv = 128;        // FUTEX_WAITV_MAX
constexpr uint32_t kFutex2SizeMask = 0x3;  // FUTEX2_SIZE_MASK
constexpr uint32_t kFutex2Size32 = 0x2;    // FUTEX2_SIZE_U32, the only size there is

struct WaitvEntry {  // struct futex_waitv
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};
static_assert(sizeof(WaitvEntry) == 24);

Result<FutexExpectation> ExpectationOf(const WaitvEntry& entry) {
  constexpr uint32_t kKnown = kFutex2SizeMask | FUTEX_PRIVATE_FLAG;
  if ((entry.flags & ~kKnown) != 0 || entry.reserved != 0 ||
      (entry.flags & kFutex2SizeMask) != kFutex2Size32 || entry.value > ~uint32_t{0}) {
    return Error(EINVAL);
  }
  const bool is_private = (entry.flags & FUTEX_PRIVATE_FLAG) != 0;
  return FutexExpectation{entry.address, static_cast<uint32_t>(entry.value),
                          is_private ? FutexScope::kPrivate : FutexScope::kShared};
}

}  // namespace

namespace sys {

// futex_waitv(waiters, count, flags, timeout, clock)
Result<uint64_t> futex_waitv(const SyscallArgs& args) {
  const unsigned count = args.Uint(1);
  if (args.Uint(2) != 0 || count == 0 || count > kMaxWaitv || args.a[0] == 0) {
    return Error(EINVAL);
  }
  Mm& mm = *args.task.mm();
  uint64_t deadline = kNoDeadline;
  if (args.a[3] != 0) {
    const int clock = args.Int(4);
    if (clock != kClockMonotonic && clock != kClockRealtime) {
      return Error(EINVAL);
    }
    const Timespec time = TRY(ReadUser<Timespec>(mm, args.a[3]));
    deadline = MonotonicOf(clock, TRY(NsOf(time)));
  }
  constexpr size_t kBytes = kMaxWaitv * sizeof(FutexExpectation);
  auto* words = static_cast<FutexExpectation*>(KernelAllocate(kBytes));
  if (words == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_words([&] { KernelFree(words, kBytes); });
  for (unsigned i = 0; i < count; ++i) {
    const auto entry = TRY(ReadUser<WaitvEntry>(mm, args.a[0] + i * sizeof(WaitvEntry)));
    words[i] = TRY(ExpectationOf(entry));
  }
  return WaitFutexes(mm, words, count, deadline);
}

// futex(address, op, value, timeout, address2, value3)
Result<uint64_t> futex(const SyscallArgs& args) {
  const uint32_t op = args.Uint(1);
  const bool realtime = (op & FUTEX_CLOCK_REALTIME) != 0;
  const uint32_t command = op & static_cast<uint32_t>(FUTEX_CMD_MASK);
  if (realtime && command != FUTEX_WAIT_BITSET && command != FUTEX_WAIT_REQUEUE_PI &&
      command != kFutexLockPi2) {
    return Error(ENOSYS);
  }
  const bool wall_clock = realtime || command == FUTEX_LOCK_PI;
  return Dispatch({args.task, args.a[0], command,
                   (op & FUTEX_PRIVATE_FLAG) != 0 ? FutexScope::kPrivate : FutexScope::kShared,
                   args.Uint(2), args.a[3], args.a[4], args.Uint(5),
                   wall_clock ? kClockRealtime : kClockMonotonic});
}

Result<uint64_t> set_robust_list(const SyscallArgs& args) {
  constexpr uint64_t kHeadBytes = 24;
  if (args.a[1] != kHeadBytes) {
    return Error(EINVAL);
  }
  if (args.task.robust_list != 0) {
    NoteChange(proto::SafepointKind::kSyscall);  // at its end the host looks at the list it knows
  }
  args.task.robust_list = args.a[0];
  return uint64_t{0};
}

// get_robust_list(tid, head, length)
Result<uint64_t> get_robust_list(const SyscallArgs& args) {
  constexpr uint64_t kHeadBytes = 24;
  const int tid = args.Int(0);
  Task* target = tid == 0 ? &args.task : FindTaskFor(args.task, static_cast<uint32_t>(tid));
  if (target == nullptr) {
    return Error(ESRCH);
  }
  const bool own = target->tgid == args.task.tgid;
  if (!own && args.task.cred().uid != target->cred().uid && !args.task.Capable(CAP_SYS_PTRACE)) {
    return Error(EPERM);
  }
  TRY(WriteUser(*args.task.mm(), args.a[2], kHeadBytes));
  TRY(WriteUser(*args.task.mm(), args.a[1], target->robust_list));
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
