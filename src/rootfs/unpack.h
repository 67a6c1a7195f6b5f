// SPDX-License-Identifier: Apache-2.0
//
// Writes a tree into a directory of the host.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "src/rootfs/file_tree.h"

namespace fv::rootfs {

// `directory` exists and is empty. Modes, times, links, several names of one file and, where the
// caller may, owners and devices are as in the tree; what only a privileged caller could do is
// left out. Errors name the path.
absl::Status Unpack(const FileTree& tree, const std::string& directory);

}  // namespace fv::rootfs
