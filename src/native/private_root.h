// SPDX-License-Identifier: Apache-2.0
//
// A root file system in a mount namespace: a tree in a tmpfs, with the device files, /proc and
// /sys that a guest has. It goes with its last process.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "src/rootfs/file_tree.h"

namespace fv::native {

// Makes `tree` the root of the calling process, which must have mount and pid namespaces of its
// own. PermissionDenied if the host does not permit the mounts.
absl::Status EnterPrivateRoot(const rootfs::FileTree& tree, uint64_t limit_bytes);

}  // namespace fv::native
