// SPDX-License-Identifier: Apache-2.0
//
// Argument decoding that the file families share: paths, descriptors, iovec arrays, the caller.
#pragma once

#include <linux/fcntl.h>
#include <linux/resource.h>

#include "guest/fs/fd_table.h"
#include "guest/fs/path.h"
#include "guest/lib/result.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/task.h"

namespace fv::guest {

// The most that one call transfers (Linux: MAX_RW_COUNT).
inline constexpr uint64_t kMaxTransfer = 0x7ffff000;
inline constexpr unsigned kMaxIovec = 1024;

// A path argument in kernel memory. Short ones need no allocation.
class PathArgument {
 public:
  PathArgument() = default;
  PathArgument(const PathArgument&) = delete;
  PathArgument& operator=(const PathArgument&) = delete;
  ~PathArgument();
  // Errors: EFAULT, ENAMETOOLONG, ENOMEM.
  Status Load(Mm& mm, uint64_t address);
  const char* text() const { return text_; }

 private:
  static constexpr size_t kInline = 160;
  char inline_[kInline] = {};
  char* text_ = inline_;
};

// An iovec array checked as import_iovec does. Errors: EINVAL, EFAULT, ENOMEM.
class IovecArgument {
 public:
  IovecArgument() = default;
  IovecArgument(const IovecArgument&) = delete;
  IovecArgument& operator=(const IovecArgument&) = delete;
  ~IovecArgument();
  Status Load(Mm& mm, uint64_t address, uint64_t count);
  IoBuffer Buffer(Mm& mm) const { return IoBuffer(mm, segments_, count_); }

 private:
  static constexpr size_t kInline = 8;
  IoSegment inline_[kInline] = {};
  IoSegment* segments_ = inline_;
  size_t count_ = 0;
};

// One buffer of read(2) or write(2). Errors: EFAULT (beyond user memory).
Result<IoBuffer> BufferArgument(Mm& mm, uint64_t address, uint64_t bytes);

inline PathCaller CallerOf(const SyscallArgs& args) {
  return {args.task.fs(), args.task.cred(), &args.task.files()};
}
inline IoContext IoContextOf(const SyscallArgs& args) {
  return {.file_size_limit = args.task.rlimit(RLIMIT_FSIZE)};
}
inline uint64_t FdLimit(const SyscallArgs& args) { return args.task.rlimit(RLIMIT_NOFILE); }
inline Result<Ref<File>> FileArgument(const SyscallArgs& args, unsigned index) {
  return args.task.files().Get(args.Int(index));
}
// Two new descriptors, whose numbers are written as int[2] to `address`: pipe(2), socketpair(2).
// Returns 0. Errors: EMFILE, ENOMEM, EFAULT; then no descriptor was made.
Result<uint64_t> InstallPair(const SyscallArgs& args, uint64_t address, Ref<File> first,
                             Ref<File> second, CloseOnExecFlag cloexec);

}  // namespace fv::guest
