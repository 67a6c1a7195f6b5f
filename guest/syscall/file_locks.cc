// SPDX-License-Identifier: Apache-2.0
//
// Record locks of fcntl(2), and flock(2).
#include "guest/fs/file_lock.h"

#include <linux/fs.h>

#include "guest/syscall/file_control.h"
#include "guest/task/pid.h"

namespace fv::guest::sys {

namespace {

constexpr int kLockShared = 1;      // LOCK_SH
constexpr int kLockExclusive = 2;   // LOCK_EX
constexpr int kLockNoBlock = 4;     // LOCK_NB
constexpr int kLockUnlock = 8;      // LOCK_UN
constexpr int kLockMandatory = 32;  // LOCK_MAND: ignored since Linux 5.18
constexpr uint64_t kMaxOffset = ~uint64_t{0} >> 1;

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

}  // namespace

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

Result<uint64_t> flock(const SyscallArgs& args) {
  if ((args.Int(1) & kLockMandatory) != 0) {
    return uint64_t{0};
  }
  const int operation = args.Int(1) & ~kLockNoBlock;
  LockRequest request;
  request.kind = LockKind::kFlock;
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
  const Ref<File> file = TRY(FileArgument(args, 0));
  request.owner = file.get();
  const bool waits = (args.Int(1) & kLockNoBlock) == 0;
  TRY(SetLock(file->inode(), request, waits ? LockWait::kYes : LockWait::kNo));
  return uint64_t{0};
}

}  // namespace fv::guest::sys
