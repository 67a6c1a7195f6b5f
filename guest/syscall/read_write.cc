// SPDX-License-Identifier: Apache-2.0
//
// read(2), write(2), readv(2), pread(2), preadv2(2) and their twins, lseek(2).
#include <linux/fs.h>

#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

enum class Way { kRead, kWrite };

// At the file's own position, or at `*offset`.
Result<uint64_t> Transfer(const SyscallArgs& args, File& file, IoBuffer& buffer, Way way,
                          uint64_t* offset, AppendMode append = AppendMode::kAsOpened) {
  uint64_t& position = offset == nullptr ? file.position() : *offset;
  TaskTimes& times = args.task.times;
  if (way == Way::kRead) {
    Result<uint64_t> read = file.Read(buffer, position);
    ++times.reads;
    times.read_bytes += read.ok() ? read.value() : 0;
    return read;
  }
  IoContext context = IoContextOf(args);
  context.append = append;
  Result<uint64_t> written = file.Write(buffer, position, context);
  ++times.writes;
  times.written_bytes += written.ok() ? written.value() : 0;
  return written;
}

Result<Ref<File>> CheckedFile(const SyscallArgs& args, Way way) {
  Ref<File> file = TRY(FileArgument(args, 0));
  if (way == Way::kRead ? !file->readable() : !file->writable()) {
    return Error(EBADF);
  }
  return file;
}

Result<uint64_t> Simple(const SyscallArgs& args, Way way) {
  const Ref<File> file = TRY(CheckedFile(args, way));
  IoBuffer buffer = TRY(BufferArgument(*args.task.mm(), args.a[1], args.a[2]));
  return Transfer(args, *file, buffer, way, nullptr);
}

// What RWF_ flags say about appending. Errors: EOPNOTSUPP, EINVAL. (Linux: kiocb_set_rw_flags.)
Result<AppendMode> AppendModeOf(uint32_t flags) {
  constexpr uint32_t kNoAppend = 0x20;  // RWF_NOAPPEND, since Linux 6.9
  constexpr uint32_t kHints = RWF_HIPRI | RWF_DSYNC | RWF_SYNC;
  if ((flags & ~(kHints | RWF_APPEND | kNoAppend)) != 0) {
    return Error(EOPNOTSUPP);
  }
  switch (flags & (RWF_APPEND | kNoAppend)) {
    case 0:
      return AppendMode::kAsOpened;
    case RWF_APPEND:
      return AppendMode::kYes;
    case kNoAppend:
      return AppendMode::kNo;
    default:
      return Error(EINVAL);
  }
}

// For no bytes neither the file nor the flags are asked. (Linux: vfs_readv, vfs_writev.)
Result<uint64_t> TransferVector(const SyscallArgs& args, File& file, Way way, uint64_t* offset,
                                uint32_t flags) {
  IovecArgument iovec;
  TRY(iovec.Load(*args.task.mm(), args.a[1], args.Uint(2)));
  IoBuffer buffer = iovec.Buffer(*args.task.mm());
  if (buffer.remaining() == 0) {
    return uint64_t{0};
  }
  const AppendMode append = TRY(AppendModeOf(flags));
  return Transfer(args, file, buffer, way, offset, append);
}

Result<uint64_t> Vector(const SyscallArgs& args, Way way, uint32_t flags = 0) {
  const Ref<File> file = TRY(CheckedFile(args, way));
  return TransferVector(args, *file, way, nullptr, flags);
}

Result<Ref<File>> SeekableFile(const SyscallArgs& args, Way way, uint64_t offset) {
  if (static_cast<int64_t>(offset) < 0) {
    return Error(EINVAL);
  }
  Ref<File> file = TRY(FileArgument(args, 0));
  if (!file->seekable()) {
    return Error(ESPIPE);
  }
  if (way == Way::kRead ? !file->readable() : !file->writable()) {
    return Error(EBADF);
  }
  return file;
}

Result<uint64_t> Positioned(const SyscallArgs& args, Way way) {
  uint64_t offset = args.a[3];
  const Ref<File> file = TRY(SeekableFile(args, way, offset));
  IoBuffer buffer = TRY(BufferArgument(*args.task.mm(), args.a[1], args.a[2]));
  return Transfer(args, *file, buffer, way, &offset);
}

Result<uint64_t> PositionedVector(const SyscallArgs& args, Way way, uint32_t flags = 0) {
  uint64_t offset = args.a[3];  // on 64-bit machines the high half (args.a[4]) is shifted out
  const Ref<File> file = TRY(SeekableFile(args, way, offset));
  return TransferVector(args, *file, way, &offset, flags);
}

Result<uint64_t> PositionedVector2(const SyscallArgs& args, Way way) {
  const uint32_t flags = args.Uint(5);
  return args.a[3] == ~uint64_t{0} ? Vector(args, way, flags) : PositionedVector(args, way, flags);
}

}  // namespace

Result<uint64_t> read(const SyscallArgs& args) { return Simple(args, Way::kRead); }
Result<uint64_t> write(const SyscallArgs& args) { return Simple(args, Way::kWrite); }
Result<uint64_t> readv(const SyscallArgs& args) { return Vector(args, Way::kRead); }
Result<uint64_t> writev(const SyscallArgs& args) { return Vector(args, Way::kWrite); }
Result<uint64_t> pread64(const SyscallArgs& args) { return Positioned(args, Way::kRead); }
Result<uint64_t> pwrite64(const SyscallArgs& args) { return Positioned(args, Way::kWrite); }
Result<uint64_t> preadv(const SyscallArgs& args) { return PositionedVector(args, Way::kRead); }
Result<uint64_t> pwritev(const SyscallArgs& args) { return PositionedVector(args, Way::kWrite); }
Result<uint64_t> preadv2(const SyscallArgs& args) { return PositionedVector2(args, Way::kRead); }
Result<uint64_t> pwritev2(const SyscallArgs& args) { return PositionedVector2(args, Way::kWrite); }

Result<uint64_t> lseek(const SyscallArgs& args) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  if (args.Uint(2) > SEEK_MAX) {
    return Error(EINVAL);
  }
  return file->Seek(static_cast<int64_t>(args.a[1]), args.Int(2));
}

}  // namespace fv::guest::sys
