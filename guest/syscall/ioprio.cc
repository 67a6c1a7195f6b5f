// SPDX-License-Identifier: Apache-2.0
//
// ioprio_get(2), ioprio_set(2).
#include <linux/capability.h>

#include "guest/syscall/syscall.h"
#include "guest/syscall/task_selection.h"
#include "guest/task/io_context.h"

namespace fv::guest {
namespace {

// Errors: EINVAL.
Result<SelectBy> SelectionOf(int which) {
  switch (which) {
    case 1:
      return SelectBy::kProcess;
    case 2:
      return SelectBy::kGroup;
    case 3:
      return SelectBy::kUser;
    default:
      return Error(EINVAL);
  }
}

// Errors: EPERM (real time without the capability), EINVAL.
Status CheckPriority(const Task& caller, uint32_t priority) {
  switch (IoClassOf(priority)) {
    case IoClass::kRealtime:
      if (!caller.Capable(CAP_SYS_ADMIN) && !caller.Capable(CAP_SYS_NICE)) {
        return Error(EPERM);
      }
      return Ok();
    case IoClass::kBestEffort:
    case IoClass::kIdle:
      return Ok();
    case IoClass::kNone:
      return (priority & kIoLevelMask) == 0 ? Ok() : Status(Error(EINVAL));
  }
  return Error(EINVAL);
}

// Of a user, 0 means root when a priority is set and the caller when it is asked for.
bool SelectedToSet(const Task& task, const Task& caller, SelectBy which, uint32_t who) {
  if (which == SelectBy::kUser && who == 0) {
    return task.cred().uid == 0 && PidIn(task, ActivePidNamespace(caller)) != 0;
  }
  return Selected(task, caller, which, who);
}

// Errors: EPERM, ENOMEM.
Status SetChecked(const Task& caller, Task& target, uint16_t priority) {
  const Credentials& mine = caller.cred();
  const uint32_t owner = target.cred().uid;
  if (owner != mine.euid && owner != mine.uid && !caller.Capable(CAP_SYS_NICE)) {
    return Error(EPERM);
  }
  return SetIoPriority(target, priority);
}

}  // namespace

namespace sys {

// ioprio_get(which, who): of several tasks, the best. Only of a single one is "not set" told.
Result<uint64_t> ioprio_get(const SyscallArgs& args) {
  const SelectBy which = TRY(SelectionOf(args.Int(0)));
  constexpr uint32_t kWorst = ~0u;
  uint32_t best = kWorst;
  for (const Task& task : AllTasks()) {
    if (Selected(task, args.task, which, args.Uint(1))) {
      const uint32_t priority =
          which == SelectBy::kProcess ? IoPriorityAsSet(task) : EffectiveIoPriority(task);
      best = priority < best ? priority : best;
    }
  }
  return best == kWorst ? Result<uint64_t>(Error(ESRCH)) : Result<uint64_t>(uint64_t{best});
}

// ioprio_set(which, who, priority)
Result<uint64_t> ioprio_set(const SyscallArgs& args) {
  TRY(CheckPriority(args.task, args.Uint(2)));
  const SelectBy which = TRY(SelectionOf(args.Int(0)));
  bool any = false;
  for (Task& task : AllTasks()) {
    if (SelectedToSet(task, args.task, which, args.Uint(1))) {
      TRY(SetChecked(args.task, task, static_cast<uint16_t>(args.Uint(2))));
      any = true;
    }
  }
  return any ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(Error(ESRCH));
}

}  // namespace sys
}  // namespace fv::guest
