// SPDX-License-Identifier: Apache-2.0
//
// Who is told that a file is ready (fcntl(2), F_SETOWN and its kin): kept and given back.
#include "guest/syscall/file_control.h"
#include "guest/task/pid.h"

namespace fv::guest::sys {

namespace {

// The owner's number; 0: there is none any more, or it cannot be seen.
int32_t OwnerSeenBy(const Task& task, const File& file) {
  if (!file.owner) {
    return 0;
  }
  Pid& owner = *file.owner;
  const bool group = file.owner_type == F_OWNER_PGRP;
  const bool lives = group ? !GroupMembers(owner.group).empty() : owner.task != 0;
  return lives ? static_cast<int32_t>(owner.NumberIn(ActivePidNamespace(task))) : 0;
}

// Who 0: nobody. Errors: ESRCH.
Status SetOwner(const Task& task, File& file, int type, int32_t who) {
  Pid* pid = FindPid(static_cast<uint32_t>(who), ActivePidNamespace(task));
  if (who != 0 && pid == nullptr) {
    return Error(ESRCH);
  }
  file.owner = pid == nullptr ? Ref<Pid>() : Ref<Pid>(*pid);
  file.owner_type = type;
  return Ok();
}

// F_SETOWN: a process, or a group if negative. Errors: ESRCH, EINVAL.
Status SetProcessOrGroup(const Task& task, File& file, int32_t who) {
  if (who == INT32_MIN) {
    return Error(EINVAL);
  }
  return who < 0 ? SetOwner(task, file, F_OWNER_PGRP, -who)
                 : SetOwner(task, file, F_OWNER_PID, who);
}

Result<uint64_t> OwnerEx(const SyscallArgs& args, File& file, int command) {
  Mm& mm = *args.task.mm();
  if (command == F_GETOWN_EX) {
    const struct f_owner_ex seen { file.owner_type, OwnerSeenBy(args.task, file) };
    TRY(WriteUser(mm, args.a[2], seen));
    return uint64_t{0};
  }
  const auto wanted = TRY(ReadUser<struct f_owner_ex>(mm, args.a[2]));
  if (wanted.type < F_OWNER_TID || wanted.type > F_OWNER_PGRP) {
    return Error(EINVAL);
  }
  TRY(SetOwner(args.task, file, wanted.type, wanted.pid));
  return uint64_t{0};
}

}  // namespace

Result<uint64_t> OwnerControl(const SyscallArgs& args, File& file, int command) {
  switch (command) {
    case F_GETOWN:
      return static_cast<uint64_t>(file.owner_type == F_OWNER_PGRP
                                       ? -int64_t{OwnerSeenBy(args.task, file)}
                                       : int64_t{OwnerSeenBy(args.task, file)});
    case F_SETOWN:
      TRY(SetProcessOrGroup(args.task, file, args.Int(2)));
      return uint64_t{0};
    case F_GETOWN_EX:
    case F_SETOWN_EX:
      return OwnerEx(args, file, command);
    case F_GETSIG:
      return uint64_t{file.owner_signal};
    case F_SETSIG:
      if (args.a[2] > 64) {
        return Error(EINVAL);
      }
      file.owner_signal = args.Uint(2);
      return uint64_t{0};
    default:
      return Error(EINVAL);
  }
}

}  // namespace fv::guest::sys
