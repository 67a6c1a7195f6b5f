// SPDX-License-Identifier: Apache-2.0
//
// Sending: kill(2), tkill(2), tgkill(2), rt_sigqueueinfo(2), rt_tgsigqueueinfo(2),
// pidfd_open(2), pidfd_send_signal(2).

#include <linux/capability.h>
#include <linux/fcntl.h>

#include "guest/fs/fd_table.h"
#include "guest/fs/file.h"
#include "guest/fs/proc.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/pid.h"
#include "guest/task/pidfd.h"
#include "guest/task/sched_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr unsigned kRlimitNofile = 7;

// kill(2), "permission to send": same user, or CAP_KILL; SIGCONT within the session.
Status MaySignal(const Task& sender, const Task& target, int signo) {
  if (sender.tgid == target.tgid) {
    return Ok();
  }
  const Credentials& mine = sender.cred();
  const Credentials& theirs = target.cred();
  const bool same_user = mine.euid == theirs.suid || mine.euid == theirs.uid ||
                         mine.uid == theirs.suid || mine.uid == theirs.uid;
  const bool continues = signo == kSigCont && sender.sid == target.sid;
  return same_user || continues || mine.Capable(CAP_KILL) ? Ok() : Status(Error(EPERM));
}

enum class Scope { kProcess, kThread };

// Signal 0 only asks; what is no signal is refused by each receiver, so not by none. Errors:
// EINVAL, EPERM, EAGAIN.
Status SendChecked(Task& sender, Task& target, SigInfo info, Scope scope) {
  if (info.signo != 0 && !IsValidSignal(info.signo)) {
    return Error(EINVAL);
  }
  TRY(MaySignal(sender, target, info.signo));
  if (info.signo == 0) {
    return Ok();
  }
  SignalForce force = SignalForce::kNo;
  if (PidIn(sender, ActivePidNamespace(target)) == 0) {  // comes from an ancestor namespace
    info.sender.pid = 0;
    force = SignalForce::kYes;
  }
  return scope == Scope::kProcess ? SendSignal(target, info, force)
                                  : SendSignalToThread(target, info, force);
}

// What became of a signal to several processes: success if one could be signalled. Errors: ESRCH
// (nobody), EPERM (none may be).
class Delivery {
 public:
  void Send(Task& sender, Task& target, const SigInfo& info) {
    const Status status = SendChecked(sender, target, info, Scope::kProcess);
    sent_ = sent_ || status.ok();
    if (!status.ok()) {
      last_ = status.error();
    }
  }
  Result<uint64_t> Outcome() const {
    return sent_ ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(last_);
  }

 private:
  bool sent_ = false;
  Error last_{ESRCH};
};

// kill(-1): everybody that the sender sees, but for its own process and its namespace's init.
Result<uint64_t> SendToAll(Task& sender, const SigInfo& info) {
  const PidNamespace& space = ActivePidNamespace(sender);
  Delivery delivery;
  for (Task& target : AllTasks()) {
    if (target.IsLeader() && PidIn(target, space) > 1 && target.tgid != sender.tgid) {
      delivery.Send(sender, target, info);
    }
  }
  return delivery.Outcome();
}

Result<uint64_t> SendToGroup(Task& sender, Pid* group, const SigInfo& info) {
  if (group == nullptr) {
    return Error(ESRCH);
  }
  Delivery delivery;
  for (Task& target : GroupMembers(group->group)) {
    delivery.Send(sender, target, info);
  }
  return delivery.Outcome();
}

SigInfo ThreadSignal(int signo, const Task& sender) {
  SigInfo info = UserSignal(signo, sender);
  info.code = kSiTkill;
  return info;
}

Result<uint64_t> SendToThread(Task& sender, int tgid, int tid, const SigInfo& info) {
  const PidNamespace& space = ActivePidNamespace(sender);
  Task* target = FindTaskIn(static_cast<uint32_t>(tid), space);
  if (target == nullptr || (tgid > 0 && TgidIn(*target, space) != static_cast<uint32_t>(tgid))) {
    return Error(ESRCH);
  }
  TRY(SendChecked(sender, *target, info, Scope::kThread));
  return uint64_t{0};
}

// Flags of pidfd_send_signal, newer than the headers of this build (Linux 6.9).
enum PidfdScope : uint32_t { kToThread = 1, kToProcess = 2, kToGroup = 4 };

// What a descriptor of pidfd_send_signal refers to, and whom it means without flags.
struct SignalledId {
  Ref<Pid> pid;
  uint32_t scope;
};

// A pidfd, or a process's directory in /proc. Errors: EBADF, ESRCH, EINVAL (a process that the
// caller could not name).
Result<SignalledId> IdToSignal(Task& sender, int fd) {
  const Ref<File> file = TRY(sender.files().Get(fd));
  Pid* pid = PidOfPidfd(*file);
  const uint32_t scope =
      pid != nullptr && (file->flags() & kPidfdThread) != 0 ? kToThread : kToProcess;
  if (pid == nullptr) {
    const uint32_t process = ProcessOfDirectory(*file);
    if (process == 0) {
      return Error(EBADF);
    }
    pid = FindGlobalPid(process);
    if (pid == nullptr) {
      return Error(ESRCH);
    }
  }
  if (!ActivePidNamespace(sender).Contains(pid->space())) {
    return Error(EINVAL);
  }
  return SignalledId{Ref<Pid>(*pid), scope};
}

