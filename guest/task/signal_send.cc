// SPDX-License-Identifier: Apache-2.0
//
// Sending signals: who gets one, what it does at once (SIGKILL, SIGCONT, stops), and the questions
// that others ask about pending signals.

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/task/cred.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/sched.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/signalfd.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

constexpr SigSet kDefaultIgnored =
    SigBit(kSigChld) | SigBit(kSigCont) | SigBit(kSigUrg) | SigBit(kSigWinch);
constexpr SigSet kDefaultCore =
    SigBit(kSigQuit) | SigBit(kSigIll) | SigBit(kSigTrap) | SigBit(kSigAbrt) | SigBit(kSigFpe) |
    SigBit(kSigSegv) | SigBit(kSigBus) | SigBit(kSigSys) | SigBit(kSigXcpu) | SigBit(kSigXfsz);

using Scope = SignalScope;

// Its default action ends the process, and nothing stands in the way.
bool IsFatalNow(Task& task, int signo) {
  if (task.sighand().Of(signo).handler != kSigDfl) {
    return false;
  }
  return !IsDefaultIgnored(signo) && !IsDefaultStop(signo);
}

// What an init must not ignore: SIGKILL and SIGSTOP from the kernel or from an ancestor namespace.
// SIGKILL and SIGSTOP from within its own mean nothing to it (pid_namespaces(7)).
bool IgnoredAtSending(Task& task, int signo, SignalForce force) {
  const bool imposed = force == SignalForce::kYes && (SigBit(signo) & kUnblockable) != 0;
  return !imposed && SignalIgnored(task, signo);
}

// Job control happens at sending, blocked or not. Returns false if the signal is to be dropped.
bool Prepare(Task& task, int signo, SignalForce force) {
  SignalStruct& signal = task.signal();
  if ((signal.flags & kSignalGroupExit) != 0) {
    return signo == kSigKill;
  }
  if ((SigBit(signo) & kStopSignals) != 0) {
    RemovePending(signal.shared_pending, SigBit(kSigCont));
    ForEachThread(task, [](Task& thread) { RemovePending(thread.pending, SigBit(kSigCont)); });
  } else if (signo == kSigCont) {
    RemovePending(signal.shared_pending, kStopSignals);
    ForEachThread(task, [](Task& thread) { RemovePending(thread.pending, kStopSignals); });
    ContinueGroup(task);
  }
  const SigSet bit = HasMutant(Mutant::kSignalShift) ? SigSet(1 << (signo - 1)) : SigBit(signo);
  if (((task.blocked | task.real_blocked) & bit) != 0) {
    return true;  // it may be unblocked with another action in place
  }
  return !IgnoredAtSending(task, signo, force);
}

bool Wants(const Task& task, int signo) {
  if ((task.blocked & SigBit(signo)) != 0 || (task.flags & kPfExiting) != 0) {
    return false;
  }
  if (signo == kSigKill) {
    return true;
  }
  // Who sleeps with other signals before it takes this one after them: it does not end a wait that
  // only SIGKILL may (vfork's). (Linux: wants_signal.)
  return task.state != proto::TaskState::kStopped &&
         (&task == CurrentTask() || !SignalPending(task));
}

// The thread to wake: the addressed one if it wants it, else the first that does.
Task* ChooseThread(Task& task, int signo, Scope scope) {
  if (Wants(task, signo)) {
    return &task;
  }
  if (scope == Scope::kThread) {
    return nullptr;
  }
  for (Task* at = &NextThread(task); at != &task; at = &NextThread(*at)) {
    if (Wants(*at, signo)) {
      return at;
    }
  }
  return nullptr;
}

void KillGroup(Task& task, int signo) {
  SignalStruct& signal = task.signal();
  signal.flags |= kSignalGroupExit;
  signal.group_exit_code = static_cast<uint32_t>(signo);
  signal.stop_count = 0;
  ForEachThread(task, [](Task& thread) {
    thread.stop_pending = false;
    thread.pending.set |= SigBit(kSigKill);
    SignalWake(thread, SignalReach::kFatal);
  });
}

void Complete(Task& task, int signo, Scope scope) {
  Task* chosen = ChooseThread(task, signo, scope);
  if (chosen == nullptr) {
    return;
  }
  const bool awaited = (chosen->real_blocked & SigBit(signo)) != 0;  // sigtimedwait takes it
  const bool at_once = signo == kSigKill || (!IsDefaultCore(signo) && !awaited);
  if (at_once && IsFatalNow(*chosen, signo) && (chosen->signal().flags & kSignalGroupExit) == 0) {
    KillGroup(*chosen, signo);
    return;
  }
  SignalWake(*chosen, signo == kSigKill ? SignalReach::kFatal : SignalReach::kCatchable);
}

Status Send(Task& task, const SigInfo& info, Scope scope, SignalForce force,
            SigQueueEntry* reserved = nullptr) {
  if (!IsValidSignal(info.signo)) {
    return Error(EINVAL);
  }
  if ((task.flags & kPfKthread) != 0 || !task.has_sighand() ||
      task.state == proto::TaskState::kDead) {
    return Ok();
  }
  EmitEvent(proto::EventKind::kSignal, static_cast<uint64_t>(info.signo), task.pid,
            static_cast<uint64_t>(info.code));
  if (!Prepare(task, info.signo, info.code == kSiKernel ? SignalForce::kYes : force)) {
    return Ok();
  }
  SigPending& pending = scope == Scope::kGroup ? task.signal().shared_pending : task.pending;
  TRY(QueueSignal(task, pending, info, reserved));
  WakeSignalfds();
  Complete(task, info.signo, scope);
  return Ok();
}

}  // namespace

