// SPDX-License-Identifier: Apache-2.0
//
// getdents64(2), getdents(2), getcwd(2), chdir(2), fchdir(2), chroot(2).
#include <linux/capability.h>

#include "guest/fs/vfs.h"
#include "guest/lib/string.h"
#include "guest/mm/slab.h"
#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

enum class RecordLayout { kDents64, kDents };

// Writes records to user memory as they come.
class UserDirSink final : public DirSink {
 public:
  UserDirSink(Mm& mm, uint64_t address, uint64_t room, RecordLayout layout)
      : mm_(mm), at_(address), room_(room), start_(address), layout_(layout) {}

  bool Entry(const char* name, size_t length, uint64_t inode, unsigned type,
             uint64_t cookie) override;

  uint64_t written() const { return at_ - start_; }
  bool too_small() const { return too_small_; }
  bool faulted() const { return faulted_; }

 private:
  Mm& mm_;
  uint64_t at_;
  uint64_t room_;
  uint64_t start_;
  RecordLayout layout_;
  bool too_small_ = false;
  bool faulted_ = false;
};

bool UserDirSink::Entry(const char* name, size_t length, uint64_t inode, unsigned type,
                        uint64_t cookie) {
  // struct linux_dirent64: type before the name; struct linux_dirent: type in the last byte.
  const size_t name_at = layout_ == RecordLayout::kDents64 ? 19 : 18;
  const size_t extra = layout_ == RecordLayout::kDents64 ? 1 : 2;
  const uint16_t bytes = static_cast<uint16_t>((name_at + length + extra + 7) & ~size_t{7});
  if (bytes > room_) {
    too_small_ = written() == 0;
    return false;
  }
  uint8_t record[19 + kNameMax + 10] = {};
  memcpy(record, &inode, 8);
  memcpy(record + 8, &cookie, 8);
  memcpy(record + 16, &bytes, 2);
  memcpy(record + name_at, name, length);
  record[layout_ == RecordLayout::kDents64 ? 18 : bytes - 1] = static_cast<uint8_t>(type);
  if (!CopyToUser(mm_, at_, record, bytes).ok()) {
    faulted_ = true;
    return false;
  }
  at_ += bytes;
  room_ -= bytes;
  return true;
}

Result<uint64_t> DoGetdents(const SyscallArgs& args, RecordLayout layout) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  UserDirSink sink(*args.task.mm(), args.a[1], args.Uint(2), layout);
  TRY(file->ReadDir(sink));
  if (sink.written() == 0 && sink.faulted()) {
    return Error(EFAULT);
  }
  if (sink.written() == 0 && sink.too_small()) {
    return Error(EINVAL);
  }
  return sink.written();
}

Status EnterDirectory(const SyscallArgs& args, Ref<Dentry> directory) {
  if (!directory->inode().IsDirectory()) {
    return Error(ENOTDIR);
  }
  TRY(CheckAccess(directory->inode(), args.task.cred(), kMayExec));
  args.task.fs().cwd = std::move(directory);
  return Ok();
}

Result<Ref<Dentry>> DirectoryArgument(const SyscallArgs& args) {
  PathArgument path;
  TRY(path.Load(*args.task.mm(), args.a[0]));
  Ref<Dentry> directory =
      TRY(Lookup(CallerOf(args), AT_FDCWD, path.text(), kLookupFollow | kLookupDirectory));
  TRY(CheckAccess(directory->inode(), args.task.cred(), kMayExec));
  return directory;
}

}  // namespace

Result<uint64_t> getdents64(const SyscallArgs& args) {
  return DoGetdents(args, RecordLayout::kDents64);
}
Result<uint64_t> getdents(const SyscallArgs& args) {
  return DoGetdents(args, RecordLayout::kDents);
}

Result<uint64_t> getcwd(const SyscallArgs& args) {
  static constexpr char kUnreachable[] = "(unreachable)";
  constexpr size_t kPrefix = sizeof(kUnreachable) - 1;
  const Dentry& cwd = *args.task.fs().cwd;
  if (cwd.unlinked()) {
    return Error(ENOENT);
  }
  char* text = static_cast<char*>(KernelAllocate(kPathMax + kPrefix));
  if (text == nullptr) {
    return Error(ENOMEM);
  }
  bool reachable = true;
  const Result<size_t> length =
      FormatPath(cwd, *args.task.fs().root, text + kPrefix, kPathMax, &reachable);
  Status status = length.ok() ? Ok() : Status(length.error());
  uint64_t bytes = 0;
  if (status.ok()) {
    const char* from = text + kPrefix;
    bytes = length.value() + 1;
    if (!reachable) {
      memcpy(text, kUnreachable, kPrefix);
      from = text;
      bytes += kPrefix;
    }
    status = bytes > args.a[1] ? Status(Error(ERANGE))
                               : CopyToUser(*args.task.mm(), args.a[0], from, bytes);
  }
  KernelFree(text, kPathMax + kPrefix);
  TRY(status);
  return bytes;
}

Result<uint64_t> chdir(const SyscallArgs& args) {
  args.task.fs().cwd = TRY(DirectoryArgument(args));
  return uint64_t{0};
}

Result<uint64_t> fchdir(const SyscallArgs& args) {
  const Ref<File> file = TRY(args.task.files().GetPath(args.Int(0)));
  TRY(EnterDirectory(args, Ref<Dentry>(file->dentry())));
  return uint64_t{0};
}

Result<uint64_t> chroot(const SyscallArgs& args) {
  Ref<Dentry> directory = TRY(DirectoryArgument(args));
  if (!args.task.Capable(CAP_SYS_CHROOT)) {
    return Error(EPERM);
  }
  args.task.fs().root = std::move(directory);
  return uint64_t{0};
}

}  // namespace fv::guest::sys
