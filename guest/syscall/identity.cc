// SPDX-License-Identifier: Apache-2.0
//
// Who am I: process ids, sessions, process groups (credentials(7), "Process ID", "Sessions").

#include "guest/introspect/introspect.h"
#include "guest/syscall/syscall.h"
#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

// The leader that getpgid(pid) and getsid(pid) mean. Errors: ESRCH.
Result<Task*> ProcessOf(Task& caller, int pid) {
  if (pid == 0) {
    return &caller;
  }
  Task* task = pid > 0 ? FindTaskFor(caller, static_cast<uint32_t>(pid)) : nullptr;
  if (task == nullptr) {
    return Error(ESRCH);
  }
  return task;
}

bool IsChildOf(const Task& task, const Task& parent) { return task.parent() == parent.leader(); }

// The group that `number` names for `caller`, in its session; nullptr: none.
Pid* GroupInSessionOf(const Task& caller, uint32_t number) {
  Pid* group = FindPid(number, ActivePidNamespace(caller));
  const Task* member = group == nullptr ? nullptr : GroupMembers(group->group).front();
  return member != nullptr && member->sid == caller.sid ? group : nullptr;
}

PidNamespace& SpaceOf(const SyscallArgs& args) { return ActivePidNamespace(args.task); }

}  // namespace

namespace sys {

Result<uint64_t> getpid(const SyscallArgs& args) {
  return uint64_t{TgidIn(args.task, SpaceOf(args))};
}
Result<uint64_t> gettid(const SyscallArgs& args) { return uint64_t{OwnTid(args.task)}; }
Result<uint64_t> getpgrp(const SyscallArgs& args) {
  return uint64_t{PgidIn(args.task, SpaceOf(args))};
}

Result<uint64_t> getppid(const SyscallArgs& args) {
  return uint64_t{PpidIn(args.task, SpaceOf(args))};
}

Result<uint64_t> getpgid(const SyscallArgs& args) {
  return uint64_t{PgidIn(*TRY(ProcessOf(args.task, args.Int(0))), SpaceOf(args))};
}

Result<uint64_t> getsid(const SyscallArgs& args) {
  return uint64_t{SidIn(*TRY(ProcessOf(args.task, args.Int(0))), SpaceOf(args))};
}

Result<uint64_t> setpgid(const SyscallArgs& args) {
  Task& caller = *args.task.leader();
  const int pid = args.Int(0);
  const int pgid = args.Int(1);
  if (pgid < 0 || (pgid == 0 && pid < 0)) {
    return Error(EINVAL);
  }
  Task* target = pid == 0  ? &caller
                 : pid > 0 ? FindTaskFor(caller, static_cast<uint32_t>(pid))
                           : nullptr;
  if (target == nullptr) {
    return Error(ESRCH);
  }
  if (!target->IsLeader()) {
    return Error(EINVAL);
  }
  if (target != &caller) {
    if (!IsChildOf(*target, caller)) {
      return Error(ESRCH);
    }
    if (target->sid != caller.sid) {
      return Error(EPERM);
    }
    if ((target->flags & kPfForkNoExec) == 0) {
      return Error(EACCES);  // it has already executed another program
    }
  }
  if (target->sid == target->pid) {
    return Error(EPERM);  // a session leader
  }
  Pid* group = &target->id();
  if (pgid != 0 && static_cast<uint32_t>(pgid) != PidIn(*target, SpaceOf(args))) {
    group = GroupInSessionOf(caller, static_cast<uint32_t>(pgid));
    if (group == nullptr) {
      return Error(EPERM);
    }
  }
  NoteChange(proto::SafepointKind::kSyscall);
  SetGroup(*target, *group);
  return uint64_t{0};
}

Result<uint64_t> setsid(const SyscallArgs& args) {
  Task& leader = *args.task.leader();
  Pid& own = leader.id();
  if (!GroupMembers(own.group).empty()) {
    return Error(EPERM);  // it leads a process group already
  }
  NoteChange(proto::SafepointKind::kSyscall);
  SetSession(leader, own);
  SetGroup(leader, own);
  leader.signal().flags &= ~static_cast<uint32_t>(kSignalHasTty);
  EmitEvent(proto::EventKind::kSession, leader.sid);
  return uint64_t{TgidIn(leader, SpaceOf(args))};
}

Result<uint64_t> getuid(const SyscallArgs& args) { return uint64_t{args.task.cred().uid}; }
Result<uint64_t> geteuid(const SyscallArgs& args) { return uint64_t{args.task.cred().euid}; }
Result<uint64_t> getgid(const SyscallArgs& args) { return uint64_t{args.task.cred().gid}; }
Result<uint64_t> getegid(const SyscallArgs& args) { return uint64_t{args.task.cred().egid}; }

}  // namespace sys
}  // namespace fv::guest
