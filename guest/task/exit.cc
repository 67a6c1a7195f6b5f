// SPDX-License-Identifier: Apache-2.0
//
// The end of a task (_exit(2), exit_group(2), fatal signals), up to the point where it waits for
// its parent or releases itself. What is left is dropped by FinishSwitch on another task's stack.

#include "guest/arch/arch.h"
#include "guest/fs/fd_table.h"
#include "guest/fs/file.h"
#include "guest/fs/fs_context.h"
#include "guest/fs/tty.h"
#include "guest/introspect/introspect.h"
#include "guest/ipc/futex.h"
#include "guest/ipc/futex_pi.h"
#include "guest/ipc/sysv_sem.h"
#include "guest/lib/mutants.h"
#include "guest/lib/print.h"
#include "guest/mm/user_copy.h"
#include "guest/task/cred.h"
#include "guest/task/io_context.h"
#include "guest/task/lifecycle.h"
#include "guest/task/oom.h"
#include "guest/task/pid.h"
#include "guest/task/sched.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

void ExitMm(Task& task) {
  Mm* mm = task.mm();
  if (mm == nullptr) {
    return;
  }
  MmRelease(task);
  TaskTimes& dead = task.signal().dead_threads;
  dead.max_rss_pages = MaxRss(dead.max_rss_pages, *mm);
  SaveUserRegisters(task);
  ForgetUserRegisters(task);
  task.set_mm(nullptr);
  LeaveUserRoot();
  if (HasMutant(Mutant::kExitKeepsMm)) {
    return;
  }
  mm->Put();
}

// The last thread of a session leader: the terminal is given up, its foreground jobs learn of it
// (credentials(7), "Sessions"; _exit(2)).
void LeaveTerminal(Task& task) {
  const bool session_leader = task.sid == task.tgid;
  if (!session_leader) {
    return;
  }
  if ((task.signal().flags & kSignalHasTty) != 0) {
    LeaveTtyOfSession(task.sid, LeaveReason::kExit);
    return;
  }
  // It hung up before.
  if (const uint32_t foreground = task.signal().lost_foreground; foreground != 0) {
    SendSignalToGroup(foreground, KernelSignal(kSigHup));
    SendSignalToGroup(foreground, KernelSignal(kSigCont));
  }
}

// POSIX: when an exit orphans a process group with stopped members, they get SIGHUP and SIGCONT.
void HangUpOrphanedGroup(Task& task) {
  Task* parent = task.parent();
  if (parent == nullptr || parent->pgid == task.pgid || parent->sid != task.sid) {
    return;
  }
  // init is nobody's shell: a child that it has inherited connects its group to nothing, although
  // the first program runs in init's session.
  if (parent->pid == 1) {
    return;
  }
  if (WillBecomeOrphaned(task.pgid, &task) && HasStoppedJobs(task.pgid)) {
    SendSignalToGroup(task.pgid, KernelSignal(kSigHup));
    SendSignalToGroup(task.pgid, KernelSignal(kSigCont));
  }
}

// What a parent may learn, or self-release. Returns true if the task is to be released at once.
bool ExitNotify(Task& task, bool group_dead) {
  if (group_dead) {
    ForgetOriginalParent(*task.leader());
    HangUpOrphanedGroup(*task.leader());
  } else {
    HandChildrenOver(task);
  }
  task.state = proto::TaskState::kZombie;
  if (!task.IsLeader()) {
    return true;
  }
  task.signal().exec_wait.WakeAll();
  // A leader that dies before its threads is reported by the last of them.
  return GroupIsEmpty(task) && DoNotifyParent(task, static_cast<int>(task.exit_signal));
}

}  // namespace

uint64_t MaxRss(uint64_t so_far, const Mm& mm) {
  const uint64_t now = mm.anon_pages + mm.file_pages;
  const uint64_t high = mm.hiwater_rss > now ? mm.hiwater_rss : now;
  return high > so_far ? high : so_far;
}

