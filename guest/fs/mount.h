// SPDX-License-Identifier: Apache-2.0
//
// Mounts: which file system covers which directory. One table for the system; no namespaces.
// Locking: namespace_sem would guard the table.
#pragma once

#include "guest/fs/dentry.h"
#include "guest/fs/path.h"
#include "guest/fs/tmpfs_options.h"

namespace fv::guest {

inline constexpr unsigned kMaxMounts = 32;

// What of a mount happens in others that share it; there are none here, so it is only shown.
enum class Propagation { kPrivate, kShared, kUnbindable };

struct Mount {
  Superblock superblock;
  char source[64];
  char options[128];  // of the file system, as /proc/mounts shows them behind the mount's own
  TmpfsOptions tmpfs;
  Propagation propagation;
  uint32_t crossings_at_expiry;  // Dentry::crossings when it was marked for expiry; 0: it is not
  Ref<Dentry> root;
  Ref<Dentry> point;  // null: the root of all
  bool used;
};

// What /proc/filesystems lists and sysfs(2) counts, in this order.
inline constexpr const char* kFilesystemTypes[] = {"sysfs",  "tmpfs", "proc",  "devtmpfs",
                                                   "pipefs", "ramfs", "devpts"};

struct MountRequest {
  const char* type;
  const char* source;               // what /proc/mounts shows first
  const char* options = "";         // of the file system
  uint32_t flags = kMountRelatime;  // MountFlag
  bool read_only = false;
};
// Makes an empty file system of a type ("ramfs", "tmpfs", "proc", "sysfs", "devpts") and covers
// `point` with it. Errors: ENODEV, ENOMEM, ENOSPC, ENOTDIR, EINVAL (options).
Status MountAt(const Ref<Dentry>& point, const MountRequest& request);
// Gives the mount whose root this is other flags and options; the type is not looked at. kFlags:
// the options stay (MS_BIND). Errors: EINVAL (not a mount's root, options), EBUSY (read-only: a
// file in it is open for writing).
enum class RemountScope { kAll, kFlags };
Status RemountRoot(Dentry& root, const MountRequest& request, RemountScope scope);
// MountFlag of the mount whose root this is. Errors: EINVAL.
Result<uint32_t> MountFlagsOf(const Dentry& root);
// Moves the mount whose root this is to `point`. Errors: EINVAL (not a mount's root, or the root of
// all; a directory onto something else), ELOOP (into itself).
Status MoveMount(Dentry& root, const Ref<Dentry>& point);
// kBelow: and all mounts in it. Errors: EINVAL (not a mount's root).
enum class PropagationReach { kOne, kBelow };
Status SetPropagation(Dentry& root, Propagation propagation, PropagationReach reach);
// The first call marks it, the second succeeds if nobody walked into it in between; the caller has
// walked there itself. Errors: EAGAIN (marked), EBUSY, EINVAL.
Status CheckExpired(Dentry& root);
// Takes `root`, on which the caller holds one reference, out of the tree. kLazy: whoever is inside
// stays there. Errors: EINVAL (not a mount's root), EBUSY (the root of all, a mount below, or with
// kBusyCheck somebody inside).
enum class UmountMode { kBusyCheck, kLazy };
Status UnmountRoot(Dentry& root, UmountMode mode);
// The mounts in order; nullptr after the last.
const Mount* MountNumber(unsigned index);
// "rw,nosuid,relatime": how /proc shows the mount's own flags.
size_t FormatMountFlags(const Mount& mount, char* out, size_t capacity);
// The id of the mount that this one's point is in (/proc/PID/mountinfo).
uint32_t ParentMountId(const Mount& mount);

// Roots of the synthetic file systems. Errors: ENOMEM.
Result<Ref<Inode>> MakeProcRoot(Superblock& superblock);
Result<Ref<Inode>> MakeSysRoot(Superblock& superblock);

}  // namespace fv::guest
