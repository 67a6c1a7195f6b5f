// SPDX-License-Identifier: Apache-2.0
//
// open(2), openat(2), openat2(2), creat(2), close(2), close_range(2).
#include <linux/close_range.h>
#include <linux/openat2.h>

#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

constexpr uint32_t kModeBits = 07777;
// Flags that openat2 knows (Linux: VALID_OPEN_FLAGS). O_SYNC contains O_DSYNC, O_TMPFILE
// O_DIRECTORY.
constexpr uint64_t kKnownFlags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
                                 O_NONBLOCK | O_SYNC | FASYNC | O_DIRECT | O_LARGEFILE |
                                 O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE;

Result<uint64_t> DoOpen(const SyscallArgs& args, int dirfd, uint64_t path_address, uint32_t flags,
                        uint32_t mode) {
  PathArgument path;
  TRY(path.Load(*args.task.mm(), path_address));
  FdTable& files = args.task.files();
  // The slot is taken before the file is opened, which may sleep or truncate.
  const int fd = TRY(files.Allocate(FdLimit(args)));
  Result<Ref<File>> file = OpenPath(CallerOf(args), dirfd, path.text(), flags | O_LARGEFILE,
                                    mode & kModeBits, IoContextOf(args));
  if (!file.ok()) {
    files.Cancel(fd);
    return file.error();
  }
  files.Install(fd, file.take(),
                (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo);
  return static_cast<uint64_t>(fd);
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
  if (args.a[3] < sizeof(struct open_how)) {
    return Error(EINVAL);
  }
  if (args.a[3] > sizeof(struct open_how)) {
    return Error(E2BIG);
  }
  const auto how = TRY(ReadUser<struct open_how>(*args.task.mm(), args.a[2]));
  const bool makes = (how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0;
  if ((how.flags & ~kKnownFlags) != 0 || (how.mode & ~uint64_t{kModeBits}) != 0 ||
      (!makes && how.mode != 0)) {
    return Error(EINVAL);
  }
  if (how.resolve != 0) {
    return Error(EINVAL);  // no RESOLVE_ restriction is known here
  }
  return DoOpen(args, args.Int(0), args.a[1], static_cast<uint32_t>(how.flags),
                static_cast<uint32_t>(how.mode));
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
