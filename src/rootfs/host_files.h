// SPDX-License-Identifier: Apache-2.0
//
// What the host's file system gives to a root: files, and directories with all that is below.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/rootfs/file_tree.h"

namespace fv::rootfs {

// With the path and the reason in the message. InvalidArgument: a device.
absl::StatusOr<std::string> ReadHostFile(const std::string& path);

// The host's `path` (its links followed) as a node; directories come without their entries.
absl::StatusOr<Node> ReadHostNode(const std::string& path);

// A directory of the host and all that is below it, as a tree. Modes, owners, links, devices and
// several names of one file are kept; sockets are left out; other file systems are entered.
absl::StatusOr<FileTree> ReadHostDirectory(const std::string& path);

}  // namespace fv::rootfs
