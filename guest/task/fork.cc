// SPDX-License-Identifier: Apache-2.0
//
// CopyProcess: a child is made piece by piece; every piece that was made is undone by a guard until
// the child is published, which is the last step and cannot fail. Linux's names for Linux's steps.
// docs/life-of-a-fork.md follows one fork through this file.

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/ipc/sysv_sem.h"
#include "guest/lib/mutants.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/user_copy.h"
#include "guest/task/cred.h"
#include "guest/task/fork_clock.h"
#include "guest/task/fork_parts.h"
#include "guest/task/io_context.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/pidfd.h"
#include "guest/task/sched.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

#include <linux/capability.h>

namespace fv::guest {
namespace {

using proto::ForkPhase;

// F06, F07: per user (root and the capable are exempt) and in all.
Status CheckLimits(const Task& parent) {
  const Credentials& cred = parent.cred();
  const bool exempt =
      cred.uid == 0 || cred.Capable(CAP_SYS_ADMIN) || cred.Capable(CAP_SYS_RESOURCE);
  if (!exempt && cred.user->processes >= parent.rlimit(kRlimitNproc)) {
    return Error(EAGAIN);
  }
  return ThreadCount() >= MaxThreads() ? Status(Error(EAGAIN)) : Ok();
}

// F33: the child lives where its namespaces say, which its parent need not do itself.
Status PlaceInNamespaces(const CloneArgs& args, const Task& parent, Task& child) {
  NamespaceSet set = TRY(CopyNamespaces(args.flags, parent));
  child.uts = std::move(set.uts);
  child.pid_for_children = std::move(set.pid_for_children);
  return Ok();
}

Status AllocPid(const CloneArgs& args, const Task& parent, Task& child) {
  const bool permitted = parent.Capable(CAP_CHECKPOINT_RESTORE) || parent.Capable(CAP_SYS_ADMIN);
  Pid* id =
      TRY(AllocatePid(*child.pid_for_children, {args.set_tid, args.set_tid_count, permitted}));
  child.TaskRecord::id = AddressOf(static_cast<proto::PidRecord*>(id));
  child.pid = id->global();
  return Ok();
}

void SetIdentity(const CloneArgs& args, Task& parent, Task& child) {
  const bool thread = (args.flags & kCloneThread) != 0;
  child.tgid = thread ? parent.tgid : child.pid;
  child.TaskRecord::leader = AddressOf(thread ? parent.leader() : &child);
  child.pgid = parent.pgid;
  child.sid = parent.sid;
  if (thread) {
    child.exit_signal = 0;
  } else if ((args.flags & kCloneParent) != 0) {
    child.exit_signal = parent.leader()->exit_signal;
  } else {
    child.exit_signal = static_cast<uint32_t>(args.exit_signal);
    // Its parent is the program that asked for that signal. (Linux: parent_exec_id.)
    child.flags &= ~uint32_t{proto::kTaskParentExeced};
  }
  if (HasMutant(Mutant::kWrongExitSignal)) {
    child.exit_signal = parent.exit_signal;
  }
  child.set_child_tid = (args.flags & kCloneChildSetTid) != 0 ? args.child_tid : 0;
  child.clear_child_tid = (args.flags & kCloneChildClearTid) != 0 ? args.child_tid : 0;
}

// Nothing fails from here on: the child becomes visible (F81-F83).
void Publish(const CloneArgs& args, Task& parent, Task& child) {
  if ((args.flags & kCloneThread) != 0) {
    Task& leader = *parent.leader();
    child.group = {0, 0};  // was a ring of its own
    if (HasMutant(Mutant::kThreadUnlinked)) {
      InitHead(child.group);
    } else {
      InsertBetween(child.group, reinterpret_cast<proto::Link*>(leader.group.prev), &leader.group);
    }
    SignalStruct& signal = parent.signal();
    ++signal.live;
    child.TaskRecord::parent = parent.leader()->TaskRecord::parent;
    JoinGroupStop(child);
  } else {
    Task& reaper = (args.flags & kCloneParent) != 0 ? *parent.leader()->parent() : *parent.leader();
    SetParent(child, reaper);
    child.forker = (args.flags & kCloneParent) != 0 ? parent.leader()->forker : parent.pid;
  }
  if (child.IsLeader() && child.id().At(child.id().level).number == 1) {  // init of a namespace
    SetReaper(ActivePidNamespace(child), &child);
    child.signal().flags |= kSignalUnkillable;
  }
  AttachIds(child);
  if (!HasMutant(Mutant::kChildNotHashed)) {
    HashTask(child);
  }
  if (!HasMutant(Mutant::kVisibleEarly)) {
    PublishTask(child);
  }
  ++Channel().total_forks;
}

// The tid words that the call asked for. A bad address is ignored, as Linux does since 2.6.24.
void WriteTids(const CloneArgs& args, Task& parent, Task& child) {
  if ((args.flags & kCloneParentSetTid) != 0) {
    const uint32_t seen = PidIn(child, ActivePidNamespace(parent));
    (void)WriteUser(*parent.mm(), args.parent_tid, seen).ok();
  }
  if (child.set_child_tid != 0) {
    const uint32_t own = PidIn(child, ActivePidNamespace(child));
    (void)WriteUser(*child.mm(), child.set_child_tid, own).ok();
  }
}

Status RefuseUnsupported(const CloneArgs& args, const Task& parent) {
  const bool by_init = (parent.signal().flags & kSignalUnkillable) != 0;
  TRY(CheckCloneFlags(args.flags, by_init ? ParentKind::kUnkillable : ParentKind::kOrdinary));
  const bool elsewhere = parent.pid_for_children.get() != &ActivePidNamespace(parent);
  if ((args.flags & kCloneThread) != 0 && elsewhere) {
    return Error(EINVAL);  // threads of a group live in one namespace
  }
  if ((args.flags & kCloneIntoCgroup) != 0) {
    return Error(EBADF);
  }
  return Ok();
}

Result<Task*> MakeChild(const CloneArgs& args, Task& parent, ForkClock& clock) {
  TRY(RefuseUnsupported(args, parent));
  LookForSignals(parent);
  if (SignalPending(parent)) {
    return Error(kErestartNoIntr);  // F39: it is seen by the parent alone, then the call restarts
  }
  TRY(CheckLimits(parent));
  clock.Mark(ForkPhase::kEntry);

  Task* child = TRY(DupTaskStruct(parent));
  ScopeGuard undo_task([child] {
    child->usage = 1;
    PutTask(*child);
  });
  ForgetIf(Mutant::kFailKeepsTask, undo_task);
  CopyCreds(parent, *child);
  ScopeGuard undo_creds([child] { --child->cred().user->processes; });
  ForgetIf(Mutant::kFailKeepsCount, undo_creds);
  TRY(PlaceInNamespaces(args, parent, *child));
  TRY(AllocPid(args, parent, *child));
  ScopeGuard undo_pid([child] { AbandonPid(child->id()); });
  ForgetIf(Mutant::kFailKeepsPid, undo_pid);
  SetIdentity(args, parent, *child);
  if (HasMutant(Mutant::kVisibleEarly)) {
    PublishTask(*child);
  }
  clock.Mark(ForkPhase::kTask);

  TRY(CopyIo((args.flags & kCloneIo) != 0 ? IoSharing::kShare : IoSharing::kCopy, parent, *child));
  ScopeGuard undo_semaphores([child] { DropCopiedSemUndo(*child); });
  TRY(CopySemUndo((args.flags & kCloneSysvsem) != 0, parent, *child));
  ScopeGuard undo_files([child] { ExitFiles(*child); });
  ForgetIf(Mutant::kFailKeepsFiles, undo_files);
  TRY(CopyFiles(args.flags, parent, *child));
  TRY(CopyFs(args.flags, parent, *child));
  clock.Mark(ForkPhase::kFiles);

  ScopeGuard undo_signals([child] {
    PutSighand(reinterpret_cast<Sighand*>(child->TaskRecord::sighand));
    PutSignalStruct(reinterpret_cast<SignalStruct*>(child->TaskRecord::signal));
  });
  ForgetIf(Mutant::kFailKeepsSignals, undo_signals);
  TRY(CopySighand(args.flags, parent, *child));
  TRY(CopySignal(args.flags, parent, *child));
  clock.Mark(ForkPhase::kSignals);

  TRY(CopyMm(args, parent, *child, clock.counts));
  ScopeGuard undo_mm([child] { child->mm()->Put(); });
  TRY(CopyThread(args, parent, *child));
  clock.MarkMm();
  if ((args.flags & kClonePidfd) != 0) {
    const uint32_t flags = (args.flags & kCloneThread) != 0 ? kPidfdThread : 0;
    TRY(InstallPidfd(parent, *child, args.pidfd, flags));
  }

  undo_mm.Dismiss();
  undo_signals.Dismiss();
  undo_files.Dismiss();
  undo_semaphores.Dismiss();
  undo_pid.Dismiss();
  undo_creds.Dismiss();
  undo_task.Dismiss();
  Publish(args, parent, *child);
  WriteTids(args, parent, *child);
  clock.Mark(ForkPhase::kPublish);
  return child;
}

}  // namespace

Result<Task*> CopyProcess(const CloneArgs& args) {
  Task& parent = *CurrentTask();
  ReachMoment(proto::FailTrigger::kFork, 0);
  ForkClock clock(args, parent);
  Result<Task*> child = MakeChild(args, parent, clock);
  NoteChange(proto::SafepointKind::kSyscall);
  if (child.ok()) {
    EmitEvent(proto::EventKind::kNewTask, child.value()->parent()->pid,
              child.value()->parent()->tgid, child.value()->pid, child.value()->tgid);
    clock.End(child.value()->pid);
  } else {
    clock.Fail(child.error());
  }
  return child;
}

Result<uint64_t> KernelClone(const CloneArgs& args) {
  Completion done;
  Task* child = TRY(CopyProcess(args));
  const uint32_t pid = PidIn(*child, ActivePidNamespace(*CurrentTask()));
  const bool vfork = (args.flags & kCloneVfork) != 0;
  if (vfork) {
    child->set_vfork_done(&done);
    GetTask(*child);
  }
  WakeUpNewTask(*child);
  if (vfork && HasMutant(Mutant::kVforkEarly)) {
    done.Complete();
  }
  if (vfork) {
    // Only a fatal signal ends the wait early; the child then must not touch this stack (F30).
    Status waited = WaitUntil(
        done.queue, kNoDeadline, [&done] { return done.done; }, WaitKind::kKillable);
    if (!waited.ok()) {
      child->set_vfork_done(nullptr);
    }
    PutTask(*child);
  }
  return uint64_t{pid};
}

}  // namespace fv::guest
