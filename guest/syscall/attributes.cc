// SPDX-License-Identifier: Apache-2.0
//
// Calls that change attributes: chmod(2), chown(2), truncate(2), utimensat(2) and older forms,
// umask(2); the sync family, which has nothing to write back.
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fs.h>

#include "guest/arch/arch.h"
#include "guest/fs/vfs.h"
#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

constexpr uint64_t kNs = 1'000'000'000;
constexpr int64_t kTimeNow = (1 << 30) - 1;   // UTIME_NOW
constexpr int64_t kTimeOmit = (1 << 30) - 2;  // UTIME_OMIT

Result<uint64_t> Zero(const Status& status) {
  return status.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(status.error());
}

Result<Ref<Inode>> InodeAt(const SyscallArgs& args, int dirfd, uint64_t address, uint32_t flags) {
  PathArgument path;
  TRY(path.Load(*args.task.mm(), address));
  if (path.text()[0] == '\0' && (flags & kLookupEmptyPath) != 0 && dirfd != AT_FDCWD) {
    return Ref<Inode>(TRY(args.task.files().GetPath(dirfd))->inode());
  }
  return Ref<Inode>(TRY(Lookup(CallerOf(args), dirfd, path.text(), flags))->inode());
}

uint32_t WalkFlags(uint32_t at_flags) {
  uint32_t flags = (at_flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : uint32_t{kLookupFollow};
  return (at_flags & AT_EMPTY_PATH) != 0 ? flags | kLookupEmptyPath : flags;
}

Result<uint64_t> DoChmod(const SyscallArgs& args, int dirfd, uint64_t path, uint32_t mode) {
  const Ref<Inode> inode = TRY(InodeAt(args, dirfd, path, kLookupFollow));
  return Zero(ChangeMode(*inode, args.task.cred(), mode));
}

Result<uint64_t> DoChown(const SyscallArgs& args, int dirfd, uint64_t path, uint32_t uid,
                         uint32_t gid, uint32_t at_flags) {
  const Ref<Inode> inode = TRY(InodeAt(args, dirfd, path, WalkFlags(at_flags)));
  return Zero(ChangeOwner(*inode, args.task.cred(), uid, gid));
}

Result<uint64_t> DoTruncate(const SyscallArgs& args, Inode& inode, int64_t bytes) {
  if (bytes < 0) {
    return Error(EINVAL);
  }
  return Zero(TruncateChecked(inode, static_cast<uint64_t>(bytes), IoContextOf(args)));
}

// ---- Times -----------------------------------------------------------------------------------

struct TimePair {
  int64_t seconds[2] = {0, 0};
  int64_t nanoseconds[2] = {kTimeNow, kTimeNow};
};

Status CheckTimeAccess(const Inode& inode, const Credentials& cred, const TimePair& times) {
  if (cred.fsuid == inode.uid || cred.Capable(CAP_FOWNER)) {
    return Ok();
  }
  // Who may write may also say "now" for both.
  if (times.nanoseconds[0] == kTimeNow && times.nanoseconds[1] == kTimeNow) {
    return CheckAccess(inode, cred, kMayWrite);
  }
  return Error(EPERM);
}

Status ApplyTimes(Inode& inode, const Credentials& cred, const TimePair& times) {
  uint64_t* fields[] = {&inode.times.accessed, &inode.times.modified};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t ns = times.nanoseconds[i];
    if (ns != kTimeNow && ns != kTimeOmit && (ns < 0 || ns >= static_cast<int64_t>(kNs))) {
      return Error(EINVAL);
    }
  }
  if (inode.superblock().read_only) {
    return Error(EROFS);
  }
  TRY(CheckTimeAccess(inode, cred, times));
  for (size_t i = 0; i < 2; ++i) {
    const int64_t ns = times.nanoseconds[i];
    if (ns == kTimeNow) {
      *fields[i] = RealtimeNs();
    } else if (ns != kTimeOmit) {
      *fields[i] = static_cast<uint64_t>(times.seconds[i]) * kNs + static_cast<uint64_t>(ns);
    }
  }
  inode.TouchChange();
  return Ok();
}

