// SPDX-License-Identifier: Apache-2.0
//
// rename(2) and renameat2(2).
#include <linux/capability.h>
#include <linux/fs.h>

#include "guest/fs/vfs.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

// `victim` may leave `directory` (sticky bit and write permission).
Status MayLeave(const Dentry& directory, const Dentry& victim, const Credentials& cred) {
  TRY(CheckAccess(directory.inode(), cred, kMayWrite | kMayExec));
  const Inode& parent = directory.inode();
  if ((parent.mode() & kModeSticky) != 0 && cred.fsuid != victim.inode().uid &&
      cred.fsuid != parent.uid && !cred.Capable(CAP_FOWNER)) {
    return Error(EPERM);
  }
  return Ok();
}

// A directory that moves to another parent has its ".." rewritten.
Status MayReparent(const Dentry& moved, const Dentry& from, const Dentry& to,
                   const Credentials& cred) {
  return moved.inode().IsDirectory() && &from != &to ? CheckAccess(moved.inode(), cred, kMayWrite)
                                                     : Ok();
}

Status CheckTarget(const ParentLookup& from, const ParentLookup& to, const Credentials& cred) {
  const Inode& source = from.child->inode();
  const Inode& target = to.child->inode();
  TRY(MayLeave(*to.parent, *to.child, cred));
  if (source.IsDirectory() && !target.IsDirectory()) {
    return Error(ENOTDIR);
  }
  if (!source.IsDirectory() && target.IsDirectory()) {
    return Error(EISDIR);
  }
  if (to.child->mounted || from.child->mounted) {
    return Error(EBUSY);
  }
  return target.IsDirectory() && to.child->HasChildren() ? Status(Error(ENOTEMPTY)) : Ok();
}

void ForgetTarget(const ParentLookup& to) {
  Inode& target = to.child->inode();
  to.parent->RemoveChild(*to.child);
  target.DropLink();
  target.TouchChange();
}

Status CheckNames(const ParentLookup& from, const ParentLookup& to, uint32_t flags) {
  if (&from.parent->inode().superblock() != &to.parent->inode().superblock()) {
    return Error(EXDEV);
  }
  if (from.kind != LastKind::kNormal) {
    return Error(EBUSY);
  }
  if (to.kind != LastKind::kNormal) {
    return Error((flags & RENAME_NOREPLACE) != 0 ? EEXIST : EBUSY);
  }
  if (!from.child) {
    return Error(ENOENT);
  }
  if ((flags & RENAME_NOREPLACE) != 0 && to.child) {
    return Error(EEXIST);
  }
  if ((flags & RENAME_EXCHANGE) != 0 && !to.child) {
    return Error(ENOENT);
  }
  const bool exchange_directory = (flags & RENAME_EXCHANGE) != 0 && to.child->inode().IsDirectory();
  if (!from.child->inode().IsDirectory() && (from.trailing_slash || to.trailing_slash) &&
      !(exchange_directory && !from.trailing_slash)) {
    return Error(ENOTDIR);
  }
  if (from.child->IsAncestorOf(*to.parent)) {
    return Error(EINVAL);
  }
  if (to.child && to.child->IsAncestorOf(*from.parent)) {
    return Error((flags & RENAME_EXCHANGE) != 0 ? EINVAL : ENOTEMPTY);
  }
  return Ok();
}

}  // namespace

Status Rename(const PathCaller& caller, const RenamePaths& paths, uint32_t flags) {
  ParentLookup from;
  ParentLookup to;
  TRY(LookupParent(caller, paths.from_dirfd, paths.from, from));
  TRY(LookupParent(caller, paths.to_dirfd, paths.to, to));
  TRY(CheckNames(from, to, flags));
  if (to.child && &to.child->inode() == &from.child->inode()) {
    return Ok();  // two links to one file: nothing happens
  }
  TRY(MayLeave(*from.parent, *from.child, caller.cred));
  TRY(MayReparent(*from.child, *from.parent, *to.parent, caller.cred));
  if (!from.child->linked()) {
    return Error(EPERM);
  }
  if ((flags & RENAME_EXCHANGE) != 0) {
    TRY(MayLeave(*to.parent, *to.child, caller.cred));
    TRY(MayReparent(*to.child, *to.parent, *from.parent, caller.cred));
    Dentry::Exchange(*from.child, *to.child);
    to.child->inode().TouchChange();
  } else {
    if (to.child) {
      TRY(CheckTarget(from, to, caller.cred));
    } else {
      if (to.parent->unlinked()) {
        return Error(ENOENT);
      }
      TRY(CheckAccess(to.parent->inode(), caller.cred, kMayWrite | kMayExec));
      if (from.child->mounted) {
        return Error(EBUSY);
      }
    }
    if (to.child) {
      ForgetTarget(to);
    }
    TRY(from.child->Move(*to.parent, to.name, to.length));
  }
  from.child->inode().TouchChange();
  return Ok();
}

}  // namespace fv::guest