// The siginfo that a program made. Only the kernel may pretend to be the kernel or kill().
Result<SigInfo> ReadSigInfo(Task& task, uint64_t address, int signo, int target) {
  SigInfo info = TRY(ReadUser<SigInfo>(*task.mm(), address));
  info.signo = signo;
  const bool forged = info.code >= 0 || info.code == kSiTkill;
  if (forged && static_cast<uint32_t>(target) != OwnTid(task)) {
    return Error(EPERM);
  }
  return info;
}

}  // namespace

namespace sys {

Result<uint64_t> kill(const SyscallArgs& args) {
  Task& sender = args.task;
  const int pid = args.Int(0);
  const int signo = args.Int(1);
  const SigInfo info = UserSignal(signo, sender);
  if (pid > 0) {
    Task* target = FindTaskFor(sender, static_cast<uint32_t>(pid));
    if (target == nullptr) {
      return Error(ESRCH);
    }
    TRY(SendChecked(sender, *target, info, Scope::kProcess));
    return uint64_t{0};
  }
  if (pid == -1) {
    return SendToAll(sender, info);
  }
  if (pid == INT32_MIN) {
    return Error(ESRCH);
  }
  Pid* group = pid == 0 ? sender.signal().group
                        : FindPid(static_cast<uint32_t>(-pid), ActivePidNamespace(sender));
  return SendToGroup(sender, group, info);
}

Result<uint64_t> tkill(const SyscallArgs& args) {
  const int signo = args.Int(1);
  if (args.Int(0) <= 0) {
    return Error(EINVAL);
  }
  return SendToThread(args.task, 0, args.Int(0), ThreadSignal(signo, args.task));
}

Result<uint64_t> tgkill(const SyscallArgs& args) {
  const int signo = args.Int(2);
  if (args.Int(0) <= 0 || args.Int(1) <= 0) {
    return Error(EINVAL);
  }
  return SendToThread(args.task, args.Int(0), args.Int(1), ThreadSignal(signo, args.task));
}

Result<uint64_t> rt_sigqueueinfo(const SyscallArgs& args) {
  const int pid = args.Int(0);
  const int signo = args.Int(1);
  const SigInfo info = TRY(ReadSigInfo(args.task, args.a[2], signo, pid));
  Task* target = pid > 0 ? FindTaskFor(args.task, static_cast<uint32_t>(pid)) : nullptr;
  if (target == nullptr) {
    return Error(ESRCH);
  }
  TRY(SendChecked(args.task, *target, info, Scope::kProcess));
  return uint64_t{0};
}

Result<uint64_t> rt_tgsigqueueinfo(const SyscallArgs& args) {
  const int signo = args.Int(2);
  if (args.Int(0) <= 0 || args.Int(1) <= 0) {
    return Error(EINVAL);
  }
  const SigInfo info = TRY(ReadSigInfo(args.task, args.a[3], signo, args.Int(1)));
  return SendToThread(args.task, args.Int(0), args.Int(1), info);
}

Result<uint64_t> pidfd_open(const SyscallArgs& args) {
  const uint32_t flags = args.Uint(1);
  if ((flags & ~uint32_t{O_NONBLOCK | kPidfdThread}) != 0 || args.Int(0) <= 0) {
    return Error(EINVAL);
  }
  Pid* pid = FindPid(args.Uint(0), ActivePidNamespace(args.task));
  const Task* target = TaskOf(pid);
  if (target == nullptr) {
    return Error(ESRCH);
  }
  if (!target->IsLeader() && (flags & kPidfdThread) == 0) {
    return Error(ENOENT);
  }
  Ref<File> file = TRY(MakePidfd(*pid, flags));
  const int fd = TRY(args.task.files().Add(std::move(file), CloseOnExecFlag::kYes,
                                           args.task.rlimit(kRlimitNofile)));
  return static_cast<uint64_t>(fd);
}

// pidfd_send_signal(pidfd, signo, info, flags)
Result<uint64_t> pidfd_send_signal(const SyscallArgs& args) {
  const int signo = args.Int(1);
  const uint32_t flags = args.Uint(3);
  if ((flags & ~(kToThread | kToProcess | kToGroup)) != 0 || (flags & (flags - 1)) != 0) {
    return Error(EINVAL);
  }
  const SignalledId to = TRY(IdToSignal(args.task, args.Int(0)));
  const uint32_t scope = flags != 0 ? flags : to.scope;
  SigInfo info = scope == kToThread ? ThreadSignal(signo, args.task) : UserSignal(signo, args.task);
  if (args.a[2] != 0) {
    info = TRY(ReadUser<SigInfo>(*args.task.mm(), args.a[2]));
    if (info.signo != signo) {
      return Error(EINVAL);
    }
    const bool to_itself = to.pid.get() == &args.task.id() && scope != kToGroup;
    if ((info.code >= 0 || info.code == kSiTkill) && !to_itself) {
      return Error(EPERM);
    }
  }
  if (scope == kToGroup) {
    return SendToGroup(args.task, to.pid.get(), info);
  }
  Task* target = TaskOf(to.pid.get());
  if (target == nullptr) {
    return Error(ESRCH);
  }
  TRY(SendChecked(args.task, *target, info, scope == kToThread ? Scope::kThread : Scope::kProcess));
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
