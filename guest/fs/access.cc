// SPDX-License-Identifier: Apache-2.0
//
// Permissions: who may read, write, search, own (path_resolution(7), capabilities(7)).
#include <linux/capability.h>
#include <linux/fcntl.h>

#include "guest/fs/task_hooks.h"
#include "guest/fs/vfs.h"
#include "guest/mm/memory_object.h"

namespace fv::guest {

namespace {

constexpr uint32_t kNoChange = ~0u;

bool Overrides(const Inode& inode, const Credentials& cred, uint32_t mask) {
  if (inode.IsDirectory()) {
    return cred.Capable(CAP_DAC_OVERRIDE) ||
           ((mask & kMayWrite) == 0 && cred.Capable(CAP_DAC_READ_SEARCH));
  }
  if (mask == kMayRead && cred.Capable(CAP_DAC_READ_SEARCH)) {
    return true;
  }
  const bool executable = (inode.mode() & 0111) != 0;
  return ((mask & kMayExec) == 0 || executable) && cred.Capable(CAP_DAC_OVERRIDE);
}

}  // namespace

Status CheckAccess(const Inode& inode, const Credentials& cred, uint32_t mask) {
  const bool on_disk = inode.IsRegular() || inode.IsDirectory() || inode.IsSymlink();
  if ((mask & kMayWrite) != 0 && inode.superblock().read_only && on_disk) {
    return Error(EROFS);
  }
  uint32_t granted = inode.mode();
  if (cred.fsuid == inode.uid) {
    granted >>= 6;
  } else if (cred.InGroup(inode.gid)) {
    granted >>= 3;
  }
  if ((mask & ~granted & 7) == 0 || Overrides(inode, cred, mask)) {
    return Ok();
  }
  return Error(EACCES);
}

Status ChangeMode(Inode& inode, const Credentials& cred, uint32_t permissions) {
  if (inode.superblock().read_only) {
    return Error(EROFS);
  }
  if (cred.fsuid != inode.uid && !cred.Capable(CAP_FOWNER)) {
    return Error(EPERM);
  }
  if (!cred.InGroup(inode.gid) && !cred.Capable(CAP_FSETID)) {
    permissions &= ~kModeSetGid;
  }
  return inode.SetMode(permissions);
}

Status ChangeOwner(Inode& inode, const Credentials& cred, uint32_t uid, uint32_t gid) {
  if (inode.superblock().read_only) {
    return Error(EROFS);
  }
  const bool owner = cred.fsuid == inode.uid;
  const bool may_uid = uid == kNoChange || (owner && uid == inode.uid);
  const bool may_gid = gid == kNoChange || (owner && (gid == inode.gid || cred.InGroup(gid)));
  if ((!may_uid || !may_gid) && !cred.Capable(CAP_CHOWN)) {
    return Error(EPERM);
  }
  TRY(inode.SetOwner(uid == kNoChange ? inode.uid : uid, gid == kNoChange ? inode.gid : gid));
  if (!inode.IsDirectory()) {
    // Whoever gives a file away does not leave it set-user-ID (chown(2)).
    uint32_t bits = kModeSetUid;
    bits |= (inode.mode() & kModeGroupExec) != 0 ? kModeSetGid : 0;
    inode.SetPermissions(inode.mode() & ~bits);
  }
  return Ok();
}

Status TruncateChecked(Inode& inode, uint64_t bytes, const IoContext& context) {
  if (inode.IsDirectory()) {
    return Error(EISDIR);
  }
  if (!inode.IsRegular()) {
    return Error(EINVAL);
  }
  const uint32_t sealed = bytes < inode.size()   ? uint32_t{F_SEAL_SHRINK}
                          : bytes > inode.size() ? uint32_t{F_SEAL_GROW}
                                                 : 0;
  if ((inode.seals & sealed) != 0) {
    return Error(EPERM);
  }
  if (bytes > inode.size() && bytes > context.file_size_limit) {
    SignalCurrentTask(kSignalFileSize);
    return Error(EFBIG);
  }
  TRY(inode.Truncate(bytes, context));
  DropPrivilegeBits(inode);
  return Ok();
}

void DropPrivilegeBits(Inode& inode) {
  if ((inode.mode() & (kModeSetUid | kModeSetGid)) == 0 ||
      CurrentCredentials().Capable(CAP_FSETID)) {
    return;
  }
  uint32_t bits = kModeSetUid;
  bits |= (inode.mode() & kModeGroupExec) != 0 ? kModeSetGid : 0;
  inode.SetPermissions(inode.mode() & ~bits);
}

}  // namespace fv::guest
