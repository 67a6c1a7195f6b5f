// SPDX-License-Identifier: Apache-2.0
//
// The children of a process, in order of birth: the first that has something to tell is taken. A
// caller that finds none sleeps on its process's queue and looks again.

#include "guest/task/wait.h"

#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

using Children = ListView<Task, &proto::TaskRecord::sibling>;

constexpr uint32_t kStatusStopped = 0x7F;
constexpr uint32_t kStatusContinued = 0xFFFF;

// The thread that forked it is the caller, or has gone and left it to all.
bool MadeBy(const Task& child, const Task& caller) {
  const Task* forker = FindTask(child.forker);
  return forker == &caller || forker == nullptr || forker->tgid != caller.tgid ||
         (forker->flags & kPfExiting) != 0;
}

bool IsAskedFor(const Task& child, const WaitRequest& request, const Task& caller) {
  if (request.whom == WaitFor::kPid && child.pid != request.id) {
    return false;
  }
  if (request.whom == WaitFor::kGroup && child.pgid != request.id) {
    return false;
  }
  return (request.options & kWnothread) == 0 || MadeBy(child, caller);
}

bool Eligible(const Task& child, const WaitRequest& request) {
  if (!IsAskedFor(child, request, *CurrentTask())) {
    return false;
  }
  if ((request.options & kWall) != 0) {
    return true;
  }
  const bool clone_child = child.exit_signal != kSigChld;
  return clone_child == ((request.options & kWclone) != 0);
}

WaitOutcome Describe(Task& child) {
  WaitOutcome outcome;
  outcome.pid = PidIn(child, ActivePidNamespace(*CurrentTask()));
  outcome.uid = child.cred().uid;
  outcome.times = GroupTimes(child);
  outcome.times.Add(child.signal().children);
  return outcome;
}

WaitOutcome Reap(Task& child, const WaitRequest& request) {
  WaitOutcome outcome = Describe(child);
  outcome.status = child.exit_code;
  const uint32_t killed = child.exit_code & 0x7F;
  outcome.code = killed == 0 ? kCldExited : (child.exit_code & 0x80) != 0 ? kCldDumped : kCldKilled;
  if ((request.options & kWnowait) == 0) {
    CurrentTask()->signal().children.Add(outcome.times);
    ReleaseTask(child);
  }
  return outcome;
}

// Fills `outcome` if `child` has something that the request asks for.
bool Report(Task& child, const WaitRequest& request, WaitOutcome& outcome) {
  SignalStruct& signal = child.signal();
  const bool keep = (request.options & kWnowait) != 0;
  if (child.state == proto::TaskState::kZombie && GroupIsEmpty(child)) {
    if ((request.options & kWexited) == 0) {
      return false;
    }
    outcome = Reap(child, request);
    return true;
  }
  // From the moment it is killed, a stop or a continuation is no news.
  if ((signal.flags & kSignalGroupExit) != 0) {
    return false;
  }
  const bool stopped = (signal.flags & kSignalStopped) != 0 && !signal.stop_reported;
  if ((request.options & kWstopped) != 0 && stopped) {
    outcome = Describe(child);
    outcome.status = static_cast<uint32_t>(signal.stop_signal) << 8 | kStatusStopped;
    outcome.code = kCldStopped;
    signal.stop_reported = !keep;
    return true;
  }
  if ((request.options & kWcontinued) != 0 && (signal.flags & kSignalContinued) != 0) {
    outcome = Describe(child);
    outcome.status = kStatusContinued;
    outcome.code = kCldContinued;
    if (!keep) {
      signal.flags &= ~static_cast<uint32_t>(kSignalContinued);
    }
    return true;
  }
  return false;
}

enum class Scan { kReported, kNothingYet, kNoChild };

Scan ScanChildren(Task& leader, const WaitRequest& request, WaitOutcome& outcome) {
  bool eligible = false;
  for (Task& child : Children(leader.children)) {
    if (!Eligible(child, request) || child.state == proto::TaskState::kDead) {
      continue;
    }
    if (Report(child, request, outcome)) {
      return Scan::kReported;
    }
    // One that is dead will never have other news: who asks for those has no child in it.
    const bool dead = child.state == proto::TaskState::kZombie && GroupIsEmpty(child);
    eligible = eligible || !dead;
  }
  return eligible ? Scan::kNothingYet : Scan::kNoChild;
}

}  // namespace

int32_t WaitOutcome::detail() const {
  switch (code) {
    case kCldExited:
    case kCldStopped:
      return static_cast<int32_t>(status >> 8 & 0xFF);
    case kCldContinued:
      return kSigCont;
    default:
      return static_cast<int32_t>(status & 0x7F);
  }
}

void WakeWaitersFor(Task& child) {
  auto& waiters = child.parent()->signal().child_exit.waiters();
  for (Waiter* waiter = waiters.front(); waiter != nullptr;) {
    Waiter* next = waiters.Next(*waiter);
    // Those without a request wait for the end of a namespace.
    const auto* request = reinterpret_cast<const WaitRequest*>(waiter->key);
    if (request == nullptr || IsAskedFor(child, *request, *waiter->task)) {
      WaitQueue::Remove(*waiter);
      waiter->woken = true;
      WakeTask(*waiter->task);
    }
    waiter = next;
  }
}

Result<WaitOutcome> WaitForChild(const WaitRequest& request) {
  Task& leader = *CurrentTask()->leader();
  WaitOutcome outcome;
  Scan scan = ScanChildren(leader, request, outcome);
  if (scan == Scan::kNothingYet && (request.options & kWnohang) == 0) {
    TRY(WaitUntil(
        leader.signal().child_exit, kNoDeadline,
        [&] {
          scan = ScanChildren(leader, request, outcome);
          return scan != Scan::kNothingYet;
        },
        WaitKind::kInterruptible, AddressOf(&request)));
  }
  if (scan == Scan::kNoChild) {
    return Error(ECHILD);
  }
  return outcome;
}

}  // namespace fv::guest
