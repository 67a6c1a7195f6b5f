// SPDX-License-Identifier: Apache-2.0
//
// Mounts: which file system covers which directory. One table for the system; no namespaces.
// Locking: namespace_sem would guard the table.
#pragma once

#include "guest/fs/dentry.h"
#include "guest/fs/path.h"

namespace fv::guest {

inline constexpr unsigned kMaxMounts = 32;

struct Mount {
  Superblock superblock;
  char source[64];
  Ref<Dentry> root;
  Ref<Dentry> point;  // null: the root of all
  bool used;
};

// What /proc/filesystems lists and sysfs(2) counts, in this order.
inline constexpr const char* kFilesystemTypes[] = {"sysfs",  "tmpfs", "proc",  "devtmpfs",
                                                   "pipefs", "ramfs", "devpts"};

// Makes an empty file system of `type` ("ramfs", "tmpfs", "proc", "sysfs", "devpts") and covers
// `point` with it. `source` is what /proc/mounts shows first. Errors: ENODEV, ENOMEM, ENOSPC,
// ENOTDIR.
enum class MountAccess { kReadWrite, kReadOnly };
Status MountAt(const Ref<Dentry>& point, const char* type, const char* source,
               MountAccess access = MountAccess::kReadWrite);
// Makes the file system whose root this is writable or not. Errors: EINVAL (not a mount's root),
// EBUSY (a file in it is open for writing).
Status RemountRoot(Dentry& root, MountAccess access);
// Takes `root`, on which the caller holds one reference, out of the tree. kLazy: whoever is inside
// stays there. Errors: EINVAL (not a mount's root), EBUSY (the root of all, a mount below, or with
// kBusyCheck somebody inside).
enum class UmountMode { kBusyCheck, kLazy };
Status UnmountRoot(Dentry& root, UmountMode mode);
// The mounts in order; nullptr after the last.
const Mount* MountNumber(unsigned index);

// Roots of the synthetic file systems. Errors: ENOMEM.
Result<Ref<Inode>> MakeProcRoot(Superblock& superblock);
Result<Ref<Inode>> MakeSysRoot(Superblock& superblock);

}  // namespace fv::guest
