// SPDX-License-Identifier: Apache-2.0
//
// Guest RAM as it was at one moment, never changed again. Three kinds: all pages in a memory file
// of the host's; pages of a snapshot file; and the pages that changed since another image, its
// parent. A page that is in none of them reads as zero.
//
// Machines map an image privately: they share its pages with one another until they write them.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "proto/layout.h"
#include "vmm/fd.h"
#include "vmm/guest_memory.h"
#include "vmm/mapping.h"

namespace fv::vmm {

using PageBytes = uint8_t[proto::kPageBytes];

// Frames that belong to no image: the restore window, whose content means nothing between resets.
struct FrameRange {
  uint64_t first = 0;
  uint64_t end = 0;
  bool Contains(uint64_t frame) const { return frame >= first && frame < end; }
};

// `count` pages from frame `first` on, which stand in a file from `offset` (page aligned) on.
struct Extent {
  uint64_t first;
  uint64_t count;
  uint64_t offset;
};

class RamImage {
 public:
  // All pages of `memory` that are not zero. Throws VmmError.
  static std::shared_ptr<const RamImage> Copy(const GuestMemory& memory, FrameRange without);
  // What differs from `parent` in the frames of `dirty` (bit i % 64 of word i / 64).
  static std::shared_ptr<const RamImage> Changes(std::shared_ptr<const RamImage> parent,
                                                 const GuestMemory& memory, FrameRange without,
                                                 const std::vector<uint64_t>& dirty);
  // Pages of a file, which stays open. `extents` are sorted, disjoint and inside file and RAM.
  // Throws VmmError.
  static std::shared_ptr<const RamImage> OfFile(Fd file, uint64_t ram_bytes,
                                                std::vector<Extent> extents);

  RamImage(const RamImage&) = delete;
  RamImage& operator=(const RamImage&) = delete;

  uint64_t ram_bytes() const { return ram_bytes_; }
  // The bytes of a frame; null: all zero.
  const uint8_t* Page(uint64_t frame) const;
  // Frames with content, ascending, as runs; runs closer than `join` frames are one.
  std::vector<FrameRange> Runs(uint64_t join) const;
  // RAM for a machine, whose pages are the image's until they are written. Throws VmmError.
  GuestMemory MapPrivate() const;

  // Sets the bits of all frames in which the images may differ. They need a common ancestor; false
  // (and nothing set) if there is none.
  static bool AddDifference(const RamImage& a, const RamImage& b, std::vector<uint64_t>& frames);

 private:
  explicit RamImage(uint64_t ram_bytes) : ram_bytes_(ram_bytes) {}
  void SetRoot(Fd file, std::vector<Extent> extents);
  const uint8_t* RootPage(uint64_t frame) const;

  uint64_t ram_bytes_;
  // A root: a file and what of it is RAM.
  Fd file_;
  std::vector<Extent> extents_;
  Mapping mapped_;  // the file, read-only
  // A child: `changed_` says which page of `content_` a frame is; kZero: it became zero.
  static constexpr uint32_t kZero = ~uint32_t{0};
  std::shared_ptr<const RamImage> parent_;
  uint32_t depth_ = 0;
  std::unordered_map<uint64_t, uint32_t> changed_;
  std::vector<uint8_t> content_;
};

// True if all of a page is zero.
bool IsZeroPage(const uint8_t* page);

}  // namespace fv::vmm