bool IsDefaultIgnored(int signo) {
  return signo < kSigRtMin && (SigBit(signo) & kDefaultIgnored) != 0;
}
bool IsDefaultStop(int signo) { return (SigBit(signo) & kStopSignals) != 0; }
bool IsDefaultCore(int signo) { return (SigBit(signo) & kDefaultCore) != 0; }

bool SignalIgnored(Task& task, int signo) {
  const uint64_t handler = task.sighand().Of(signo).handler;
  const bool unkillable = (task.signal().flags & kSignalUnkillable) != 0;
  return handler == kSigIgn || (handler == kSigDfl && (unkillable || IsDefaultIgnored(signo)));
}

void DiscardIgnored(Task& task, int signo) {
  if (!SignalIgnored(task, signo)) {
    return;
  }
  RemovePending(task.signal().shared_pending, SigBit(signo));
  ForEachThread(task, [signo](Task& thread) { RemovePending(thread.pending, SigBit(signo)); });
}

void ZapOtherThreads(Task& task) {
  task.signal().stop_count = 0;
  ForEachThread(task, [&task](Task& thread) {
    thread.stop_pending = false;
    if (&thread != &task && thread.state != proto::TaskState::kZombie) {
      thread.pending.set |= SigBit(kSigKill);
      SignalWake(thread, SignalReach::kFatal);
    }
  });
}

SigInfo KernelSignal(int signo) {
  SigInfo info;
  info.signo = signo;
  info.code = kSiKernel;
  return info;
}

SigInfo UserSignal(int signo, const Task& sender) {
  SigInfo info;
  info.signo = signo;
  info.code = kSiUser;
  info.sender.pid = static_cast<int32_t>(TgidIn(sender, ActivePidNamespace(sender)));
  info.sender.uid = sender.cred().uid;
  return info;
}

Status SendSignal(Task& target, const SigInfo& info, SignalForce force) {
  return Send(target, info, Scope::kGroup, force);
}

Status SendSignalToThread(Task& target, const SigInfo& info, SignalForce force) {
  return Send(target, info, Scope::kThread, force);
}

Status SendReserved(Task& target, const SigInfo& info, SignalScope scope, SigQueueEntry& entry) {
  return Send(target, info, scope, SignalForce::kNo, &entry);
}

unsigned SendSignalToGroup(uint32_t pgid, const SigInfo& info) {
  Pid* group = FindGlobalPid(pgid);
  if (group == nullptr) {
    return 0;
  }
  unsigned sent = 0;
  for (Task& task : GroupMembers(group->group)) {
    if ((task.flags & kPfKthread) == 0) {
      (void)SendSignal(task, info).ok();
      ++sent;
    }
  }
  return sent;
}

void ForceSignal(const SigInfo& info) {
  Task& task = *CurrentTask();
  SigAction& action = task.sighand().Of(info.signo);
  const bool blocked = (task.blocked & SigBit(info.signo)) != 0;
  if (blocked || action.handler == kSigIgn) {
    action.handler = kSigDfl;
    task.blocked &= ~SigBit(info.signo);
  }
  if (action.handler == kSigDfl) {
    task.signal().flags &= ~static_cast<uint32_t>(kSignalUnkillable);
  }
  (void)Send(task, info, Scope::kThread, SignalForce::kNo).ok();
}

void ForceFatalSignal(Task& task, int signo) {
  task.sighand().Of(signo).handler = kSigDfl;
  task.blocked &= ~SigBit(signo);
  (void)Send(task, KernelSignal(signo), Scope::kThread, SignalForce::kNo).ok();
}

void ForceSegv(Task& task, int signo) {
  if (signo == kSigSegv) {
    task.sighand().Of(kSigSegv).handler = kSigDfl;
  }
  ForceSignal(KernelSignal(kSigSegv));
}

bool SignalPending(const Task& task) { return task.notified || task.stop_pending; }

void LookForSignals(Task& task) {
  const SigSet pending = task.pending.set | task.signal().shared_pending.set;
  task.notified = (pending & ~task.blocked) != 0;
}

void RetargetSignals(Task& task, SigSet signals) {
  SigSet left = task.notified ? task.signal().shared_pending.set & signals : 0;
  for (Task* at = &NextThread(task); left != 0 && at != &task; at = &NextThread(*at)) {
    if ((at->flags & kPfExiting) == 0 && (left & ~at->blocked) != 0) {
      left &= at->blocked;
      if (!SignalPending(*at)) {
        SignalWake(*at, SignalReach::kCatchable);
      }
    }
  }
}

bool FatalSignalPending(const Task& task) { return (task.pending.set & SigBit(kSigKill)) != 0; }

bool SignalBlockedOrIgnored(Task& task, int signo) {
  return (task.blocked & SigBit(signo)) != 0 || task.sighand().Of(signo).handler == kSigIgn;
}

bool IsOrphanedGroup(uint32_t pgid) { return WillBecomeOrphaned(pgid, nullptr); }

void SetBlocked(Task& task, SigSet mask) {
  const SigSet newly = mask & ~kUnblockable & ~task.blocked;
  task.blocked = mask & ~kUnblockable;
  RetargetSignals(task, newly);
  LookForSignals(task);
}

void SetTemporaryMask(Task& task, SigSet mask) {
  task.saved_mask = task.blocked;
  task.restore_mask = true;
  SetBlocked(task, mask);
}

void RestoreTemporaryMask(Task& task) {
  if (task.restore_mask) {
    task.restore_mask = false;
    SetBlocked(task, task.saved_mask);
  }
}

}  // namespace fv::guest
