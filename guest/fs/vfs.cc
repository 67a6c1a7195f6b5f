// SPDX-License-Identifier: Apache-2.0
//
// Making and removing names. The checks stand in Linux's order, since programs look at which error
// wins: existence, then permission, then type.
#include "guest/fs/vfs.h"

#include <linux/capability.h>
#include <linux/fs.h>

#include "guest/fs/ramfs.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr uint32_t kMaxLinksToFile = 65000;

// Something may be added to `directory`.
Status MayCreate(const Dentry& directory, const Credentials& cred) {
  if (directory.unlinked()) {
    return Error(ENOENT);
  }
  if (const int error = directory.inode().create_error(); error != 0) {
    return Error(error);
  }
  return CheckAccess(directory.inode(), cred, kMayWrite | kMayExec);
}

enum class Want { kFile, kDirectory };

// `victim` may be taken out of its directory (unlink, rmdir, rename).
Status MayDelete(const Dentry& directory, const Dentry& victim, const Credentials& cred,
                 Want want) {
  TRY(CheckAccess(directory.inode(), cred, kMayWrite | kMayExec));
  const Inode& parent = directory.inode();
  const bool sticky = (parent.mode() & kModeSticky) != 0;
  if (sticky && cred.fsuid != victim.inode().uid && cred.fsuid != parent.uid &&
      !cred.Capable(CAP_FOWNER)) {
    return Error(EPERM);
  }
  if (want == Want::kDirectory) {
    if (!victim.inode().IsDirectory()) {
      return Error(ENOTDIR);
    }
    return victim.mounted || victim.covers() ? Status(Error(EBUSY)) : Ok();
  }
  return victim.inode().IsDirectory() ? Status(Error(EISDIR)) : Ok();
}

// Owner, group and set-group-ID of a new inode (inode_init_owner).
void InitOwner(Inode& inode, const Inode& directory, const Credentials& cred) {
  inode.uid = cred.fsuid;
  inode.gid = cred.fsgid;
  if ((directory.mode() & kModeSetGid) != 0) {
    inode.gid = directory.gid;
    if (inode.IsDirectory()) {
      inode.SetPermissions(inode.mode() | kModeSetGid);
    } else if ((inode.mode() & (kModeSetGid | kModeGroupExec)) == (kModeSetGid | kModeGroupExec) &&
               !cred.InGroup(inode.gid) && !cred.Capable(CAP_FSETID)) {
      inode.SetPermissions(inode.mode() & ~kModeSetGid);
    }
  }
}

Result<Ref<Dentry>> AddNew(const PathCaller& caller, const ParentLookup& where, Ref<Inode> inode) {
  InitOwner(*inode, where.parent->inode(), caller.cred);
  Ref<Dentry> dentry =
      TRY(Dentry::Create(where.parent, where.name, where.length, std::move(inode)));
  where.parent->AddChild(*dentry);
  return dentry;
}

// The name is free and something may be put there.
Status CheckNew(const PathCaller& caller, const ParentLookup& where) {
  if (where.child || where.kind != LastKind::kNormal) {
    return Error(EEXIST);
  }
  return MayCreate(*where.parent, caller.cred);
}

}  // namespace

Result<Ref<Dentry>> CreateNode(const PathCaller& caller, const ParentLookup& where, uint32_t mode,
                               uint64_t device) {
  if (where.trailing_slash && !where.child) {
    return Error(ENOENT);
  }
  TRY(CheckNew(caller, where));
  const uint32_t type = mode & kTypeMask;
  if ((type == kTypeCharDevice || type == kTypeBlockDevice) && !caller.cred.Capable(CAP_MKNOD)) {
    return Error(EPERM);
  }
  Superblock& superblock = where.parent->inode().superblock();
  const uint32_t bits = type | (mode & kModePermissions & ~caller.fs.mask);
  return AddNew(caller, where, TRY(MakeRamInode(superblock, bits, device)));
}

Status MakeDirectory(const PathCaller& caller, int dirfd, const char* path, uint32_t mode) {
  ParentLookup where;
  TRY(LookupParent(caller, dirfd, path, where));
  TRY(CheckNew(caller, where));
  const uint32_t bits = kTypeDirectory | (mode & 01777 & ~caller.fs.mask);
  Ref<Inode> inode = TRY(MakeRamInode(where.parent->inode().superblock(), bits));
  const Ref<Dentry> made = TRY(AddNew(caller, where, std::move(inode)));
  return Ok();
}

