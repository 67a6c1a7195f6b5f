// SPDX-License-Identifier: Apache-2.0
//
// Calls that make, remove and rename names: mkdir(2), rmdir(2), unlink(2), rename(2), link(2),
// symlink(2), mknod(2), with their *at forms.
#include <linux/capability.h>
#include <linux/fs.h>

#include "guest/fs/vfs.h"
#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

Result<uint64_t> Zero(const Status& status) {
  return status.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(status.error());
}

Result<uint64_t> DoMkdir(const SyscallArgs& args, int dirfd, uint64_t address, uint32_t mode) {
  PathArgument path;
  TRY(path.Load(*args.task.mm(), address));
  return Zero(MakeDirectory(CallerOf(args), dirfd, path.text(), mode));
}

enum class Removal { kFile, kDirectory };

Result<uint64_t> DoUnlink(const SyscallArgs& args, int dirfd, uint64_t address, Removal removal) {
  PathArgument path;
  TRY(path.Load(*args.task.mm(), address));
  return Zero(removal == Removal::kDirectory ? RemoveDirectory(CallerOf(args), dirfd, path.text())
                                             : RemoveFile(CallerOf(args), dirfd, path.text()));
}

Result<uint64_t> DoRename(const SyscallArgs& args, int from_dirfd, uint64_t from_address,
                          int to_dirfd, uint64_t to_address, uint32_t flags) {
  const uint32_t both = RENAME_NOREPLACE | RENAME_EXCHANGE;
  if ((flags & ~both) != 0 || (flags & both) == both) {
    return Error(EINVAL);
  }
  PathArgument from;
  PathArgument to;
  TRY(from.Load(*args.task.mm(), from_address));
  if (const Status loaded = to.Load(*args.task.mm(), to_address); !loaded.ok()) {
    ParentLookup where;
    TRY(LookupParent(CallerOf(args), from_dirfd, from.text(), where));  // its error comes first
    return loaded.error();
  }
  return Zero(Rename(CallerOf(args), {from_dirfd, from.text(), to_dirfd, to.text()}, flags));
}

Result<uint64_t> DoLink(const SyscallArgs& args, int from_dirfd, uint64_t from_address,
                        int to_dirfd, uint64_t to_address, uint32_t flags) {
  if ((flags & ~uint32_t{AT_SYMLINK_FOLLOW | AT_EMPTY_PATH}) != 0) {
    return Error(EINVAL);
  }
  PathArgument from;
  TRY(from.Load(*args.task.mm(), from_address));
  if ((flags & AT_EMPTY_PATH) != 0 && from.text()[0] == '\0' &&
      !args.task.Capable(CAP_DAC_READ_SEARCH)) {
    return Error(ENOENT);
  }
  uint32_t walk = (flags & AT_SYMLINK_FOLLOW) != 0 ? uint32_t{kLookupFollow} : 0;
  walk |= (flags & AT_EMPTY_PATH) != 0 ? uint32_t{kLookupEmptyPath} : 0;
  Ref<Dentry> target = TRY(Lookup(CallerOf(args), from_dirfd, from.text(), walk));
  PathArgument to;
  TRY(to.Load(*args.task.mm(), to_address));
  return Zero(MakeLink(CallerOf(args), target, to_dirfd, to.text()));
}

Result<uint64_t> DoSymlink(const SyscallArgs& args, uint64_t text_address, int dirfd,
                           uint64_t path_address) {
  PathArgument text;
  PathArgument path;
  TRY(text.Load(*args.task.mm(), text_address));
  if (text.text()[0] == '\0') {
    return Error(ENOENT);
  }
  TRY(path.Load(*args.task.mm(), path_address));
  return Zero(MakeSymlink(CallerOf(args), text.text(), dirfd, path.text()));
}

Result<uint64_t> DoMknod(const SyscallArgs& args, int dirfd, uint64_t address, uint32_t mode,
                         uint64_t device) {
  uint32_t type = mode & kTypeMask;
  switch (type) {
    case 0:
      type = kTypeRegular;
      break;
    case kTypeRegular:
    case kTypeCharDevice:
    case kTypeBlockDevice:
    case kTypeFifo:
    case kTypeSocket:
      break;
    default:
      return Error(type == kTypeDirectory ? EPERM : EINVAL);
  }
  PathArgument path;
  TRY(path.Load(*args.task.mm(), address));
  ParentLookup where;
  TRY(LookupParent(CallerOf(args), dirfd, path.text(), where));
  const bool has_device = type == kTypeCharDevice || type == kTypeBlockDevice;
  const Result<Ref<Dentry>> made =
      CreateNode(CallerOf(args), where, type | (mode & kModePermissions), has_device ? device : 0);
  return made.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(made.error());
}

}  // namespace

Result<uint64_t> mkdir(const SyscallArgs& args) {
  return DoMkdir(args, AT_FDCWD, args.a[0], args.Uint(1));
}
Result<uint64_t> mkdirat(const SyscallArgs& args) {
  return DoMkdir(args, args.Int(0), args.a[1], args.Uint(2));
}

Result<uint64_t> rmdir(const SyscallArgs& args) {
  return DoUnlink(args, AT_FDCWD, args.a[0], Removal::kDirectory);
}
Result<uint64_t> unlink(const SyscallArgs& args) {
  return DoUnlink(args, AT_FDCWD, args.a[0], Removal::kFile);
}
Result<uint64_t> unlinkat(const SyscallArgs& args) {
  if ((args.Uint(2) & ~uint32_t{AT_REMOVEDIR}) != 0) {
    return Error(EINVAL);
  }
  return DoUnlink(args, args.Int(0), args.a[1],
                  args.Uint(2) != 0 ? Removal::kDirectory : Removal::kFile);
}

Result<uint64_t> rename(const SyscallArgs& args) {
  return DoRename(args, AT_FDCWD, args.a[0], AT_FDCWD, args.a[1], 0);
}
Result<uint64_t> renameat(const SyscallArgs& args) {
  return DoRename(args, args.Int(0), args.a[1], args.Int(2), args.a[3], 0);
}
Result<uint64_t> renameat2(const SyscallArgs& args) {
  return DoRename(args, args.Int(0), args.a[1], args.Int(2), args.a[3], args.Uint(4));
}

Result<uint64_t> link(const SyscallArgs& args) {
  return DoLink(args, AT_FDCWD, args.a[0], AT_FDCWD, args.a[1], 0);
}
Result<uint64_t> linkat(const SyscallArgs& args) {
  return DoLink(args, args.Int(0), args.a[1], args.Int(2), args.a[3], args.Uint(4));
}

Result<uint64_t> symlink(const SyscallArgs& args) {
  return DoSymlink(args, args.a[0], AT_FDCWD, args.a[1]);
}
Result<uint64_t> symlinkat(const SyscallArgs& args) {
  return DoSymlink(args, args.a[0], args.Int(1), args.a[2]);
}

Result<uint64_t> mknod(const SyscallArgs& args) {
  return DoMknod(args, AT_FDCWD, args.a[0], args.Uint(1), args.Uint(2));
}
Result<uint64_t> mknodat(const SyscallArgs& args) {
  return DoMknod(args, args.Int(0), args.a[1], args.Uint(2), args.Uint(3));
}

}  // namespace fv::guest::sys
