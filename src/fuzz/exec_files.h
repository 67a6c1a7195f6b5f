// SPDX-License-Identifier: Apache-2.0
//
// Files that programs execute besides the executor (FV_FUZZ_IMAGES): scripts whose interpreter it
// is, a program whose interpreter it is, and such as no kernel executes.
#pragma once

#include "absl/status/status.h"
#include "src/rootfs/file_tree.h"

namespace fv::fuzz {

absl::Status AddExecFiles(rootfs::FileTree& tree);

}  // namespace fv::fuzz
