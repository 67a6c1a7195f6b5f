// SPDX-License-Identifier: Apache-2.0
//
// Family matters: telling parents, new parents for orphans, and taking a dead task out of every
// list. Children hang on the leader of their parent's thread group; `forker` tells whose they are.
// Locking: the tasklist lock for writing, all of it.

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/task/cred.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"
#include "guest/task/wait.h"

namespace fv::guest {
namespace {

using Children = ListView<Task, &proto::TaskRecord::sibling>;

constexpr uint64_t kNsPerClockTick = 10'000'000;

// Who takes the orphans of a dead group: the nearest ancestor in its pid namespace that asked for
// them, or the init of that namespace.
Task& FindNewReaper(Task& leader) {
  const PidNamespace& space = ActivePidNamespace(leader);
  // A parent from outside (setns, then fork) ends the search.
  for (Task* at = leader.parent(); at != nullptr && at->id().level == space.level;
       at = at->parent()) {
    const uint32_t flags = at->signal().flags;
    if ((flags & kSignalChildSubreaper) != 0 && at->signal().live > 0) {
      return *at;
    }
  }
  return *ReaperOf(space);
}

SigInfo ChildSignal(Task& task, int signo, SigChldCode code, int status) {
  const TaskTimes times = GroupTimes(task);
  SigInfo info;
  info.signo = signo;
  info.code = code;
  info.child.pid = static_cast<int32_t>(TgidIn(task, ActivePidNamespace(*task.parent())));
  info.child.uid = task.cred().uid;
  info.child.status = status;
  info.child.utime = static_cast<int64_t>(times.utime_ns / kNsPerClockTick);
  info.child.stime = static_cast<int64_t>(times.stime_ns / kNsPerClockTick);
  return info;
}

SigInfo ExitSignalInfo(Task& task, int signo) {
  const uint32_t code = task.exit_code;
  if ((code & 0x7F) == 0) {
    return ChildSignal(task, signo, kCldExited, static_cast<int>(code >> 8 & 0xFF));
  }
  return ChildSignal(task, signo, (code & 0x80) != 0 ? kCldDumped : kCldKilled,
                     static_cast<int>(code & 0x7F));
}

// The first thread that does not exit; nullptr: none. (Linux: find_alive_thread.)
Task* LivingThread(Task& task) {
  Task* at = task.leader();
  while ((at->flags & kPfExiting) != 0) {
    at = &NextThread(*at);
    if (at == task.leader()) {
      return nullptr;
    }
  }
  return at;
}

// prctl(PR_SET_PDEATHSIG): the current thread, whose child `thread`'s process is, ends. As if it
// called kill(2); a thread that is dead speaks for its process as long as that lives.
void SignalParentDeath(Task& thread) {
  if (thread.pdeath_signal == 0) {
    return;
  }
  const Task& dead = *CurrentTask();
  SigInfo info = UserSignal(thread.pdeath_signal, dead);
  const uint32_t number = TgidIn(dead, ActivePidNamespace(thread));
  info.sender.pid = static_cast<int32_t>(number);
  (void)SendSignal(thread, info, number == 0 ? SignalForce::kYes : SignalForce::kNo).ok();
}

void AdoptChild(Task& child, Task& reaper) {
  Task& old_parent = *child.parent();
  SetParent(child, reaper);
  const Task* thread = LivingThread(reaper);
  child.forker = thread != nullptr ? thread->pid : reaper.pid;
  ForEachThread(child, [&reaper](Task& thread) {
    thread.TaskRecord::parent = AddressOf(&reaper);
    SignalParentDeath(thread);
  });
  child.exit_signal = kSigChld;
  if (child.state == proto::TaskState::kZombie && GroupIsEmpty(child)) {
    if (DoNotifyParent(child, kSigChld)) {
      ReleaseTask(child);
    }
    return;
  }
  // The child's group may just have lost the only parent that could continue it.
  const bool was_link = old_parent.pgid != child.pgid && old_parent.sid == child.sid;
  if (was_link && WillBecomeOrphaned(child.pgid, nullptr) && HasStoppedJobs(child.pgid)) {
    SendSignalToGroup(child.pgid, KernelSignal(kSigHup));
    SendSignalToGroup(child.pgid, KernelSignal(kSigCont));
  }
}

}  // namespace

bool GroupIsEmpty(Task& task) { return &NextThread(task) == &task; }

TaskTimes GroupTimes(Task& task) {
  TaskTimes sum = task.signal().dead_threads;
  ForEachThread(task, [&sum](Task& thread) { sum.Add(thread.times); });
  return sum;
}

bool DoNotifyParent(Task& task, int signo) {
  Task& parent = *task.parent();
  bool release = false;
  task.exit_notified = true;
  // Another program did not ask for that signal.
  if ((task.flags & proto::kTaskParentExeced) != 0) {
    signo = kSigChld;
  }
  if ((parent.flags & kPfKthread) == 0 && parent.has_sighand()) {
    const SigAction& action = parent.sighand().Of(kSigChld);
    if (signo == kSigChld) {
      const bool ignored = action.handler == kSigIgn;
      release = (ignored || (action.flags & kSaNoCldWait) != 0) && !HasMutant(Mutant::kZombieKept);
      if (ignored) {
        signo = 0;
      }
    }
    // clone(2) takes any byte as exit signal; what is none is not sent.
    if (IsValidSignal(signo) && !HasMutant(Mutant::kSigchldLost)) {
      (void)SendSignal(parent, ExitSignalInfo(task, signo)).ok();
    }
  }
  if (release) {
    task.state = proto::TaskState::kDead;
  }
  WakeWaitersFor(task);
  return release;
}

void HandChildrenOver(Task& thread) {
  Children children(thread.leader()->children);
  const Task* heir = LivingThread(thread);
  const Task* last = children.back();
  for (Task* child = heir != nullptr ? children.front() : nullptr; child != nullptr;) {
    Task* next = child != last ? children.Next(*child) : nullptr;
    if (child->forker == thread.pid) {
      child->forker = heir->pid;
      Children::Remove(*child);
      children.PushBack(*child);  // behind the heir's own: wait(2) takes the first
      ForEachThread(*child, SignalParentDeath);
    }
    child = next;
  }
}

void NotifyParentOfStop(Task& task, SigChldCode why) {
  Task& leader = *task.leader();
  Task& parent = *leader.parent();
  if ((parent.flags & kPfKthread) == 0 && parent.has_sighand()) {
    const SigAction& action = parent.sighand().Of(kSigChld);
    if (action.handler != kSigIgn && (action.flags & kSaNoCldStop) == 0) {
      const int status = why == kCldContinued ? kSigCont : task.signal().stop_signal;
      (void)SendSignal(parent, ChildSignal(leader, kSigChld, why, status)).ok();
    }
  }
  WakeWaitersFor(leader);
}

Task* ZombieChildOf(Task& parent) {
  for (Task& child : Children(parent.children)) {
    if (child.state == proto::TaskState::kZombie && GroupIsEmpty(child)) {
      return &child;
    }
  }
  return nullptr;
}

void ForgetOriginalParent(Task& leader) {
  Children children(leader.children);
  if (children.empty() || HasMutant(Mutant::kOrphanForgotten)) {
    return;
  }
  Task& reaper = FindNewReaper(leader);
  while (Task* child = children.front()) {
    AdoptChild(*child, reaper);
  }
}

bool WillBecomeOrphaned(uint32_t pgid, const Task* ignored) {
  Pid* group = FindGlobalPid(pgid);
  if (group == nullptr) {
    return true;
  }
  for (Task& task : GroupMembers(group->group)) {
    const bool counts = &task != ignored &&
                        !(task.state == proto::TaskState::kZombie && GroupIsEmpty(task)) &&
                        task.parent() != nullptr && task.parent()->pid != 1;
    if (counts && task.parent()->pgid != pgid && task.parent()->sid == task.sid) {
      return false;
    }
  }
  return true;
}

bool HasStoppedJobs(uint32_t pgid) {
  Pid* group = FindGlobalPid(pgid);
  if (group == nullptr) {
    return false;
  }
  for (Task& task : GroupMembers(group->group)) {
    if ((task.signal().flags & kSignalStopped) != 0) {
      return true;
    }
  }
  return false;
}

void ReleaseTask(Task& task) {
  EmitEvent(proto::EventKind::kReap, task.pid, task.exit_code);
  Task& leader = *task.leader();
  const bool is_leader = &leader == &task;
  task.cred().user->processes -= HasMutant(Mutant::kUserDrift) ? 0 : 1;
  if (!is_leader) {
    task.signal().dead_threads.Add(task.times);
  }
  FlushPending(task.pending);
  if (is_leader) {
    FlushPending(task.signal().shared_pending);
  }
  UnhashTask(task);
  WithdrawTask(task);
  Children::Remove(task);
  Unlink(task.group);
  task.group = {0, 0};
  task.state = proto::TaskState::kDead;
  PidNamespace& space = ActivePidNamespace(task);
  if (ReaperOf(space) == &task) {
    SetReaper(space, nullptr);
  }
  DetachIds(task);
  SignalStruct& signal = task.signal();
  WaitQueue& exec_wait = signal.exec_wait;
  exec_wait.WakeAll();
  // The last thread of a group whose leader died before it: now the leader can be reported.
  const bool report_leader = !is_leader && leader.state == proto::TaskState::kZombie &&
                             GroupIsEmpty(leader) && signal.group_exec == nullptr;
  PutSighand(&task.sighand());
  task.TaskRecord::sighand = 0;
  task.TaskRecord::signal = 0;
  PutSignalStruct(&signal);
  if (report_leader) {
    leader.id().exit_waiters.WakeAll();
  }
  if (report_leader && DoNotifyParent(leader, static_cast<int>(leader.exit_signal))) {
    ReleaseTask(leader);
  }
  NoteChange(proto::SafepointKind::kExit);
  if (HasMutant(Mutant::kTaskLeaked)) {
    return;
  }
  PutTask(task);
}

}  // namespace fv::guest
