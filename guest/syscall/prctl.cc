// SPDX-License-Identifier: Apache-2.0
//
// prctl(2): names, death signals, dumpable, subreaper, timer slack, no_new_privs; capabilities are
// in prctl_capabilities.cc.

#include <linux/capability.h>
#include <linux/prctl.h>

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/string.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/unused_memory.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/prctl_capabilities.h"
#include "guest/syscall/syscall.h"
#include "guest/task/cred.h"
#include "guest/task/priority.h"
#include "guest/task/task.h"
#include "proto/fail.h"
#include "proto/fork_strategy.h"

namespace fv::guest {
namespace {

constexpr size_t kCommBytes = 16;

// proto::kPrForkStrategy, Forkvisor's own.
Result<uint64_t> SwapForkStrategy(Mm& mm, uint64_t name_at, uint64_t before_at) {
  uint32_t wanted = mm.fork_strategy;
  if (name_at != 0) {
    char name[proto::kForkStrategyNameBytes];
    const Result<size_t> length = CopyStringFromUser(mm, name_at, name, sizeof(name));
    if (!length.ok()) {
      return length.error().number() == ENAMETOOLONG ? Error(EINVAL) : length.error();
    }
    wanted = TRY(FindForkStrategy(name));
  }
  if (before_at != 0) {
    const RegisteredStrategy& before = ForkStrategies()[mm.fork_strategy];
    TRY(CopyToUser(mm, before_at, before.name, sizeof(before.name)));
  }
  mm.fork_strategy = wanted;
  return uint64_t{0};
}

// Forkvisor's own operations (proto/fail.h).
Result<uint64_t> Own(const Task& task, const SyscallArgs& args) {
  if (!task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  if (args.Int(0) == proto::kPrFailNth) {
    NoteChange(proto::SafepointKind::kSyscall);  // what fails next is compared with what is now
    return FailNth(args.a[1]);
  }
  DropUnusedMemory();
  EmitEvent(proto::EventKind::kMark, args.a[1], args.a[2]);
  NoteChange(proto::SafepointKind::kSyscall);
  ReachMoment(proto::FailTrigger::kMark, args.a[1]);
  return uint64_t{0};
}

Result<uint64_t> SetName(Task& task, uint64_t address) {
  char name[kCommBytes] = {};
  // Of a longer name no more is looked at than is kept.
  const size_t capacity = HasMutant(Mutant::kNameOverrun) ? kCommBytes + 1 : kCommBytes - 1;
  const Result<size_t> length = CopyStringFromUser(*task.mm(), address, name, capacity);
  if (!length.ok() && length.error().number() != ENAMETOOLONG) {
    return length.error();
  }
  name[kCommBytes - 1] = '\0';
  memset(task.comm, 0, sizeof(task.comm));
  memcpy(task.comm, name, strlen(name));
  return uint64_t{0};
}

Result<uint64_t> SetDeathSignal(Task& task, uint64_t signo) {
  if (signo > kSignalCount) {
    return Error(EINVAL);
  }
  task.pdeath_signal = static_cast<int32_t>(signo);
  return uint64_t{0};
}

// The arguments from the one numbered `first` are zero.
bool HasNoMore(const SyscallArgs& args, unsigned first) {
  for (unsigned i = first; i < 5; ++i) {
    if (args.a[i] != 0) {
      return false;
    }
  }
  return true;
}

Result<uint64_t> SetNoNewPrivs(Task& task, const SyscallArgs& args) {
  if (args.a[1] != 1 || !HasNoMore(args, 2)) {
    return Error(EINVAL);
  }
  task.no_new_privs = true;
  return uint64_t{0};
}

Result<uint64_t> WriteInt(Task& task, uint64_t address, int32_t value) {
  TRY(WriteUser(*task.mm(), address, value));
  return uint64_t{0};
}

Result<uint64_t> SetDumpableTo(Task& task, uint64_t value) {
  if (value > 1) {
    return Error(EINVAL);
  }
  SetDumpable(task, static_cast<uint8_t>(value));
  return uint64_t{0};
}

Result<uint64_t> Subreaper(Task& task, bool set) {
  uint32_t& flags = task.signal().flags;
  flags =
      set ? flags | kSignalChildSubreaper : flags & ~static_cast<uint32_t>(kSignalChildSubreaper);
  return uint64_t{0};
}

// There are no huge pages to disable; what was asked for is remembered.
Result<uint64_t> SetThpDisable(const SyscallArgs& args) {
  constexpr uint64_t kExceptAdvised = 2;  // PR_THP_DISABLE_EXCEPT_ADVISED, Linux 6.18
  const bool disable = args.a[1] != 0;
  const uint64_t flags = args.a[2];
  if (!HasNoMore(args, 3) || (flags & ~kExceptAdvised) != 0 || (!disable && flags != 0)) {
    return Error(EINVAL);
  }
  args.task.mm()->thp_disable = disable ? static_cast<uint32_t>(1 | flags) : 0;
  return uint64_t{0};
}

}  // namespace

namespace sys {

Result<uint64_t> prctl(const SyscallArgs& args) {
  Task& task = args.task;
  const uint64_t value = args.a[1];
  switch (args.Int(0)) {
    case PR_SET_NAME:
      return SetName(task, value);
    case PR_GET_NAME:
      TRY(CopyToUser(*task.mm(), value, task.comm, kCommBytes));
      return uint64_t{0};
    case PR_SET_PDEATHSIG:
      return SetDeathSignal(task, value);
    case PR_GET_PDEATHSIG:
      return WriteInt(task, value, task.pdeath_signal);
    case PR_SET_DUMPABLE:
      return SetDumpableTo(task, value);
    case PR_GET_DUMPABLE:
      return uint64_t{task.dumpable};
    case PR_SET_CHILD_SUBREAPER:
      return Subreaper(task, value != 0);
    case PR_GET_CHILD_SUBREAPER:
      return WriteInt(task, value, (task.signal().flags & kSignalChildSubreaper) != 0 ? 1 : 0);
    case PR_SET_KEEPCAPS:
      return SetKeepCaps(args);
    case PR_GET_KEEPCAPS:
      return GetKeepCaps(args);
    case PR_GET_SECUREBITS:
      return uint64_t{task.cred().securebits};
    case PR_SET_SECUREBITS:
      return SetSecureBits(args);
    case PR_CAPBSET_READ:
      return ReadBounding(args);
    case PR_CAPBSET_DROP:
      return DropBounding(args);
    case PR_CAP_AMBIENT:
      return ChangeAmbient(args);
    case PR_SET_NO_NEW_PRIVS:
      return SetNoNewPrivs(task, args);
    case PR_GET_NO_NEW_PRIVS:
      if (!HasNoMore(args, 1)) {
        return Error(EINVAL);
      }
      return uint64_t{task.no_new_privs ? 1u : 0u};
    case PR_SET_TIMERSLACK:
      SetTimerSlack(task, value);
      return uint64_t{0};
    case PR_GET_TIMERSLACK:
      return task.timer_slack_ns;
    case PR_GET_TID_ADDRESS:
      TRY(WriteUser(*task.mm(), value, task.clear_child_tid));
      return uint64_t{0};
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE:
    case PR_GET_TIMING:
    case PR_GET_SECCOMP:
      return uint64_t{0};
    case PR_SET_THP_DISABLE:
      return SetThpDisable(args);
    case PR_GET_THP_DISABLE:
      if (!HasNoMore(args, 1)) {
        return Error(EINVAL);
      }
      return uint64_t{task.mm()->thp_disable};
    case PR_SET_TIMING:
      return value == 0 ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(Error(EINVAL));
    case proto::kPrFailNth:
    case proto::kPrMark:
      return Own(task, args);
    case proto::kPrForkStrategy:
      return SwapForkStrategy(*task.mm(), value, args.a[2]);
    case PR_GET_TSC:
      return WriteInt(task, value, PR_TSC_ENABLE);
    default:
      return Error(EINVAL);
  }
}

}  // namespace sys
}  // namespace fv::guest
