// SPDX-License-Identifier: Apache-2.0
//
// Delivery on the way back to user code: default actions, handlers, and what becomes of the system
// call that the signal interrupted (signal(7), "Interruption of system calls").

#include <linux/sched.h>

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/errno.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/task/core_dump.h"
#include "guest/task/lifecycle.h"
#include "guest/task/rseq.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_frame.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

constexpr uint64_t kSyscallBytes = 2;        // length of the SYSCALL instruction
constexpr uint64_t kNrRestartSyscall = 219;  // restart_syscall
constexpr uint32_t kCoreFlag = 0x80;

struct Deliverable {
  SigInfo info;
  SigAction action;
};

// Where a fault was that nobody handles, for the log (Linux: show_signal_msg).
void LogFault(Task& task, const SigInfo& info) {
  if (info.code > kSiUser && (SigBit(info.signo) & kSynchronous) != 0) {
    Log("pid %u (%s) dies of signal %d: address 0x%lx, rip 0x%lx\n", task.pid, task.comm,
        info.signo, info.fault.address, task.frame().rip);
  }
}

// The process dies of the signal, after a core dump where one is due.
[[noreturn]] void DieOf(Task& task, const SigInfo& info) {
  task.flags |= kPfSignaled;
  LogFault(task, info);
  uint32_t status = static_cast<uint32_t>(info.signo);
  if (IsDefaultCore(info.signo) && DumpCore(task, info)) {
    status |= kCoreFlag;
  }
  DoGroupExit(status);
}

// The default action of a signal that has no handler.
void ActByDefault(Task& task, const SigInfo& info) {
  const int signo = info.signo;
  const bool unkillable = (task.signal().flags & kSignalUnkillable) != 0;
  if (IsDefaultIgnored(signo) || (unkillable && (SigBit(signo) & kUnblockable) == 0)) {
    return;
  }
  if (IsDefaultStop(signo)) {
    // Nobody could continue an orphaned group: only SIGSTOP stops it (POSIX 2.4.3).
    if (signo == kSigStop || !IsOrphanedGroup(task.pgid)) {
      BeginGroupStop(task, signo);
    }
    return;
  }
  DieOf(task, info);
}

// The next signal with a handler. False: none is left.
bool NextHandler(Task& task, Deliverable& out) {
  for (;;) {
    if (FatalSignalPending(task)) {
      RemovePending(task.pending, SigBit(kSigKill));  // a timer may have queued it
      DieOf(task, KernelSignal(kSigKill));
    }
    if (task.stop_pending) {
      DoStop(task);
      continue;
    }
    const int signo = DequeueForDelivery(task, out.info);
    if (signo == 0) {
      return false;
    }
    SigAction& action = task.sighand().Of(signo);
    if (action.handler == kSigIgn) {
      continue;
    }
    if (action.handler == kSigDfl) {
      ActByDefault(task, out.info);
      continue;
    }
    out.action = action;
    if ((action.flags & kSaResetHand) != 0) {
      action.handler = kSigDfl;
    }
    return true;
  }
}

bool InSyscall(const TrapFrame& frame) { return frame.orig_rax != ~uint64_t{0}; }

void Repeat(TrapFrame& frame, uint64_t number) {
  frame.rax = number;
  frame.rip -= kSyscallBytes;
  frame.orig_rax = ~uint64_t{0};
}

// What the interrupted call returns, or its repetition, when a handler runs first.
void SettleSyscallForHandler(TrapFrame& frame, const SigAction& action) {
  if (!InSyscall(frame)) {
    return;
  }
  switch (-static_cast<int64_t>(frame.rax)) {
    case kErestartNoHand:
    case kErestartBlock:
      frame.rax = static_cast<uint64_t>(-EINTR);
      break;
    case kErestartSys:
      if ((action.flags & kSaRestart) == 0) {
        frame.rax = static_cast<uint64_t>(-EINTR);
        break;
      }
      [[fallthrough]];
    case kErestartNoIntr:
      Repeat(frame, frame.orig_rax);
      break;
    default:
      break;
  }
}

void SettleSyscallWithoutHandler(TrapFrame& frame) {
  if (!InSyscall(frame)) {
    return;
  }
  switch (-static_cast<int64_t>(frame.rax)) {
    case kErestartNoHand:
    case kErestartSys:
    case kErestartNoIntr:
      Repeat(frame, frame.orig_rax);
      break;
    case kErestartBlock:
      Repeat(frame, kNrRestartSyscall);
      break;
    default:
      break;
  }
}

void EnterHandler(Task& task, TrapFrame& frame, const Deliverable& signal) {
  SettleSyscallForHandler(frame, signal.action);
  if (task.rseq_area != 0) {
    InterruptRseq(task, frame, signal.info.signo);
  }
  const SigSet old_mask = task.restore_mask ? task.saved_mask : task.blocked;
  const Status status = SetUpSignalFrame(task, frame, signal.action, signal.info, old_mask);
  if (!status.ok()) {
    ForceSegv(task, signal.info.signo);
    return;
  }
  EmitEvent(proto::EventKind::kHandler, signal.info.signo, signal.action.handler);
  task.restore_mask = false;
  SigSet blocked = task.blocked | signal.action.mask;
  if ((signal.action.flags & kSaNoDefer) == 0) {
    blocked |= SigBit(signal.info.signo);
  }
  SetBlocked(task, blocked);
}

}  // namespace

void DeliverSignals(TrapFrame& frame) {
  Task& task = *CurrentTask();
  Deliverable signal;
  while (SignalPending(task)) {
    if (!NextHandler(task, signal)) {
      break;
    }
    EnterHandler(task, frame, signal);
  }
  SettleSyscallWithoutHandler(frame);
  RestoreTemporaryMask(task);
}

void ResetHandlers(Sighand& sighand) {
  for (SigAction& action : sighand.action) {
    const uint64_t handler = action.handler == kSigIgn ? kSigIgn : kSigDfl;
    action = SigAction{handler, 0, 0, 0};
  }
}

void ResetSignalsForExec(Task& task) {
  ResetHandlers(task.sighand());
  task.altstack = SigStack{0, kSsDisable, 0, 0};
  task.restore_mask = false;
}

}  // namespace fv::guest
