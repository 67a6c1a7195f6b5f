// SPDX-License-Identifier: Apache-2.0
//
// Actions, masks and waiting: rt_sigaction(2), rt_sigprocmask(2), rt_sigpending(2),
// rt_sigsuspend(2), rt_sigtimedwait(2), sigaltstack(2), rt_sigreturn(2), pause(2),
// restart_syscall(2).

#include "guest/arch/arch.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/rusage.h"
#include "guest/syscall/syscall.h"
#include "guest/task/altstack.h"
#include "guest/task/sched.h"
#include "guest/task/signal_frame.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kKnownActionFlags = kSaNoCldStop | kSaNoCldWait | kSaSigInfo | kSaOnStack |
                                       kSaRestart | kSaNoDefer | kSaResetHand | kSaRestorer |
                                       kSaExposeTagBits;

enum MaskHow : int { kSigBlock = 0, kSigUnblock = 1, kSigSetmask = 2 };

Status CheckSetSize(uint64_t bytes) {
  return bytes == sizeof(SigSet) ? Ok() : Status(Error(EINVAL));
}

// Waits for a signal of `wanted`; 0 if the deadline passed. Errors: EINTR (another signal).
Result<uint64_t> WaitForSignal(Task& task, SigSet wanted, uint64_t deadline_ns, SigInfo& info) {
  int signo = DequeueSignal(task, wanted, info);
  if (signo == 0 && deadline_ns > MonotonicNs()) {
    // The wanted signals wake the sleep although they are blocked.
    task.real_blocked = task.blocked;
    task.blocked &= ~wanted;
    LookForSignals(task);
    PrepareToWait(WaitKind::kInterruptible);
    bool in_time = true;
    while (in_time && !SignalPending(task)) {
      in_time = ScheduleUntil(deadline_ns);
      if (in_time && !SignalPending(task)) {
        PrepareToWait(WaitKind::kInterruptible);
      }
    }
    FinishWait();
    SetBlocked(task, task.real_blocked);
    task.real_blocked = 0;
    signo = DequeueSignal(task, wanted, info);
    if (signo == 0 && in_time) {
      return Error(EINTR);
    }
  }
  return signo == 0 ? Result<uint64_t>(Error(EAGAIN))
                    : Result<uint64_t>(static_cast<uint64_t>(signo));
}

}  // namespace

namespace sys {

// rt_sigaction(signo, new, old, setsize)
Result<uint64_t> rt_sigaction(const SyscallArgs& args) {
  Task& task = args.task;
  const int signo = args.Int(0);
  TRY(CheckSetSize(args.a[3]));
  SigAction wanted{};
  if (args.a[1] != 0) {
    wanted = TRY(ReadUser<SigAction>(*task.mm(), args.a[1]));
  }
  const bool fixed = signo == kSigKill || signo == kSigStop;
  if (!IsValidSignal(signo) || (args.a[1] != 0 && fixed)) {
    return Error(EINVAL);
  }
  SigAction& action = task.sighand().Of(signo);
  const SigAction old = action;
  if (args.a[1] != 0) {
    wanted.flags &= kKnownActionFlags;
    wanted.mask &= ~kUnblockable;
    action = wanted;
    DiscardIgnored(task, signo);
  }
  if (args.a[2] != 0) {
    TRY(WriteUser(*task.mm(), args.a[2], old));
  }
  return uint64_t{0};
}

// rt_sigprocmask(how, new, old, setsize)
Result<uint64_t> rt_sigprocmask(const SyscallArgs& args) {
  Task& task = args.task;
  TRY(CheckSetSize(args.a[3]));
  const SigSet old = task.blocked;
  if (args.a[1] != 0) {
    const SigSet set = TRY(ReadUser<SigSet>(*task.mm(), args.a[1]));
    switch (args.Int(0)) {
      case kSigBlock:
        SetBlocked(task, old | set);
        break;
      case kSigUnblock:
        SetBlocked(task, old & ~set);
        break;
      case kSigSetmask:
        SetBlocked(task, set);
        break;
      default:
        return Error(EINVAL);
    }
  }
  if (args.a[2] != 0) {
    TRY(WriteUser(*task.mm(), args.a[2], old));
  }
  return uint64_t{0};
}

Result<uint64_t> rt_sigpending(const SyscallArgs& args) {
  if (args.a[1] > sizeof(SigSet)) {
    return Error(EINVAL);
  }
  const Task& task = args.task;
  const SigSet pending = (task.pending.set | task.signal().shared_pending.set) & task.blocked;
  TRY(CopyToUser(*task.mm(), args.a[0], &pending, args.a[1]));
  return uint64_t{0};
}

Result<uint64_t> rt_sigsuspend(const SyscallArgs& args) {
  TRY(CheckSetSize(args.a[1]));
  const SigSet mask = TRY(ReadUser<SigSet>(*args.task.mm(), args.a[0]));
  SetTemporaryMask(args.task, mask);
  return pause(args);
}

Result<uint64_t> pause(const SyscallArgs& args) {
  while (!SignalPending(args.task)) {
    PrepareToWait(WaitKind::kInterruptible);
    Schedule();
  }
  FinishWait();
  return Error(kErestartNoHand);
}

// rt_sigtimedwait(set, info, timeout, setsize)
Result<uint64_t> rt_sigtimedwait(const SyscallArgs& args) {
  Task& task = args.task;
  TRY(CheckSetSize(args.a[3]));
  const SigSet wanted = TRY(ReadUser<SigSet>(*task.mm(), args.a[0])) & ~kUnblockable;
  uint64_t deadline = kNoDeadline;
  if (args.a[2] != 0) {
    const Timespec timeout = TRY(ReadUser<Timespec>(*task.mm(), args.a[2]));
    deadline = MonotonicNs() + TRY(NsOf(timeout));
  }
  SigInfo info;
  const uint64_t signo = TRY(WaitForSignal(task, wanted, deadline, info));
  if (args.a[1] != 0) {
    TRY(WriteUser(*task.mm(), args.a[1], info));
  }
  return signo;
}

Result<uint64_t> sigaltstack(const SyscallArgs& args) {
  Task& task = args.task;
  SigStack old = task.altstack;
  if (old.size != 0 && (old.flags & kSsDisable) == 0 && OnAlternateStack(task, args.frame.rsp)) {
    old.flags |= kSsOnStack;
  }
  if (args.a[0] != 0) {
    const SigStack wanted = TRY(ReadUser<SigStack>(*task.mm(), args.a[0]));
    TRY(SetAlternateStack(task, wanted, args.frame.rsp));
  }
  if (args.a[1] != 0) {
    TRY(WriteUser(*task.mm(), args.a[1], old));
  }
  return uint64_t{0};
}

Result<uint64_t> rt_sigreturn(const SyscallArgs& args) {
  if (!RestoreSignalFrame(args.task, args.frame).ok()) {
    args.frame.orig_rax = ~uint64_t{0};
    ForceSignal(KernelSignal(kSigSegv));
    return uint64_t{0};
  }
  return args.frame.rax;
}

Result<uint64_t> restart_syscall(const SyscallArgs& args) {
  const RestartBlock block = args.task.restart;
  return block.resume == nullptr ? Result<uint64_t>(Error(EINTR)) : block.resume(args.task);
}

}  // namespace sys
}  // namespace fv::guest
