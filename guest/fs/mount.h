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
  Ref<Dentry> root;
  Ref<Dentry> point;  // null: the root of all
  bool used;
};

// Makes an empty file system of `type` ("ramfs", "tmpfs", "proc", "sysfs") and covers `point` with
// it. `source` is what /proc/mounts shows first. Errors: ENODEV, ENOMEM, EBUSY, ENOTDIR.
Status MountAt(Ref<Dentry> point, const char* type, const char* source);
// Errors: EINVAL (not a mount's root), EBUSY (the root, or something is mounted below; with
// `lazy` only the root).
enum class UmountMode { kBusyCheck, kLazy };
Status UnmountRoot(Dentry& root, UmountMode mode);
// The mounts in order; nullptr after the last.
const Mount* MountNumber(unsigned index);

// Roots of the synthetic file systems. Errors: ENOMEM.
Result<Ref<Inode>> MakeProcRoot(Superblock& superblock);
Result<Ref<Inode>> MakeSysRoot(Superblock& superblock);

}  // namespace fv::guest
