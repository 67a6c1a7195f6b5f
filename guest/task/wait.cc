// SPDX-License-Identifier: Apache-2.0
//
// The children of a process: those of the calling thread come first, then those of the threads
// after it, each in the order in which they became that thread's; the first that has something to
// tell is taken. A caller that finds none sleeps on its process's queue and looks again.

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

// The thread whose child it is.
const Task& OwnerOf(const Task& child, Task& caller) {
  const Task* owner = FindTask(child.forker);
  return owner != nullptr && owner->tgid == caller.tgid ? *owner : *caller.leader();
}

// How many threads the caller asks before the child's owner.
unsigned TurnOf(const Task& child, Task& caller) {
  if (&NextThread(caller) == &caller) {
    return 0;
  }
  const Task& owner = OwnerOf(child, caller);
  unsigned turn = 0;
  for (Task* at = &caller; at != &owner; at = &NextThread(*at)) {
    ++turn;
  }
  return turn;
}

bool IsAskedFor(const Task& child, const WaitRequest& request, Task& caller) {
  if (request.whom == WaitFor::kPid && child.pid != request.id) {
    return false;
  }
  if (request.whom == WaitFor::kGroup && child.pgid != request.id) {
    return false;
  }
  return (request.options & kWnothread) == 0 || &OwnerOf(child, caller) == &caller;
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

enum class News : uint8_t { kNone, kExit, kStop, kContinuation };

// What `child` has that the request asks for.
News NewsOf(Task& child, const WaitRequest& request) {
  const SignalStruct& signal = child.signal();
  if (child.state == proto::TaskState::kZombie && GroupIsEmpty(child)) {
    return (request.options & kWexited) != 0 ? News::kExit : News::kNone;
  }
  // From the moment it is killed, a stop or a continuation is no news.
  if ((signal.flags & kSignalGroupExit) != 0) {
    return News::kNone;
  }
  const bool stopped = (signal.flags & kSignalStopped) != 0 && !signal.stop_reported;
  if ((request.options & kWstopped) != 0 && stopped) {
    return News::kStop;
  }
  const bool continued = (signal.flags & kSignalContinued) != 0;
  return (request.options & kWcontinued) != 0 && continued ? News::kContinuation : News::kNone;
}

// Tells it, once unless the request says otherwise.
WaitOutcome Report(Task& child, News news, const WaitRequest& request) {
  if (news == News::kExit) {
    return Reap(child, request);
  }
  SignalStruct& signal = child.signal();
  const bool keep = (request.options & kWnowait) != 0;
  WaitOutcome outcome = Describe(child);
  if (news == News::kStop) {
    outcome.status = static_cast<uint32_t>(signal.stop_signal) << 8 | kStatusStopped;
    outcome.code = kCldStopped;
    signal.stop_reported = !keep;
    return outcome;
  }
  outcome.status = kStatusContinued;
  outcome.code = kCldContinued;
  if (!keep) {
    signal.flags &= ~static_cast<uint32_t>(kSignalContinued);
  }
  return outcome;
}

enum class Scan { kReported, kNothingYet, kNoChild };

Scan ScanChildren(Task& leader, const WaitRequest& request, WaitOutcome& outcome) {
  bool eligible = false;
  Task* first = nullptr;  // of those with news, the one whose turn comes first
  unsigned first_turn = 0;
  for (Task& child : Children(leader.children)) {
    if (!Eligible(child, request) || child.state == proto::TaskState::kDead) {
      continue;
    }
    if (NewsOf(child, request) != News::kNone) {
      const unsigned turn = TurnOf(child, *CurrentTask());
      if (first == nullptr || turn < first_turn) {
        first = &child;
        first_turn = turn;
      }
      if (first_turn == 0) {
        break;
      }
      continue;
    }
    // One that is dead will never have other news: who asks for those has no child in it.
    const bool dead = child.state == proto::TaskState::kZombie && GroupIsEmpty(child);
    eligible = eligible || !dead;
  }
  if (first != nullptr) {
    outcome = Report(*first, NewsOf(*first, request), request);
    return Scan::kReported;
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
