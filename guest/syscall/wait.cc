// SPDX-License-Identifier: Apache-2.0
//
// wait4(2) and waitid(2): arguments and results; guest/task/wait.cc does the waiting.

#include "guest/task/wait.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/rusage.h"
#include "guest/syscall/syscall.h"
#include "guest/task/pid.h"
#include "guest/task/pidfd.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

enum IdType : int { kPAll = 0, kPPid = 1, kPPgid = 2, kPPidfd = 3 };

constexpr int32_t kNoPid = INT32_MIN;

Result<WaitRequest> RequestOfWaitid(Task& task, int type, int id) {
  WaitRequest request;
  switch (type) {
    case kPAll:
      return request;
    case kPPid:
      if (id <= 0) {
        return Error(EINVAL);
      }
      request.whom = WaitFor::kPid;
      request.id = GlobalNumberFor(task, static_cast<uint32_t>(id));
      return request;
    case kPPgid:
      if (id < 0) {
        return Error(EINVAL);
      }
      request.whom = WaitFor::kGroup;
      request.id = id == 0 ? task.pgid : GlobalNumberFor(task, static_cast<uint32_t>(id));
      return request;
    case kPPidfd: {
      if (id < 0) {
        return Error(EINVAL);
      }
      Ref<File> file = TRY(task.files().Get(id));
      const Pid* pid = PidOfPidfd(*file);
      if (pid == nullptr) {
        return Error(EBADF);
      }
      request.whom = WaitFor::kPid;
      request.id = TaskOf(pid) != nullptr ? pid->global() : 0;
      if (file->nonblocking()) {
        request.options |= kWnohang;  // and EAGAIN instead of 0
      }
      return request;
    }
    default:
      return Error(EINVAL);
  }
}

SigInfo InfoOf(const WaitOutcome& outcome) {
  SigInfo info;
  if (outcome.pid != 0) {
    info.signo = kSigChld;
    info.code = outcome.code;
    info.child.pid = static_cast<int32_t>(outcome.pid);
    info.child.uid = outcome.uid;
    info.child.status = outcome.detail();
  }
  return info;
}

Result<WaitOutcome> DoWaitid(const SyscallArgs& args) {
  constexpr uint32_t kAllowed =
      kWnohang | kWnowait | kWexited | kWstopped | kWcontinued | kWnothread | kWclone | kWall;
  const uint32_t options = args.Uint(3);
  if ((options & ~kAllowed) != 0 || (options & (kWexited | kWstopped | kWcontinued)) == 0) {
    return Error(EINVAL);
  }
  WaitRequest request = TRY(RequestOfWaitid(args.task, args.Int(0), args.Int(1)));
  const bool nonblocking_file = (request.options & kWnohang) != 0 && (options & kWnohang) == 0;
  request.options |= options;
  const WaitOutcome outcome = TRY(WaitForChild(request));
  if (outcome.pid == 0 && nonblocking_file) {
    return Error(EAGAIN);
  }
  if (outcome.pid != 0 && args.a[4] != 0) {
    TRY(WriteUser(*args.task.mm(), args.a[4], RusageOf(outcome.times)));
  }
  return outcome;
}

}  // namespace

namespace sys {

// wait4(pid, status, options, rusage)
Result<uint64_t> wait4(const SyscallArgs& args) {
  constexpr uint32_t kAllowed = kWnohang | kWstopped | kWcontinued | kWnothread | kWclone | kWall;
  const int32_t pid = args.Int(0);
  const uint32_t options = args.Uint(2);
  if ((options & ~kAllowed) != 0) {
    return Error(EINVAL);
  }
  if (pid == kNoPid) {
    return Error(ESRCH);
  }
  WaitRequest request;
  request.options = options | kWexited;
  if (pid > 0) {
    request.whom = WaitFor::kPid;
    request.id = GlobalNumberFor(args.task, static_cast<uint32_t>(pid));
  } else if (pid != -1) {
    request.whom = WaitFor::kGroup;
    request.id =
        pid == 0 ? args.task.pgid : GlobalNumberFor(args.task, static_cast<uint32_t>(-pid));
  }
  const WaitOutcome outcome = TRY(WaitForChild(request));
  if (outcome.pid != 0) {
    if (args.a[1] != 0) {
      TRY(WriteUser(*args.task.mm(), args.a[1], outcome.status));
    }
    if (args.a[3] != 0) {
      TRY(WriteUser(*args.task.mm(), args.a[3], RusageOf(outcome.times)));
    }
  }
  return uint64_t{outcome.pid};
}

// waitid(idtype, id, info, options, rusage). What it fills in is nothing if it fails.
Result<uint64_t> waitid(const SyscallArgs& args) {
  const Result<WaitOutcome> outcome = DoWaitid(args);
  if (args.a[2] != 0) {
    // Linux fills signo, errno, code, pid, uid and status only.
    constexpr size_t kWritten = 28;
    const SigInfo info = outcome.ok() ? InfoOf(outcome.value()) : SigInfo{};
    TRY(CopyToUser(*args.task.mm(), args.a[2], &info, kWritten));
  }
  return outcome.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(outcome.error());
}

}  // namespace sys
}  // namespace fv::guest