Result<uint64_t> DoUtimes(const SyscallArgs& args, int dirfd, uint64_t path, const TimePair& times,
                          uint32_t at_flags) {
  if (path == 0 && dirfd != AT_FDCWD) {
    const Ref<File> file = TRY(args.task.files().Get(dirfd));
    return Zero(ApplyTimes(file->inode(), args.task.cred(), times));
  }
  const Ref<Inode> inode = TRY(InodeAt(args, dirfd, path, WalkFlags(at_flags)));
  return Zero(ApplyTimes(*inode, args.task.cred(), times));
}

// struct timeval[2] of utimes(2) and futimesat(2).
Result<TimePair> ReadTimevals(Mm& mm, uint64_t address) {
  TimePair times;
  if (address == 0) {
    return times;
  }
  for (size_t i = 0; i < 2; ++i) {
    times.seconds[i] = TRY(ReadUser<int64_t>(mm, address + i * 16));
    const int64_t microseconds = TRY(ReadUser<int64_t>(mm, address + i * 16 + 8));
    if (microseconds < 0 || microseconds >= 1'000'000) {
      return Error(EINVAL);
    }
    times.nanoseconds[i] = microseconds * 1000;
  }
  return times;
}

// One operation, with KEEP_SIZE or without, whatever the file can do. (Linux: vfs_fallocate.)
bool IsAllocateMode(int mode) {
  constexpr int kWriteZeroes = 0x80;  // Linux 6.17
  const bool keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
  switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
      return true;
    case FALLOC_FL_PUNCH_HOLE:
      return keeps_size;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
    case kWriteZeroes:
      return !keeps_size;
    default:
      return false;
  }
}

}  // namespace

Result<uint64_t> chmod(const SyscallArgs& args) {
  return DoChmod(args, AT_FDCWD, args.a[0], args.Uint(1));
}
Result<uint64_t> fchmodat(const SyscallArgs& args) {
  return DoChmod(args, args.Int(0), args.a[1], args.Uint(2));
}
Result<uint64_t> fchmod(const SyscallArgs& args) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  return Zero(ChangeMode(file->inode(), args.task.cred(), args.Uint(1)));
}

Result<uint64_t> chown(const SyscallArgs& args) {
  return DoChown(args, AT_FDCWD, args.a[0], args.Uint(1), args.Uint(2), 0);
}
Result<uint64_t> lchown(const SyscallArgs& args) {
  return DoChown(args, AT_FDCWD, args.a[0], args.Uint(1), args.Uint(2), AT_SYMLINK_NOFOLLOW);
}
Result<uint64_t> fchownat(const SyscallArgs& args) {
  if ((args.Uint(4) & ~uint32_t{AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH}) != 0) {
    return Error(EINVAL);
  }
  return DoChown(args, args.Int(0), args.a[1], args.Uint(2), args.Uint(3), args.Uint(4));
}
Result<uint64_t> fchown(const SyscallArgs& args) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  return Zero(ChangeOwner(file->inode(), args.task.cred(), args.Uint(1), args.Uint(2)));
}

Result<uint64_t> truncate(const SyscallArgs& args) {
  if (static_cast<int64_t>(args.a[1]) < 0) {
    return Error(EINVAL);
  }
  const Ref<Inode> inode = TRY(InodeAt(args, AT_FDCWD, args.a[0], kLookupFollow));
  if (inode->IsDirectory()) {
    return Error(EISDIR);
  }
  if (!inode->IsRegular()) {
    return Error(EINVAL);
  }
  TRY(CheckAccess(*inode, args.task.cred(), kMayWrite));
  if (inode->write_count < 0) {
    return Error(ETXTBSY);
  }
  return DoTruncate(args, *inode, static_cast<int64_t>(args.a[1]));
}
Result<uint64_t> ftruncate(const SyscallArgs& args) {
  if (static_cast<int64_t>(args.a[1]) < 0) {
    return Error(EINVAL);
  }
  const Ref<File> file = TRY(FileArgument(args, 0));
  return Zero(file->Truncate(args.a[1], IoContextOf(args)));
}