void MmRelease(Task& task) {
  Mm* mm = task.mm();
  if (mm == nullptr) {
    return;
  }
  if (!HasMutant(Mutant::kRobustSkipped)) {
    ExitRobustList(task);
  }
  ExitPiFutexes(task);
  if (task.clear_child_tid != 0) {
    // Only others who share the memory can be waiting for it.
    if (mm->users > 1 && !HasMutant(Mutant::kTidKept)) {
      if (WriteUser(*mm, task.clear_child_tid, uint32_t{0}).ok()) {
        WakeFutex(*mm, task.clear_child_tid, 1);
      }
    }
    task.clear_child_tid = 0;
  }
  if (Completion* done = task.vfork_done()) {
    task.set_vfork_done(nullptr);
    done->Complete();
  }
}

void ExitFiles(Task& task) {
  if (FdTable* files = task.files_or_null();
      files != nullptr && !HasMutant(Mutant::kExitKeepsFiles)) {
    task.set_files(nullptr);
    files->Release();
  }
  if (FsContext* fs = task.fs_or_null(); fs != nullptr && !HasMutant(Mutant::kExitKeepsDirectory)) {
    task.set_fs(nullptr);
    fs->Release();
  }
  if (File* exe = task.exe_file()) {
    task.set_exe_file(nullptr);
    if (!HasMutant(Mutant::kExitKeepsProgram)) {
      exe->Release();
    }
  }
}

void DoExit(uint32_t status) {
  Task& task = *CurrentTask();
  SignalStruct& signal = task.signal();
  task.flags |= kPfExiting;
  RetargetSignals(task, ~task.blocked);
  task.exit_code = status;
  EmitEvent(proto::EventKind::kExit, status, task.exit_signal, task.tgid,
            task.parent() != nullptr ? task.parent()->pid : 0);
  const bool group_dead = --signal.live == 0;
  if (HasMutant(Mutant::kCountsThreadLive) && !group_dead) {
    ++signal.live;
  }
  LeaveGroupStop(task);
  if (group_dead) {
    if (!HasMutant(Mutant::kTimerLeft)) {
      CancelTimer(signal.real_timer);
    }
    DropPosixTimers(signal);
    // Without an exit_group the last thread's status is the group's. (Linux since 5.18:
    // synchronize_group_exit.)
    if ((signal.flags & kSignalGroupExit) == 0) {
      signal.flags |= kSignalGroupExit;
      signal.group_exit_code = status;
    }
    task.leader()->exit_code = signal.group_exit_code;
  }
  CancelTimer(task.sleep_timer);
  ExitMm(task);
  ExitSemUndo(task);
  ExitFiles(task);
  if ((signal.flags & kSignalOomVictim) != 0) {
    WakeWaitersForMemory();
  }
  if (group_dead) {
    LeaveTerminal(*task.leader());
  }
  task.uts = nullptr;
  task.pid_for_children = nullptr;
  if (group_dead && ReaperOf(ActivePidNamespace(task)) == task.leader()) {
    EndPidNamespace(task);
  }
  ExitIo(task);
  AccountKernelTime();
  const bool release = ExitNotify(task, group_dead);
  NoteChange(proto::SafepointKind::kExit);
  task.id().exit_waiters.WakeAll();
  if (release) {
    ReleaseTask(task);
  }
  Schedule();
  Panic("a dead task (pid %u) ran again", task.pid);
}

void DoGroupExit(uint32_t status) {
  Task& task = *CurrentTask();
  SignalStruct& signal = task.signal();
  if ((signal.flags & kSignalGroupExit) != 0) {
    status = signal.group_exit_code;
  } else if (signal.group_exec != nullptr) {
    status = 0;  // another thread execs: this one just goes
  } else if (!GroupIsEmpty(task)) {
    signal.flags |= kSignalGroupExit;
    signal.group_exit_code = status;
    ZapOtherThreads(task);
  }
  DoExit(status);
}

}  // namespace fv::guest
