// SPDX-License-Identifier: Apache-2.0
//
// Who am I: process ids, sessions, process groups (credentials(7), "Process ID", "Sessions").

#include "guest/syscall/syscall.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

// The leader that getpgid(pid) and getsid(pid) mean. Errors: ESRCH.
Result<Task*> ProcessOf(Task& caller, int pid) {
  if (pid == 0) {
    return &caller;
  }
  Task* task = pid > 0 ? FindTask(static_cast<uint32_t>(pid)) : nullptr;
  if (task == nullptr) {
    return Error(ESRCH);
  }
  return task;
}

bool IsChildOf(const Task& task, const Task& parent) { return task.parent() == parent.leader(); }

bool GroupExistsInSession(uint32_t pgid, uint32_t sid) {
  for (const Task& task : AllTasks()) {
    if (task.pgid == pgid && task.sid == sid) {
      return true;
    }
  }
  return false;
}

}  // namespace

namespace sys {

Result<uint64_t> getpid(const SyscallArgs& args) { return uint64_t{args.task.tgid}; }
Result<uint64_t> gettid(const SyscallArgs& args) { return uint64_t{args.task.pid}; }
Result<uint64_t> getpgrp(const SyscallArgs& args) { return uint64_t{args.task.pgid}; }

Result<uint64_t> getppid(const SyscallArgs& args) {
  const Task* parent = args.task.parent();
  return uint64_t{parent == nullptr ? 0 : parent->tgid};
}

Result<uint64_t> getpgid(const SyscallArgs& args) {
  return uint64_t{TRY(ProcessOf(args.task, args.Int(0)))->pgid};
}

Result<uint64_t> getsid(const SyscallArgs& args) {
  return uint64_t{TRY(ProcessOf(args.task, args.Int(0)))->sid};
}

Result<uint64_t> setpgid(const SyscallArgs& args) {
  Task& caller = *args.task.leader();
  const int pid = args.Int(0);
  const int pgid = args.Int(1);
  if (pgid < 0 || (pgid == 0 && pid < 0)) {
    return Error(EINVAL);
  }
  Task* target = pid == 0 ? &caller : pid > 0 ? FindTask(static_cast<uint32_t>(pid)) : nullptr;
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
  const uint32_t wanted = pgid == 0 ? target->pid : static_cast<uint32_t>(pgid);
  if (wanted != target->pid && !GroupExistsInSession(wanted, caller.sid)) {
    return Error(EPERM);
  }
  SetPgid(*target, wanted);
  return uint64_t{0};
}

Result<uint64_t> setsid(const SyscallArgs& args) {
  Task& leader = *args.task.leader();
  for (const Task& task : AllTasks()) {
    if (task.pgid == leader.pid) {
      return Error(EPERM);  // it leads a process group already
    }
  }
  SetSid(leader, leader.pid);
  SetPgid(leader, leader.pid);
  leader.signal().flags &= ~static_cast<uint32_t>(kSignalHasTty);
  return uint64_t{leader.pid};
}

Result<uint64_t> getuid(const SyscallArgs& args) { return uint64_t{args.task.cred().uid}; }
Result<uint64_t> geteuid(const SyscallArgs& args) { return uint64_t{args.task.cred().euid}; }
Result<uint64_t> getgid(const SyscallArgs& args) { return uint64_t{args.task.cred().gid}; }
Result<uint64_t> getegid(const SyscallArgs& args) { return uint64_t{args.task.cred().egid}; }

}  // namespace sys
}  // namespace fv::guest
