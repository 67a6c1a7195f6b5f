// SPDX-License-Identifier: Apache-2.0
//
// Which pages of the dirty log to protect again. A page that is protected and then written costs
// the guest a fault, 5 us and more where page tables are shadowed; one that is left writable stays
// in the log and costs the log's reader a look. So a page that keeps being written is left in the
// log for a while: kernel stacks, slabs and the tables of a process that forks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/mapping.h"

namespace fv::vmm {

class BusyPages {
 public:
  // A page is busy when it was written kBusy times, each at most kNear takes after the one before.
  static constexpr uint32_t kBusy = 3;
  static constexpr uint32_t kNear = 16;
  // It is hot if none of them was farther than that from the one before, else warm.
  static constexpr uint32_t kHot = 4;
  // For so many takes, and up to twice as many, it is then not protected.
  static constexpr uint32_t kRest = 64;
  // Where a look costs next to nothing, a page rests from its second write on, and for longer.
  static constexpr uint32_t kCheapBusy = 2;
  static constexpr uint32_t kCheapNear = 64;
  static constexpr uint32_t kCheapRest = 512;
  enum class Looks : uint8_t { kCost, kAreCheap };
  // No more pages than that rest at a time: the log's reader looks at all of them each time.
  static constexpr uint32_t kMost = 512;
  // Of them, warm ones: a process's pages, of which there are many, leave room for the kernel's.
  static constexpr uint32_t kMostWarm = 256;

  // For a machine of `frames` frames. Throws VmmError.
  explicit BusyPages(uint64_t frames);

  // `dirty` is the log at this take, `protect` becomes the part of it to protect. A page of
  // `costly`, which may be shorter, rests only if it is hot: each look at it costs more than a
  // word.
  void Take(std::span<const uint64_t> dirty, std::span<const uint64_t> costly, Looks looks,
            std::vector<uint64_t>& protect);

 private:
  struct Page {
    uint16_t writes;  // in a row, kBusy at most
    uint16_t warm;    // a write of the row came later than kHot
    uint32_t when;    // busy: the take at which its rest ends; else that of the last write
  };
  bool HasRoom(const Page& page) const;
  bool IsToProtect(uint64_t frame, bool costly, Looks looks);

  Mapping pages_;  // a Page for each frame, zeros where nothing was ever written
  uint32_t take_ = 0;
  uint32_t resting_ = 0;
  uint32_t resting_warm_ = 0;
};

}  // namespace fv::vmm
