// SPDX-License-Identifier: Apache-2.0
//
// dup(2) and its family, fcntl(2), ioctl(2), flock(2).
#include <asm/ioctls.h>
#include <linux/fs.h>

#include "guest/fs/file_lock.h"
#include "guest/lib/scope_guard.h"
#include "guest/syscall/file_args.h"
#include "guest/task/pid.h"

namespace fv::guest::sys {

namespace {

constexpr int kLockShared = 1;       // LOCK_SH
constexpr int kLockExclusive = 2;    // LOCK_EX
constexpr int kLockNoBlock = 4;      // LOCK_NB
constexpr int kLockUnlock = 8;       // LOCK_UN
constexpr int kLockMandatory = 32;   // LOCK_MAND: ignored since Linux 5.18
constexpr int kDupFdQuery = 1027;    // F_DUPFD_QUERY, since Linux 6.10
constexpr int kCreatedQuery = 1028;  // F_CREATED_QUERY, since Linux 6.12
constexpr uint64_t kMaxOffset = ~uint64_t{0} >> 1;

Result<uint64_t> Duplicate(const SyscallArgs& args, uint64_t minimum, CloseOnExecFlag cloexec) {
  Ref<File> file = TRY(args.task.files().GetPath(args.Int(0)));
  if (minimum >= FdLimit(args)) {
    return Error(EINVAL);
  }
  const int fd = TRY(args.task.files().Add(std::move(file), cloexec, FdLimit(args),
                                           static_cast<uint32_t>(minimum)));
  return static_cast<uint64_t>(fd);
}

// The byte range of a struct flock, from the position it is relative to.
Status DecodeRange(File& file, const struct flock& lock, LockRequest& out) {
  int64_t base = 0;
  switch (lock.l_whence) {
    case SEEK_SET:
      break;
    case SEEK_CUR:
      base = static_cast<int64_t>(file.position());
      break;
    case SEEK_END:
      base = static_cast<int64_t>(file.inode().size());
      break;
    default:
      return Error(EINVAL);
  }
  int64_t start;
  if (__builtin_add_overflow(base, lock.l_start, &start)) {
    return Error(EOVERFLOW);
  }
  int64_t end = static_cast<int64_t>(kMaxOffset);
  if (lock.l_len > 0) {
    if (__builtin_add_overflow(start, lock.l_len - 1, &end)) {
      return Error(EOVERFLOW);
    }
  } else if (lock.l_len < 0) {
    end = start - 1;
    start += lock.l_len;
  }
  if (start < 0) {
    return Error(EINVAL);
  }
  out.start = static_cast<uint64_t>(start);
  out.end = static_cast<uint64_t>(end);
  return Ok();
}

Status DecodeType(const File& file, short type, bool check_mode, LockRequest& out) {
  switch (type) {
    case F_RDLCK:
      out.type = LockType::kShared;
      return check_mode && !file.readable() ? Status(Error(EBADF)) : Ok();
    case F_WRLCK:
      out.type = LockType::kExclusive;
      return check_mode && !file.writable() ? Status(Error(EBADF)) : Ok();
    case F_UNLCK:
      out.type = LockType::kNone;
      return Ok();
    default:
      return Error(EINVAL);
  }
}

bool OfDescription(int command) {
  return command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

// The process that took a lock, which may have gone since (its table lives on, shared). 0: it
// cannot be seen.
uint32_t HolderSeenBy(const Task& task, uint32_t holder) {
  const PidNamespace& space = ActivePidNamespace(task);
  const Pid* pid = FindGlobalPid(holder);
  return space.level == 0 ? holder : pid == nullptr ? 0 : pid->NumberIn(space);
}

Result<uint64_t> RecordLock(const SyscallArgs& args, File& file, int command) {
  Mm& mm = *args.task.mm();
  auto lock = TRY(ReadUser<struct flock>(mm, args.a[2]));
  LockRequest request;
  if (OfDescription(command)) {
    if (lock.l_pid != 0) {
      return Error(EINVAL);
    }
    request.owner = &file;
  } else {
    request.owner = &args.task.files();
    request.pid = args.task.tgid;
  }
  const bool query = command == F_GETLK || command == F_OFD_GETLK;
  TRY(DecodeType(file, lock.l_type, !query, request));
  TRY(DecodeRange(file, lock, request));
  if (!query) {
    const bool waits = command == F_SETLKW || command == F_OFD_SETLKW;
    TRY(SetLock(file.inode(), request, waits ? LockWait::kYes : LockWait::kNo));
    return uint64_t{0};
  }
  if (request.type == LockType::kNone && command == F_GETLK) {
    return Error(EINVAL);
  }
  LockRequest held;
  if (FindConflict(file.inode(), request, held)) {
    lock.l_type = held.type == LockType::kExclusive ? F_WRLCK : F_RDLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<int64_t>(held.start);
    lock.l_len = held.end == kMaxOffset ? 0 : static_cast<int64_t>(held.end - held.start + 1);
    lock.l_pid = held.pid == 0 ? -1 : static_cast<int>(HolderSeenBy(args.task, held.pid));
  } else {
    lock.l_type = F_UNLCK;
  }
  TRY(WriteUser(mm, args.a[2], lock));
  return uint64_t{0};
}

Status SetFlags(const SyscallArgs& args, File& file) {
  const uint32_t flags = args.Uint(2);
  if ((flags & O_NOATIME) != 0 && (file.flags() & O_NOATIME) == 0 &&
      args.task.cred().fsuid != file.inode().uid && args.task.cred().fsuid != 0) {
    return Error(EPERM);
  }
  file.SetStatusFlags(flags);
  return Ok();
}

// What works on an O_PATH descriptor too; else EBADF.
bool AllowedOnPath(int command) {
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD ||
         command == F_SETFD || command == F_GETFL || command == kDupFdQuery ||
         command == kCreatedQuery;
}

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

Result<uint64_t> Signals(const SyscallArgs& args, File& file, int command) {
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

Result<uint64_t> FileControl(const SyscallArgs& args, File& file, int command) {
  switch (command) {
    case F_GETFL:
      return uint64_t{file.flags()};
    case kDupFdQuery:
      return TRY(args.task.files().GetPath(args.Int(2))).get() == &file ? uint64_t{1} : uint64_t{0};
    case kCreatedQuery:
      return file.created ? uint64_t{1} : uint64_t{0};
    case F_SETFL:
      TRY(SetFlags(args, file));
      return uint64_t{0};
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
      return RecordLock(args, file, command);
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
      return file.PipeControl(command, args.a[2]);
    case F_ADD_SEALS:
    case F_GET_SEALS:
      return file.SealControl(command, args.a[2]);
    case F_GETLEASE:
      return uint64_t{F_UNLCK};
    default:
      return Signals(args, file, command);
  }
}

// FICLONE and FICLONERANGE: shared blocks, which no file system here has.
Status CloneRange(const SyscallArgs& args, const File& to, int source) {
  const Ref<File> from = TRY(args.task.files().Get(source));
  if (&from->inode().superblock() != &to.inode().superblock()) {
    return Error(EXDEV);
  }
  if (from->inode().IsDirectory() || to.inode().IsDirectory()) {
    return Error(EISDIR);
  }
  if (!from->inode().IsRegular() || !to.inode().IsRegular()) {
    return Error(EINVAL);
  }
  const bool allowed = from->readable() && to.writable() && (to.flags() & O_APPEND) == 0;
  return Error(allowed ? EOPNOTSUPP : EBADF);
}

}  // namespace

Result<uint64_t> dup(const SyscallArgs& args) { return Duplicate(args, 0, CloseOnExecFlag::kNo); }

Result<uint64_t> dup2(const SyscallArgs& args) {
  FdTable& files = args.task.files();
  Ref<File> file = TRY(files.GetPath(args.Int(0)));
  if (args.Int(0) == args.Int(1)) {
    return uint64_t{args.Uint(1)};
  }
  return static_cast<uint64_t>(
      TRY(files.Replace(args.Int(1), std::move(file), CloseOnExecFlag::kNo, FdLimit(args))));
}

Result<uint64_t> dup3(const SyscallArgs& args) {
  const uint32_t flags = args.Uint(2);
  if ((flags & ~uint32_t{O_CLOEXEC}) != 0 || args.Int(0) == args.Int(1)) {
    return Error(EINVAL);
  }
  FdTable& files = args.task.files();
  if (args.Int(1) < 0 || args.Uint(1) >= FdLimit(args)) {
    return Error(EBADF);
  }
  Ref<File> file = TRY(files.GetPath(args.Int(0)));
  const CloseOnExecFlag cloexec =
      (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
  return static_cast<uint64_t>(
      TRY(files.Replace(args.Int(1), std::move(file), cloexec, FdLimit(args))));
}

Result<uint64_t> fcntl(const SyscallArgs& args) {
  FdTable& files = args.task.files();
  const int command = args.Int(1);
  const Ref<File> file =
      TRY(AllowedOnPath(command) ? files.GetPath(args.Int(0)) : files.Get(args.Int(0)));
  switch (command) {
    case F_DUPFD:
      return Duplicate(args, args.Uint(2), CloseOnExecFlag::kNo);
    case F_DUPFD_CLOEXEC:
      return Duplicate(args, args.Uint(2), CloseOnExecFlag::kYes);
    case F_GETFD:
      return TRY(files.GetCloseOnExec(args.Int(0))) == CloseOnExecFlag::kYes ? uint64_t{FD_CLOEXEC}
                                                                             : uint64_t{0};
    case F_SETFD:
      TRY(files.SetCloseOnExec(args.Int(0), (args.a[2] & FD_CLOEXEC) != 0 ? CloseOnExecFlag::kYes
                                                                          : CloseOnExecFlag::kNo));
      return uint64_t{0};
    default:
      return FileControl(args, *file, command);
  }
}

Result<uint64_t> ioctl(const SyscallArgs& args) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  FdTable& files = args.task.files();
  Mm& mm = *args.task.mm();
  const uint32_t command = args.Uint(1);
  switch (command) {
    case FIOCLEX:
    case FIONCLEX:
      TRY(files.SetCloseOnExec(args.Int(0),
                               command == FIOCLEX ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo));
      return uint64_t{0};
    case FIONBIO:
    case FIOASYNC: {
      const int on = TRY(ReadUser<int>(mm, args.a[2]));
      const uint32_t bit = command == FIONBIO ? O_NONBLOCK : FASYNC;
      file->SetStatusFlags(on != 0 ? file->flags() | bit : file->flags() & ~bit);
      return uint64_t{0};
    }
    case FIGETBSZ:
      if (!file->inode().IsRegular() && !file->inode().IsDirectory()) {
        break;
      }
      TRY(WriteUser(mm, args.a[2], int{4096}));
      return uint64_t{0};
    case FICLONE:
      TRY(CloneRange(args, *file, args.Int(2)));
      return uint64_t{0};
    case FICLONERANGE: {
      const auto range = TRY(ReadUser<struct file_clone_range>(mm, args.a[2]));
      TRY(CloneRange(args, *file, static_cast<int>(range.src_fd)));
      return uint64_t{0};
    }
    default:
      break;
  }
  return file->Ioctl(command, args.a[2], mm);
}

Result<uint64_t> flock(const SyscallArgs& args) {
  if ((args.Int(1) & kLockMandatory) != 0) {
    return uint64_t{0};
  }
  const int operation = args.Int(1) & ~kLockNoBlock;
  const Ref<File> file = TRY(FileArgument(args, 0));
  LockRequest request;
  request.kind = LockKind::kFlock;
  request.owner = file.get();
  switch (operation) {
    case kLockShared:
      request.type = LockType::kShared;
      break;
    case kLockExclusive:
      request.type = LockType::kExclusive;
      break;
    case kLockUnlock:
      request.type = LockType::kNone;
      break;
    default:
      return Error(EINVAL);
  }
  const bool waits = (args.Int(1) & kLockNoBlock) == 0;
  TRY(SetLock(file->inode(), request, waits ? LockWait::kYes : LockWait::kNo));
  return uint64_t{0};
}

}  // namespace fv::guest::sys
