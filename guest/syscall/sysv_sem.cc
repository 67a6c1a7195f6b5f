// SPDX-License-Identifier: Apache-2.0
//
// semget(2), semop(2), semtimedop(2), semctl(2).
#include "guest/ipc/sysv_sem.h"

#include "guest/arch/arch.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/task.h"

namespace fv::guest::sys {
namespace {

constexpr int64_t kNsPerSec = 1'000'000'000;
constexpr uint32_t kMayRead = 0444;
constexpr uint32_t kMayAlter = 0222;

struct UserTime {  // struct timespec
  int64_t seconds;
  int64_t nanoseconds;
};

Result<SemSet*> FindSet(int id) { return FindIpc<SemSet>(SemTable(), id); }

Status CheckNumber(const SemSet& set, int number) {
  return number >= 0 && static_cast<unsigned>(number) < set.count ? Ok() : Status(Error(EINVAL));
}

SemStatAbi StatOf(const SemSet& set) {
  SemStatAbi stat{};
  stat.perm = set.Perm();
  stat.otime = set.otime;
  stat.ctime = set.ctime;
  stat.count = set.count;
  return stat;
}

// IPC_STAT, SEM_STAT and SEM_STAT_ANY; the latter two take an index and give the identifier.
Result<uint64_t> Stat(const SyscallArgs& args, int id, int command) {
  const SemSet* set =
      TRY(FindIpcToStat<SemSet>(SemTable(), id, command, kSemStatAny, args.task.cred()));
  TRY(WriteUser(*args.task.mm(), args.a[3], StatOf(*set)));
  return static_cast<uint64_t>(command == kIpcStat ? 0 : set->id);
}

Result<uint64_t> Info(const SyscallArgs& args, int command) {
  constexpr int kAllSemaphores = kSemMni * kSemMsl;
  constexpr int kUndoBytes = 20;
  SemInfoAbi info{kAllSemaphores, kSemMni, kAllSemaphores, kAllSemaphores, kSemMsl,
                  kSemOpm,        kSemOpm, kUndoBytes,     kSemVmx,        kSemAem};
  if (command == kSemInfo) {
    info.usz = SemTable().used();
    info.aem = static_cast<int32_t>(SemaphoreCount());
  }
  TRY(WriteUser(*args.task.mm(), args.a[3], info));
  const int highest = SemTable().highest();
  return static_cast<uint64_t>(highest < 0 ? 0 : highest);
}

Result<uint64_t> GetAll(Mm& mm, const SemSet& set, uint64_t address) {
  for (unsigned i = 0; i < set.count; ++i) {
    TRY(WriteUser(mm, address + i * sizeof(uint16_t),
                  static_cast<uint16_t>(set.semaphores[i].value)));
  }
  return uint64_t{0};
}

Result<uint64_t> SetAll(Task& task, SemSet& set, uint64_t address) {
  const size_t bytes = set.count * sizeof(uint16_t);
  auto* values = static_cast<uint16_t*>(KernelAllocate(bytes));
  if (values == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free([values, bytes] { KernelFree(values, bytes); });
  TRY(CopyFromUser(*task.mm(), values, address, bytes));
  for (unsigned i = 0; i < set.count; ++i) {
    if (values[i] > kSemVmx) {
      return Error(ERANGE);
    }
  }
  // The last one set lets the waiters look, when all values are there.
  for (unsigned i = 0; i + 1 < set.count; ++i) {
    set.semaphores[i] = {values[i], task.tgid};
    for (SemUndo& undo : set.undos) {
      undo.adjust()[i] = 0;
    }
  }
  SetSemaphore(set, set.count - 1, values[set.count - 1], task.tgid);
  return uint64_t{0};
}

Result<uint64_t> SetVal(const SyscallArgs& args) {
  const int value = args.Int(3);
  if (value < 0 || value > kSemVmx) {
    return Error(ERANGE);
  }
  SemSet* set = TRY(FindSet(args.Int(0)));
  TRY(CheckNumber(*set, args.Int(1)));
  TRY(CheckIpcAccess(*set, args.task.cred(), kMayAlter));
  SetSemaphore(*set, args.Uint(1), value, args.task.tgid);
  return uint64_t{0};
}

// GETALL, SETALL, and what is asked of one semaphore.
Result<uint64_t> Values(const SyscallArgs& args, int command) {
  SemSet* set = TRY(FindSet(args.Int(0)));
  TRY(CheckIpcAccess(*set, args.task.cred(), command == kSemSetAll ? kMayAlter : kMayRead));
  if (command == kSemGetAll) {
    return GetAll(*args.task.mm(), *set, args.a[3]);
  }
  if (command == kSemSetAll) {
    return SetAll(args.task, *set, args.a[3]);
  }
  TRY(CheckNumber(*set, args.Int(1)));
  const Semaphore& semaphore = set->semaphores[args.Int(1)];
  switch (command) {
    case kSemGetVal:
      return static_cast<uint64_t>(semaphore.value);
    case kSemGetPid:
      return uint64_t{semaphore.pid};
    case kSemGetNcnt:
      return static_cast<uint64_t>(CountSemWaiters(*set, args.Uint(1), SemWaitFor::kIncrease));
    default:
      return static_cast<uint64_t>(CountSemWaiters(*set, args.Uint(1), SemWaitFor::kZero));
  }
}

// IPC_SET and IPC_RMID.
Result<uint64_t> Change(const SyscallArgs& args, int command) {
  SemStatAbi wanted{};
  if (command == kIpcSet) {
    wanted = TRY(ReadUser<SemStatAbi>(*args.task.mm(), args.a[3]));
  }
  SemSet* set = TRY(FindSet(args.Int(0)));
  TRY(CheckIpcOwner(*set, args.task.cred()));
  if (command == kIpcSet) {
    SetIpcPerm(*set, wanted.perm);
  } else {
    RemoveSemSet(*set);
  }
  return uint64_t{0};
}

// Monotonic deadline of a relative timespec; 0: none. Errors: EFAULT, EINVAL.
Result<uint64_t> DeadlineOf(Mm& mm, uint64_t address) {
  if (address == 0) {
    return kNoDeadline;
  }
  const UserTime time = TRY(ReadUser<UserTime>(mm, address));
  if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= kNsPerSec) {
    return Error(EINVAL);
  }
  uint64_t ns;
  if (__builtin_mul_overflow(static_cast<uint64_t>(time.seconds), uint64_t{kNsPerSec}, &ns) ||
      __builtin_add_overflow(ns, static_cast<uint64_t>(time.nanoseconds) + MonotonicNs(), &ns)) {
    return kNoDeadline - 1;
  }
  return ns;
}

// The operations are in kernel memory.
Status CheckAndDo(const SyscallArgs& args, const SemOp* ops, unsigned count, uint64_t deadline) {
  unsigned highest = 0;
  bool alters = false;
  for (unsigned i = 0; i < count; ++i) {
    highest = ops[i].number > highest ? ops[i].number : highest;
    alters = alters || ops[i].change != 0;
  }
  SemSet* set = TRY(FindSet(args.Int(0)));
  if (highest >= set->count) {
    return Error(EFBIG);
  }
  TRY(CheckIpcAccess(*set, args.task.cred(), alters ? kMayAlter : kMayRead));
  return DoSemOps(args.task, *set, ops, count, deadline);
}

Result<uint64_t> Operate(const SyscallArgs& args, uint64_t timeout) {
  Mm& mm = *args.task.mm();
  const uint32_t count = args.Uint(2);
  if (timeout != 0) {
    TRY(ReadUser<UserTime>(mm, timeout));
  }
  if (count > kSemOpm) {
    return Error(E2BIG);
  }
  if (count < 1) {
    return Error(EINVAL);
  }
  const size_t bytes = count * sizeof(SemOp);
  auto* ops = static_cast<SemOp*>(KernelAllocate(bytes));
  if (ops == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free([ops, bytes] { KernelFree(ops, bytes); });
  TRY(CopyFromUser(mm, ops, args.a[1], bytes));
  const uint64_t deadline = TRY(DeadlineOf(mm, timeout));
  TRY(CheckAndDo(args, ops, count, deadline));
  return uint64_t{0};
}

}  // namespace

// semget(key, count, flags)
Result<uint64_t> semget(const SyscallArgs& args) {
  const int key = args.Int(0);
  const int count = args.Int(1);
  const uint32_t flags = args.Uint(2);
  if (count < 0 || count > kSemMsl) {
    return Error(EINVAL);
  }
  auto make = [&]() -> Result<int> {
    if (count == 0) {
      return Error(EINVAL);
    }
    return MakeSemSet(args.task, key, static_cast<unsigned>(count), flags);
  };
  auto fits = [count](const IpcObject& found) -> Status {
    const bool enough = static_cast<const SemSet&>(found).count >= static_cast<unsigned>(count);
    return enough ? Ok() : Status(Error(EINVAL));
  };
  return GetIpc(SemTable(), key, flags, args.task.cred(), make, fits);
}

// semop(id, operations, count)
Result<uint64_t> semop(const SyscallArgs& args) { return Operate(args, 0); }

// semtimedop(id, operations, count, timeout)
Result<uint64_t> semtimedop(const SyscallArgs& args) { return Operate(args, args.a[3]); }

// semctl(id, number, command, argument)
Result<uint64_t> semctl(const SyscallArgs& args) {
  const int id = args.Int(0);
  const int command = args.Int(2);
  if (id < 0) {
    return Error(EINVAL);
  }
  switch (command) {
    case kIpcInfo:
    case kSemInfo:
      return Info(args, command);
    case kIpcStat:
    case kSemStat:
    case kSemStatAny:
      return Stat(args, id, command);
    case kSemGetAll:
    case kSemGetVal:
    case kSemGetPid:
    case kSemGetNcnt:
    case kSemGetZcnt:
    case kSemSetAll:
      return Values(args, command);
    case kSemSetVal:
      return SetVal(args);
    case kIpcSet:
    case kIpcRmid:
      return Change(args, command);
    default:
      return Error(EINVAL);
  }
}

}  // namespace fv::guest::sys
