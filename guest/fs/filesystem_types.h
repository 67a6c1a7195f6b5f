// SPDX-License-Identifier: Apache-2.0
//
// What each type of file system is when it is mounted: its superblock, its root, its options.
#pragma once

#include "guest/fs/mount.h"

namespace fv::guest {

// The name of a known type with static life, or nullptr.
const char* KnownType(const char* type);

// Fills the superblock and the options of the mount in `slot` and makes its root; `type` is of
// KnownType(). Slot 0 is the root of all. On an error superblock.reader is the caller's to release.
// Errors: ENOMEM, EINVAL (options).
Result<Ref<Inode>> MakeRootInode(Mount& mount, unsigned slot, const char* type,
                                 const char* options);

// Other options for a mounted tmpfs (tmpfs(5)). Errors: EINVAL.
Status ReconfigureTmpfs(Mount& mount, const char* text);

}  // namespace fv::guest
