// SPDX-License-Identifier: Apache-2.0
//
// dup(2) and its family, fcntl(2) but for locks (file_locks.cc) and owners (file_owners.cc).
#include "guest/syscall/file_control.h"

namespace fv::guest::sys {

namespace {

constexpr int kDupFdQuery = 1027;    // F_DUPFD_QUERY, since Linux 6.10
constexpr int kCreatedQuery = 1028;  // F_CREATED_QUERY, since Linux 6.12

Result<uint64_t> Duplicate(const SyscallArgs& args, uint64_t minimum, CloseOnExecFlag cloexec) {
  Ref<File> file = TRY(args.task.files().GetPath(args.Int(0)));
  if (minimum >= FdLimit(args)) {
    return Error(EINVAL);
  }
  const int fd = TRY(args.task.files().Add(std::move(file), cloexec, FdLimit(args),
                                           static_cast<uint32_t>(minimum)));
  return static_cast<uint64_t>(fd);
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
      return OwnerControl(args, file, command);
  }
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

}  // namespace fv::guest::sys
