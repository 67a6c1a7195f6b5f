// SPDX-License-Identifier: Apache-2.0
//
// ioctl(2): what applies to any file; the rest is the file's.
#include <asm/ioctls.h>
#include <linux/fs.h>

#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

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

}  // namespace fv::guest::sys
