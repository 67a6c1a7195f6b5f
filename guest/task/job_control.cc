// SPDX-License-Identifier: Apache-2.0
//
// Stopping and continuing whole thread groups (signal(7), "stop"; waitpid(2) WUNTRACED). A stop is
// begun by the thread that takes the signal; it is complete when every thread has stopped, and only
// then the parent hears of it.
// Locking: the Sighand's siglock.

#include "guest/task/lifecycle.h"
#include "guest/task/sched.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

// One thread fewer to wait for; the last one completes the stop.
void CountDown(Task& task) {
  SignalStruct& signal = task.signal();
  task.stop_pending = false;
  if (signal.stop_count > 0 && --signal.stop_count == 0) {
    signal.flags |= kSignalStopped;
    signal.flags &= ~static_cast<uint32_t>(kSignalContinued);
    signal.stop_reported = false;
    NotifyParentOfStop(task, kCldStopped);
  }
}

}  // namespace

void BeginGroupStop(Task& task, int signo) {
  SignalStruct& signal = task.signal();
  if ((signal.flags & kSignalGroupExit) != 0 || signal.group_exec != nullptr) {
    return;
  }
  if (signal.stop_count == 0) {
    signal.stop_signal = signo;
    ForEachThread(task, [&signal](Task& thread) {
      if ((thread.flags & kPfExiting) == 0 && thread.state != proto::TaskState::kStopped) {
        thread.stop_pending = true;
        ++signal.stop_count;
        SignalWake(thread, SignalReach::kCatchable);
      }
    });
  }
  DoStop(task);
}

void DoStop(Task& task) {
  if (FatalSignalPending(task)) {
    task.stop_pending = false;
    return;
  }
  CountDown(task);
  task.state = proto::TaskState::kStopped;
  Schedule();
}

void LeaveGroupStop(Task& exiting) {
  if (exiting.stop_pending) {
    CountDown(exiting);
  }
}

void JoinGroupStop(Task& child) {
  SignalStruct& signal = child.signal();
  if (signal.stop_count > 0) {
    child.stop_pending = true;
    ++signal.stop_count;
  }
}

void ContinueGroup(Task& task) {
  SignalStruct& signal = task.signal();
  const bool complete = (signal.flags & kSignalStopped) != 0;
  const bool in_progress = signal.stop_count > 0;
  signal.stop_count = 0;
  ForEachThread(task, [](Task& thread) {
    thread.stop_pending = false;
    WakeStopped(thread);
  });
  if (complete || in_progress) {
    signal.flags &= ~static_cast<uint32_t>(kSignalStopped);
    signal.flags |= kSignalContinued;
    signal.stop_reported = false;
    NotifyParentOfStop(task, kCldContinued);
  }
}

}  // namespace fv::guest
