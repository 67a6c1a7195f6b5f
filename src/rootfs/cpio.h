// SPDX-License-Identifier: Apache-2.0
//
// The "newc" form of cpio archives: what the guest kernel unpacks as its root. Source: cpio(5)
// of FreeBSD, "New ASCII Format"; Linux: Documentation/driver-api/early-userspace/buffer-format.
// Every field is eight hexadecimal digits, so a member holds less than 4 GiB. A file with several
// names is written once, with its last name, as GNU cpio does.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "src/rootfs/file_tree.h"

namespace fv::rootfs {

// Largest file that a member can carry, in bytes.
inline constexpr uint64_t kMaxMemberBytes = 0xFFFFFFFF;

// OutOfRange names the file that is too long for the format. Same tree, same bytes.
absl::StatusOr<std::string> WriteCpio(const FileTree& tree);

// DataLoss says what is wrong with the archive and at which byte. Several archives after each
// other are read as one, as Linux does.
absl::StatusOr<FileTree> ReadCpio(std::string_view archive);

}  // namespace fv::rootfs