Status MakeSymlink(const PathCaller& caller, const char* text, int dirfd, const char* path) {
  const size_t length = strlen(text);
  if (length == 0) {
    return Error(ENOENT);
  }
  ParentLookup where;
  TRY(LookupParent(caller, dirfd, path, where));
  if (where.trailing_slash && !where.child) {
    return Error(ENOENT);
  }
  TRY(CheckNew(caller, where));
  Superblock& superblock = where.parent->inode().superblock();
  Ref<Inode> inode = TRY(MakeSymlinkInode(superblock, text, length));
  const Ref<Dentry> made = TRY(AddNew(caller, where, std::move(inode)));
  return Ok();
}

Status MakeLink(const PathCaller& caller, const Ref<Dentry>& target, int dirfd, const char* path) {
  ParentLookup where;
  TRY(LookupParent(caller, dirfd, path, where));
  if (where.trailing_slash && !where.child) {
    return Error(ENOENT);
  }
  if (where.child || where.kind != LastKind::kNormal) {
    return Error(EEXIST);
  }
  Inode& inode = target->inode();
  if (&inode.superblock() != &where.parent->inode().superblock()) {
    return Error(EXDEV);
  }
  TRY(MayCreate(*where.parent, caller.cred));
  if (inode.IsDirectory()) {
    return Error(EPERM);
  }
  if (inode.links == 0 && !inode.linkable) {
    return Error(ENOENT);
  }
  if (inode.links >= kMaxLinksToFile) {
    return Error(EMLINK);
  }
  if (inode.links > 0 && inode.superblock().NoRoomForInode()) {
    return Error(ENOSPC);
  }
  const Ref<Dentry> made =
      TRY(Dentry::Create(where.parent, where.name, where.length, Ref<Inode>(inode)));
  where.parent->AddChild(*made);
  inode.superblock().inodes += inode.links > 0 ? 1 : 0;
  ++inode.links;
  inode.linkable = false;
  inode.TouchChange();
  return Ok();
}

Status RemoveFile(const PathCaller& caller, int dirfd, const char* path) {
  ParentLookup where;
  TRY(LookupParent(caller, dirfd, path, where));
  if (where.kind != LastKind::kNormal) {
    return Error(EISDIR);
  }
  if (!where.child) {
    return Error(ENOENT);
  }
  if (where.trailing_slash) {
    return Error(where.child->inode().IsDirectory() ? EISDIR : ENOTDIR);
  }
  TRY(MayDelete(*where.parent, *where.child, caller.cred, Want::kFile));
  if (!where.child->linked()) {
    return Error(EPERM);  // an entry of a synthetic directory
  }
  Inode& inode = where.child->inode();
  where.parent->RemoveChild(*where.child);
  inode.DropLink();
  inode.TouchChange();
  return Ok();
}

Status RemoveDirectory(const PathCaller& caller, int dirfd, const char* path) {
  ParentLookup where;
  TRY(LookupParent(caller, dirfd, path, where));
  switch (where.kind) {
    case LastKind::kDotDot:
      return Error(ENOTEMPTY);
    case LastKind::kDot:
      return Error(EINVAL);
    case LastKind::kRoot:
      return Error(EBUSY);
    case LastKind::kNormal:
      break;
  }
  if (!where.child) {
    return Error(ENOENT);
  }
  TRY(MayDelete(*where.parent, *where.child, caller.cred, Want::kDirectory));
  if (!where.child->linked()) {
    return Error(EPERM);
  }
  if (where.child->HasChildren()) {
    return Error(ENOTEMPTY);
  }
  where.parent->RemoveChild(*where.child);
  where.child->inode().links = 0;
  return Ok();
}

Result<Ref<Dentry>> MakeUnnamed(Superblock& superblock, const char* name, uint32_t mode,
                                const Credentials& cred) {
  Ref<Inode> inode = TRY(MakeRamInode(superblock, mode));
  inode->uid = cred.fsuid;
  inode->gid = cred.fsgid;
  inode->links = 0;
  return Dentry::Create(nullptr, name, strlen(name), std::move(inode));
}

}  // namespace fv::guest
