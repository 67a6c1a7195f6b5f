// SPDX-License-Identifier: Apache-2.0
//
// Loads the guest kernel: a static x86-64 ELF executable whose segments are page aligned, stand in
// the direct map and need no relocation (System V ABI, chapters 4 and 5). Anything else is refused
// with a reason: the file may come from the user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vmm/guest_memory.h"

namespace fv::vmm {

struct ImageSegment {
  uint64_t gpa;    // page aligned
  uint64_t bytes;  // in memory; the rest of the last page belongs to the segment too
  bool writable;
  bool executable;
};

struct LoadedImage {
  uint64_t entry_gva;
  uint64_t end_gpa;                    // page aligned, after the last segment
  std::vector<ImageSegment> segments;  // ascending, no page in two of them
};

// Checks `file` for a machine with `ram_bytes` of RAM. Throws VmmError (kBadImage).
LoadedImage CheckImage(std::span<const std::byte> file, uint64_t ram_bytes);

// CheckImage, then copies the segments into `memory`, whose bytes there must still be zero.
LoadedImage LoadImage(std::span<const std::byte> file, GuestMemory& memory);

}  // namespace fv::vmm
