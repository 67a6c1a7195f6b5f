// SPDX-License-Identifier: Apache-2.0
//
// stat(2) and its family, statx(2), access(2) and its family, readlink(2), statfs(2),
// ustat(2).
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/capability.h>
#include <linux/stat.h>

#include "guest/fs/mount.h"
#include "guest/fs/vfs.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

constexpr uint64_t kNs = 1'000'000'000;
constexpr uint64_t kBlockBytes = 4096;
constexpr uint32_t kStatxUnknown = 0x80000000;  // STATX__RESERVED

// What (dirfd, path, AT_ flags) names. An empty path with AT_EMPTY_PATH is dirfd itself, which need
// not be a directory; a null path counts as empty then, as since Linux 6.11.
Result<Ref<Inode>> Target(const SyscallArgs& args, int dirfd, uint64_t path_address,
                          uint32_t at_flags) {
  const bool may_be_empty = (at_flags & AT_EMPTY_PATH) != 0;
  PathArgument path;
  if (path_address != 0 || !may_be_empty) {
    TRY(path.Load(*args.task.mm(), path_address));
  }
  if (path.text()[0] == '\0' && may_be_empty && dirfd != AT_FDCWD) {
    const Ref<File> file = TRY(args.task.files().GetPath(dirfd));
    return Ref<Inode>(file->inode());
  }
  uint32_t flags = (at_flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : uint32_t{kLookupFollow};
  flags |= may_be_empty ? uint32_t{kLookupEmptyPath} : 0;
  const Ref<Dentry> dentry = TRY(Lookup(CallerOf(args), dirfd, path.text(), flags));
  return Ref<Inode>(dentry->inode());
}

void FillStat(const Inode& inode, struct stat& out) {
  out = {};
  out.st_dev = inode.superblock().device;
  out.st_ino = inode.number();
  out.st_nlink = inode.links;
  out.st_mode = inode.mode();
  out.st_uid = inode.uid;
  out.st_gid = inode.gid;
  out.st_rdev = inode.device_number;
  out.st_size = static_cast<long>(inode.size());
  out.st_blksize = kBlockBytes;
  out.st_blocks = static_cast<long>(inode.blocks());
  out.st_atime = inode.times.accessed / kNs;
  out.st_atime_nsec = inode.times.accessed % kNs;
  out.st_mtime = inode.times.modified / kNs;
  out.st_mtime_nsec = inode.times.modified % kNs;
  out.st_ctime = inode.times.changed / kNs;
  out.st_ctime_nsec = inode.times.changed % kNs;
}

Result<uint64_t> GiveStat(const SyscallArgs& args, const Inode& inode, uint64_t address) {
  struct stat out;
  FillStat(inode, out);
  TRY(WriteUser(*args.task.mm(), address, out));
  return uint64_t{0};
}

struct statx_timestamp Timestamp(uint64_t ns) {
  struct statx_timestamp out {};
  out.tv_sec = static_cast<int64_t>(ns / kNs);
  out.tv_nsec = static_cast<uint32_t>(ns % kNs);
  return out;
}

void FillStatx(const Inode& inode, struct statx& out) {
  out = {};
  out.stx_mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
  out.stx_blksize = kBlockBytes;
  out.stx_nlink = inode.links;
  out.stx_uid = inode.uid;
  out.stx_gid = inode.gid;
  out.stx_mode = static_cast<uint16_t>(inode.mode());
  out.stx_ino = inode.number();
  out.stx_size = inode.size();
  out.stx_blocks = inode.blocks();
  out.stx_atime = Timestamp(inode.times.accessed);
  out.stx_btime = Timestamp(inode.times.born);
  out.stx_ctime = Timestamp(inode.times.changed);
  out.stx_mtime = Timestamp(inode.times.modified);
  out.stx_rdev_major = DeviceMajor(inode.device_number);
  out.stx_rdev_minor = DeviceMinor(inode.device_number);
  out.stx_dev_major = DeviceMajor(inode.superblock().device);
  out.stx_dev_minor = DeviceMinor(inode.superblock().device);
  out.stx_mnt_id = inode.superblock().mount_id;
}

// access(2): by the real ids; capabilities count for a real uid of 0 only.
Result<uint64_t> DoAccess(const SyscallArgs& args, int dirfd, uint64_t path, uint32_t mode,
                          uint32_t at_flags) {
  constexpr uint32_t kModes = kMayRead | kMayWrite | kMayExec;
  if ((mode & ~kModes) != 0 ||
      (at_flags & ~uint32_t{AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH}) != 0) {
    return Error(EINVAL);
  }
  Credentials cred = args.task.cred();
  if ((at_flags & AT_EACCESS) == 0) {
    cred.fsuid = cred.uid;
    cred.fsgid = cred.gid;
    cred.cap_effective = cred.uid == 0 ? cred.cap_permitted : 0;
  }
  PathArgument text;
  TRY(text.Load(*args.task.mm(), path));
  uint32_t flags = (at_flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : uint32_t{kLookupFollow};
  flags |= (at_flags & AT_EMPTY_PATH) != 0 ? uint32_t{kLookupEmptyPath} : 0;
  const PathCaller caller{args.task.fs(), cred, &args.task.files()};
  const Ref<Dentry> dentry = TRY(Lookup(caller, dirfd, text.text(), flags));
  if (mode != 0) {
    const Inode& inode = dentry->inode();
    const bool runs = (mode & kMayExec) != 0 && inode.IsRegular();
    if (runs && (inode.superblock().mount_flags & kMountNoExec) != 0) {
      return Error(EACCES);
    }
    TRY(CheckAccess(inode, cred, mode));
  }
  return uint64_t{0};
}

Result<uint64_t> DoReadlink(const SyscallArgs& args, int dirfd, uint64_t path, uint64_t out,
                            int capacity) {
  if (capacity <= 0) {
    return Error(EINVAL);
  }
  PathArgument text;
  TRY(text.Load(*args.task.mm(), path));
  Ref<Inode> inode;
  if (text.text()[0] == '\0' && dirfd != AT_FDCWD) {
    inode = Ref<Inode>(TRY(args.task.files().GetPath(dirfd))->inode());
    if (!inode->IsSymlink()) {
      return Error(ENOENT);
    }
  } else {
    const Ref<Dentry> dentry = TRY(Lookup(CallerOf(args), dirfd, text.text(), 0));
    inode = Ref<Inode>(dentry->inode());
  }
  if (!inode->IsSymlink()) {
    return Error(EINVAL);
  }
  char link[512];
  size_t wanted = static_cast<size_t>(capacity);
  if (const char* whole = inode->link_text(); whole != nullptr) {
    size_t length = strlen(whole);
    length = length < wanted ? length : wanted;
    TRY(CopyToUser(*args.task.mm(), out, whole, length));
    inode->TouchAccess();
    return uint64_t{length};
  }
  const size_t length = TRY(inode->ReadLink(link, wanted < sizeof(link) ? wanted : sizeof(link)));
  TRY(CopyToUser(*args.task.mm(), out, link, length));
  return uint64_t{length};
}

struct statfs StatfsOf(const Superblock& superblock) {
  struct statfs out {};
  out.f_type = static_cast<long>(superblock.magic);
  out.f_bsize = kBlockBytes;
  out.f_frsize = kBlockBytes;
  out.f_namelen = kNameMax;
  if (superblock.pages.most != 0) {
    out.f_blocks = static_cast<long>(superblock.pages.most);
    out.f_bfree = static_cast<long>(superblock.pages.most - superblock.pages.used);
    out.f_bavail = out.f_bfree;
  }
  if (superblock.most_inodes != 0) {
    out.f_files = static_cast<long>(superblock.most_inodes);
    out.f_ffree = static_cast<long>(superblock.most_inodes - superblock.inodes);
  }
  if (&superblock == &RootSuperblock()) {
    out.f_blocks = static_cast<long>(TotalFrames() / 2);  // tmpfs's default size
    out.f_bfree = static_cast<long>(FreeFrameCount() < TotalFrames() / 2 ? FreeFrameCount()
                                                                         : TotalFrames() / 2);
    out.f_bavail = out.f_bfree;
    out.f_files = out.f_blocks;
    out.f_ffree = out.f_bfree;
  }
  constexpr uint32_t kValid = 0x20;  // ST_VALID
  const uint32_t flags = superblock.mount_flags & ~uint32_t{kMountStrictAtime};
  const bool plain = superblock.mount_flags == 0;
  out.f_flags = static_cast<long>(kValid | (plain ? uint32_t{kMountRelatime} : flags) |
                                  (superblock.read_only ? 1 : 0));
  out.f_fsid.val[0] = static_cast<int>(superblock.device);
  return out;
}

Result<uint64_t> GiveStatfs(const SyscallArgs& args, const Inode& inode, uint64_t address) {
  TRY(WriteUser(*args.task.mm(), address, StatfsOf(inode.superblock())));
  return uint64_t{0};
}

// Argument 0 itself is asked about, by no path or an empty one: other flags are not looked at.
// (Linux: getname_maybe_null, since 6.11.)
bool MeansDescriptor(const SyscallArgs& args, uint32_t at_flags) {
  if ((at_flags & AT_EMPTY_PATH) == 0 || args.Int(0) < 0) {
    return false;
  }
  const Result<char> first =
      args.a[1] == 0 ? Result<char>('\0') : ReadUser<char>(*args.task.mm(), args.a[1]);
  return first.ok() && first.value() == '\0';
}

// The mounted file system with this st_dev, or nullptr.
const Superblock* MountedDevice(uint32_t device) {
  const Mount* mount = nullptr;
  for (unsigned i = 0; (mount = MountNumber(i)) != nullptr; ++i) {
    if (mount->superblock.device == device) {
      return &mount->superblock;
    }
  }
  return nullptr;
}

}  // namespace

Result<uint64_t> stat(const SyscallArgs& args) {
  const Ref<Inode> inode = TRY(Target(args, AT_FDCWD, args.a[0], 0));
  return GiveStat(args, *inode, args.a[1]);
}

Result<uint64_t> lstat(const SyscallArgs& args) {
  const Ref<Inode> inode = TRY(Target(args, AT_FDCWD, args.a[0], AT_SYMLINK_NOFOLLOW));
  return GiveStat(args, *inode, args.a[1]);
}

Result<uint64_t> fstat(const SyscallArgs& args) {
  const Ref<File> file = TRY(args.task.files().GetPath(args.Int(0)));
  return GiveStat(args, file->inode(), args.a[1]);
}

Result<uint64_t> newfstatat(const SyscallArgs& args) {
  constexpr uint32_t kKnown = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
  if ((args.Uint(3) & ~kKnown) != 0 && !MeansDescriptor(args, args.Uint(3))) {
    return Error(EINVAL);
  }
  const Ref<Inode> inode = TRY(Target(args, args.Int(0), args.a[1], args.Uint(3)));
  return GiveStat(args, *inode, args.a[2]);
}

Result<uint64_t> statx(const SyscallArgs& args) {
  constexpr uint32_t kKnown =
      AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
  const uint32_t flags = args.Uint(2);
  if ((args.Uint(3) & kStatxUnknown) != 0 ||
      ((flags & ~kKnown) != 0 && !MeansDescriptor(args, flags)) ||
      (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) {
    return Error(EINVAL);
  }
  const Ref<Inode> inode = TRY(Target(args, args.Int(0), args.a[1], flags));
  struct statx out;
  FillStatx(*inode, out);
  TRY(WriteUser(*args.task.mm(), args.a[4], out));
  return uint64_t{0};
}

Result<uint64_t> access(const SyscallArgs& args) {
  return DoAccess(args, AT_FDCWD, args.a[0], args.Uint(1), 0);
}
Result<uint64_t> faccessat(const SyscallArgs& args) {
  return DoAccess(args, args.Int(0), args.a[1], args.Uint(2), 0);
}
Result<uint64_t> faccessat2(const SyscallArgs& args) {
  return DoAccess(args, args.Int(0), args.a[1], args.Uint(2), args.Uint(3));
}

Result<uint64_t> readlink(const SyscallArgs& args) {
  return DoReadlink(args, AT_FDCWD, args.a[0], args.a[1], args.Int(2));
}
Result<uint64_t> readlinkat(const SyscallArgs& args) {
  return DoReadlink(args, args.Int(0), args.a[1], args.a[2], args.Int(3));
}

Result<uint64_t> statfs(const SyscallArgs& args) {
  const Ref<Inode> inode = TRY(Target(args, AT_FDCWD, args.a[0], 0));
  return GiveStatfs(args, *inode, args.a[1]);
}
Result<uint64_t> fstatfs(const SyscallArgs& args) {
  const Ref<File> file = TRY(args.task.files().GetPath(args.Int(0)));
  return GiveStatfs(args, file->inode(), args.a[1]);
}

Result<uint64_t> ustat(const SyscallArgs& args) {
  struct Ustat {  // struct ustat
    int32_t free_blocks;
    uint64_t free_inodes;
    char name[6];
    char pack[6];
  };
  const Superblock* superblock = MountedDevice(args.Uint(0));
  if (superblock == nullptr) {
    return Error(EINVAL);
  }
  const struct statfs totals = StatfsOf(*superblock);
  Ustat out;
  memset(&out, 0, sizeof(out));  // the padding too
  out.free_blocks = static_cast<int32_t>(totals.f_bfree);
  out.free_inodes = static_cast<uint64_t>(totals.f_ffree);
  TRY(CopyToUser(*args.task.mm(), args.a[1], &out, sizeof(out)));
  return uint64_t{0};
}

}  // namespace fv::guest::sys
