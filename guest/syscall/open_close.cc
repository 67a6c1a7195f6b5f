// SPDX-License-Identifier: Apache-2.0
//
// open(2), openat(2), openat2(2), creat(2), close(2), close_range(2).
#include <linux/close_range.h>
#include <linux/openat2.h>

#include "guest/syscall/file_args.h"
#include "guest/syscall/growing_struct.h"

namespace fv::guest::sys {

namespace {

constexpr uint32_t kModeBits = 07777;
// Flags that openat2 knows (Linux: VALID_OPEN_FLAGS). O_SYNC contains O_DSYNC, O_TMPFILE
// O_DIRECTORY.
constexpr uint64_t kKnownFlags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
                                 O_NONBLOCK | O_SYNC | FASYNC | O_DIRECT | O_LARGEFILE |
                                 O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE;

constexpr uint64_t kKnownResolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                                   RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;
constexpr uint64_t kTmpfileBit = O_TMPFILE & ~O_DIRECTORY;

Result<uint64_t> DoOpen(const SyscallArgs& args, int dirfd, uint64_t path_address, uint32_t flags,
                        uint32_t mode, uint64_t resolve = 0) {
  const bool is_temporary = (flags & (kTmpfileBit | O_PATH)) == kTmpfileBit;
  if (is_temporary && ((flags & O_TMPFILE) != O_TMPFILE || (flags & O_ACCMODE) == O_RDONLY)) {
    return Error(EINVAL);  // told before the path is read
  }
  PathArgument path;
  TRY(path.Load(*args.task.mm(), path_address));
  FdTable& files = args.task.files();
  // The slot is taken before the file is opened, which may sleep or truncate.
  const int fd = TRY(files.Allocate(FdLimit(args)));
  PathCaller caller = CallerOf(args);
  caller.resolve = resolve;
  Result<Ref<File>> file = OpenPath(caller, dirfd, path.text(), flags | O_LARGEFILE,
                                    mode & kModeBits, IoContextOf(args));
  if (!file.ok()) {
    files.Cancel(fd);
    return file.error();
  }
  files.Install(fd, file.take(),
                (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo);
  return static_cast<uint64_t>(fd);
}

// struct open_how of any size that Linux knows. Errors: EINVAL, E2BIG, EFAULT.
Result<struct open_how> ReadOpenHow(Mm& mm, uint64_t address, uint64_t size) {
  if (size < sizeof(struct open_how)) {
    return Error(EINVAL);
  }
  if (size > proto::kPageBytes) {
    return Error(E2BIG);
  }
  return ReadGrowingStruct<struct open_how>(mm, address, size);
}

// openat2 refuses what open ignores. (Linux: build_open_flags.)
Status CheckOpenHow(const struct open_how& how) {
  constexpr uint64_t kScopes = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
  constexpr uint64_t kWithPath = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const bool makes = (how.flags & (O_CREAT | kTmpfileBit)) != 0;
  const bool bad_mode = (how.mode & ~uint64_t{kModeBits}) != 0 || (!makes && how.mode != 0);
  const bool bad_path = (how.flags & O_PATH) != 0 && (how.flags & ~kWithPath) != 0;
  if ((how.flags & ~kKnownFlags) != 0 || (how.resolve & ~kKnownResolve) != 0 ||
      (how.resolve & kScopes) == kScopes || bad_mode || bad_path) {
    return Error(EINVAL);
  }
  const bool changes = (how.flags & (O_CREAT | O_TRUNC | kTmpfileBit)) != 0;
  return (how.resolve & RESOLVE_CACHED) != 0 && changes ? Status(Error(EAGAIN)) : Ok();
}

}  // namespace

Result<uint64_t> open(const SyscallArgs& args) {
  return DoOpen(args, AT_FDCWD, args.a[0], args.Uint(1), args.Uint(2));
}

Result<uint64_t> openat(const SyscallArgs& args) {
  return DoOpen(args, args.Int(0), args.a[1], args.Uint(2), args.Uint(3));
}

Result<uint64_t> creat(const SyscallArgs& args) {
  return DoOpen(args, AT_FDCWD, args.a[0], O_CREAT | O_WRONLY | O_TRUNC, args.Uint(1));
}

Result<uint64_t> openat2(const SyscallArgs& args) {
  const auto how = TRY(ReadOpenHow(*args.task.mm(), args.a[2], args.a[3]));
  TRY(CheckOpenHow(how));
  return DoOpen(args, args.Int(0), args.a[1], static_cast<uint32_t>(how.flags),
                static_cast<uint32_t>(how.mode), how.resolve);
}

Result<uint64_t> close(const SyscallArgs& args) {
  TRY(args.task.files().Close(args.Int(0)));
  return uint64_t{0};
}

Result<uint64_t> close_range(const SyscallArgs& args) {
  const uint32_t first = args.Uint(0);
  const uint32_t last = args.Uint(1);
  const uint32_t flags = args.Uint(2);
  if ((flags & ~uint32_t{CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC}) != 0 || first > last) {
    return Error(EINVAL);
  }
  if ((flags & CLOSE_RANGE_UNSHARE) != 0 && args.task.files().refs() > 1) {
    Ref<FdTable> copy = TRY(args.task.files().Copy());
    FdTable* shared = &args.task.files();
    args.task.set_files(copy.Leak());
    shared->Release();
  }
  FdTable& files = args.task.files();
  if ((flags & CLOSE_RANGE_CLOEXEC) != 0) {
    files.SetCloseOnExecRange(first, last);
    return uint64_t{0};
  }
  files.CloseRange(first, last);
  return uint64_t{0};
}

}  // namespace fv::guest::sys
