// SPDX-License-Identifier: Apache-2.0
//
// Runs of pages one behind the other in a file: of images in memory, and of snapshot files.
#pragma once

#include <cstdint>
#include <vector>

#include "vmm/snapshot/ram_image.h"

namespace fv::vmm {

// Runs with fewer frames between them are one: zeros in the file cost less than one mapping more.
inline constexpr uint64_t kJoinFrames = 16;

// Where each of `runs` lies, from the start of the first.
inline std::vector<Extent> Pack(const std::vector<FrameRange>& runs) {
  std::vector<Extent> extents;
  uint64_t offset = 0;
  for (const FrameRange& run : runs) {
    extents.push_back({run.first, run.end - run.first, offset});
    offset += (run.end - run.first) * proto::kPageBytes;
  }
  return extents;
}

}  // namespace fv::vmm
