// SPDX-License-Identifier: Apache-2.0
//
// open(2) below the system call: flags, creation, permission, truncation; and opening to execute.
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>

#include "guest/fs/ramfs.h"
#include "guest/fs/vfs.h"
#include "guest/mm/memory_object.h"

namespace fv::guest {

namespace {

constexpr uint32_t kTmpfileBit = O_TMPFILE & ~O_DIRECTORY;

uint32_t AccessMaskOf(uint32_t flags) {
  uint32_t mask = 0;
  switch (flags & O_ACCMODE) {
    case O_RDONLY:
      mask = kMayRead;
      break;
    case O_WRONLY:
      mask = kMayWrite;
      break;
    default:  // O_RDWR, and 3: both permissions are asked for, neither is given
      mask = kMayRead | kMayWrite;
      break;
  }
  return (flags & O_TRUNC) != 0 ? mask | kMayWrite : mask;
}

enum class Fresh { kNo, kYes };

Status CheckOpen(const Inode& inode, const Credentials& cred, uint32_t flags, Fresh fresh) {
  if (inode.IsSymlink()) {
    return Error(ELOOP);
  }
  if (inode.IsDirectory() && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0)) {
    return Error(EISDIR);
  }
  if ((flags & O_DIRECTORY) != 0 && !inode.IsDirectory()) {
    return Error(ENOTDIR);
  }
  if (inode.type() == kTypeSocket) {
    return Error(ENXIO);
  }
  if (fresh == Fresh::kYes) {
    return Ok();  // open(2): the mode of a new file does not bind its creator
  }
  const bool device = inode.type() == kTypeCharDevice || inode.type() == kTypeBlockDevice;
  if (device && (inode.superblock().mount_flags & kMountNoDev) != 0) {
    return Error(EACCES);
  }
  TRY(CheckAccess(inode, cred, AccessMaskOf(flags)));
  if ((AccessMaskOf(flags) & kMayWrite) != 0 && inode.IsRegular() && inode.write_count < 0) {
    return Error(ETXTBSY);
  }
  if ((flags & O_NOATIME) != 0 && cred.fsuid != inode.uid && !cred.Capable(CAP_FOWNER)) {
    return Error(EPERM);
  }
  return Ok();
}

Result<Ref<File>> OpenDentry(const PathCaller& caller, Ref<Dentry> dentry, uint32_t flags,
                             Fresh fresh, const IoContext& context) {
  Inode& inode = dentry->inode();
  TRY(CheckOpen(inode, caller.cred, flags, fresh));
  const Ref<Inode> keep(inode);
  Ref<File> file = TRY(inode.Open(std::move(dentry), flags));
  file->created = fresh == Fresh::kYes;
  if ((flags & O_TRUNC) != 0 && fresh == Fresh::kNo && inode.IsRegular()) {
    TRY(TruncateChecked(inode, 0, context));
  }
  return file;
}

Result<Ref<File>> OpenTmpfile(const PathCaller& caller, int dirfd, const char* path, uint32_t flags,
                              uint32_t mode, const IoContext& context) {
  if ((flags & O_ACCMODE) == O_RDONLY) {
    return Error(EINVAL);
  }
  const Ref<Dentry> directory = TRY(Lookup(caller, dirfd, path, kLookupFollow | kLookupDirectory));
  TRY(CheckAccess(directory->inode(), caller.cred, kMayWrite | kMayExec));
  const uint32_t bits = kTypeRegular | (mode & 07777 & ~caller.fs.mask);
  Ref<Dentry> dentry =
      TRY(MakeUnnamed(directory->inode().superblock(), "#tmpfile", bits, caller.cred));
  dentry->inode().linkable = (flags & O_EXCL) == 0;
  return OpenDentry(caller, std::move(dentry), flags & ~uint32_t{O_TMPFILE}, Fresh::kYes, context);
}

Result<Ref<File>> OpenCreate(const PathCaller& caller, int dirfd, const char* path, uint32_t flags,
                             uint32_t mode, const IoContext& context) {
  ParentLookup where;
  const bool follow = (flags & (O_EXCL | O_NOFOLLOW)) == 0;
  TRY(LookupParent(caller, dirfd, path, where, follow ? kLookupFollow : 0));
  if (where.trailing_slash || where.kind != LastKind::kNormal) {
    return Error((flags & O_EXCL) != 0 && where.child ? EEXIST : EISDIR);
  }
  if (where.child) {
    if ((flags & O_EXCL) != 0) {
      return Error(EEXIST);
    }
    if (where.child->mounted && (caller.resolve & RESOLVE_NO_XDEV) != 0) {
      return Error(EXDEV);
    }
    Ref<Dentry> target = CrossMounts(where.child);
    if (target->inode().IsDirectory()) {
      return Error(EISDIR);
    }
    return OpenDentry(caller, std::move(target), flags, Fresh::kNo, context);
  }
  const Ref<Dentry> made = TRY(CreateNode(caller, where, kTypeRegular | (mode & 07777), 0));
  Result<Ref<File>> file = OpenDentry(caller, made, flags, Fresh::kYes, context);
  if (!file.ok()) {  // no memory: a call that fails makes no file
    --made->inode().links;
    where.parent->RemoveChild(*made);
  }
  return file;
}

}  // namespace

Result<Ref<File>> OpenPath(const PathCaller& caller, int dirfd, const char* path, uint32_t flags,
                           uint32_t mode, const IoContext& context) {
  if ((flags & O_PATH) != 0) {
    flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  }
  if ((flags & kTmpfileBit) != 0) {
    return OpenTmpfile(caller, dirfd, path, flags, mode, context);
  }
  if ((flags & O_CREAT) != 0) {
    if ((flags & O_DIRECTORY) != 0) {
      return Error(EINVAL);
    }
    return OpenCreate(caller, dirfd, path, flags, mode, context);
  }
  uint32_t walk = (flags & O_NOFOLLOW) == 0 ? uint32_t{kLookupFollow} : 0;
  walk |= (flags & O_DIRECTORY) != 0 ? uint32_t{kLookupDirectory} : 0;
  Ref<Dentry> target = TRY(Lookup(caller, dirfd, path, walk));
  if ((flags & O_PATH) != 0) {
    return OpenPathOnly(std::move(target), flags);
  }
  return OpenDentry(caller, std::move(target), flags, Fresh::kNo, context);
}

Result<Ref<File>> OpenForExec(const PathCaller& caller, int dirfd, const char* path,
                              uint32_t flags) {
  Ref<Dentry> target = TRY(Lookup(caller, dirfd, path, flags));
  Inode& inode = target->inode();
  if (inode.IsSymlink()) {
    return Error(ELOOP);
  }
  if (!inode.IsRegular() || (inode.superblock().mount_flags & kMountNoExec) != 0) {
    return Error(EACCES);
  }
  TRY(CheckAccess(inode, caller.cred, kMayExec));
  if (inode.object() == nullptr) {
    return Error(EACCES);  // generated files of /proc
  }
  if (inode.write_count > 0) {
    return Error(ETXTBSY);
  }
  return OpenRegularForExec(std::move(target));
}

MemoryObject& ObjectOf(File& file) { return *file.inode().object(); }

}  // namespace fv::guest