Result<uint64_t> fallocate(const SyscallArgs& args) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  if (static_cast<int64_t>(args.a[2]) < 0 || static_cast<int64_t>(args.a[3]) <= 0) {
    return Error(EINVAL);
  }
  if (!IsAllocateMode(args.Int(1))) {
    return Error(EOPNOTSUPP);
  }
  if (!file->writable()) {
    return Error(EBADF);
  }
  if (file->inode().type() == kTypeFifo) {
    return Error(ESPIPE);
  }
  if (file->inode().IsDirectory()) {
    return Error(EISDIR);
  }
  return Zero(file->Allocate(args.Int(1), args.a[2], args.a[3], IoContextOf(args)));
}

Result<uint64_t> utimensat(const SyscallArgs& args) {
  TimePair times;
  for (size_t i = 0; i < 2 && args.a[2] != 0; ++i) {
    times.seconds[i] = TRY(ReadUser<int64_t>(*args.task.mm(), args.a[2] + i * 16));
    times.nanoseconds[i] = TRY(ReadUser<int64_t>(*args.task.mm(), args.a[2] + i * 16 + 8));
  }
  if (times.nanoseconds[0] == kTimeOmit && times.nanoseconds[1] == kTimeOmit) {
    return uint64_t{0};  // not even the path is looked at
  }
  if ((args.Uint(3) & ~uint32_t{AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH}) != 0) {
    return Error(EINVAL);
  }
  return DoUtimes(args, args.Int(0), args.a[1], times, args.Uint(3));
}
Result<uint64_t> utimes(const SyscallArgs& args) {
  const TimePair times = TRY(ReadTimevals(*args.task.mm(), args.a[1]));
  return DoUtimes(args, AT_FDCWD, args.a[0], times, 0);
}
Result<uint64_t> futimesat(const SyscallArgs& args) {
  const TimePair times = TRY(ReadTimevals(*args.task.mm(), args.a[2]));
  return DoUtimes(args, args.Int(0), args.a[1], times, 0);
}
Result<uint64_t> utime(const SyscallArgs& args) {
  TimePair times;
  for (size_t i = 0; i < 2 && args.a[1] != 0; ++i) {
    times.seconds[i] = TRY(ReadUser<int64_t>(*args.task.mm(), args.a[1] + i * 8));
    times.nanoseconds[i] = 0;
  }
  return DoUtimes(args, AT_FDCWD, args.a[0], times, 0);
}

Result<uint64_t> umask(const SyscallArgs& args) {
  const uint32_t old = args.task.fs().mask;
  args.task.fs().mask = args.Uint(0) & 0777;
  return uint64_t{old};
}

// ---- Nothing to write back: the page cache is the file -----------------------------------------

Result<uint64_t> sync(const SyscallArgs&) { return uint64_t{0}; }
Result<uint64_t> syncfs(const SyscallArgs& args) {
  (void)TRY(FileArgument(args, 0));
  return uint64_t{0};
}
Result<uint64_t> fsync(const SyscallArgs& args) { return Zero(TRY(FileArgument(args, 0))->Sync()); }
Result<uint64_t> fdatasync(const SyscallArgs& args) { return fsync(args); }
Result<uint64_t> sync_file_range(const SyscallArgs& args) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  constexpr uint64_t kFlags = 7;
  if ((args.a[3] & ~kFlags) != 0 || static_cast<int64_t>(args.a[1]) < 0 ||
      static_cast<int64_t>(args.a[1] + args.a[2]) < 0) {
    return Error(EINVAL);
  }
  const Inode& inode = file->inode();
  const bool has_pages = inode.IsRegular() || inode.IsDirectory() || inode.IsSymlink() ||
                         inode.type() == kTypeBlockDevice;
  return has_pages ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(Error(ESPIPE));
}
Result<uint64_t> fadvise64(const SyscallArgs& args) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  constexpr uint32_t kLastAdvice = 5;  // POSIX_FADV_NOREUSE
  if (file->inode().type() == kTypeFifo) {
    return Error(ESPIPE);
  }
  if (static_cast<int64_t>(args.a[2]) < 0 || args.Uint(3) > kLastAdvice) {
    return Error(EINVAL);
  }
  return uint64_t{0};
}
Result<uint64_t> readahead(const SyscallArgs& args) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  if (!file->readable()) {
    return Error(EBADF);
  }
  const bool may = file->inode().IsRegular() && static_cast<int64_t>(args.a[2]) >= 0;
  return may ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(Error(EINVAL));
}

}  // namespace fv::guest::sys
