// SPDX-License-Identifier: Apache-2.0
//
// Which frames the oracle has to hear of when they are written. A frame that is watched costs the
// guest a fault when it is written next and KVM the work of protecting it, and a process that
// writes all of its memory between two forks has thousands of them, whose bytes nobody judges.
//
// Nothing is lost by an open frame, which the guest writes without our hearing of it:
//  - Bytes are judged by hash (I6, I22). An open frame has none; it is watched from the step on in
//    which one is taken, before the guest runs on.
//  - A write to a frame without hash says one thing: that its hash is to be taken when its writer
//    does not run. An open frame waits for that already (or is free, and counts as written as soon
//    as it is not).
//  - What the kernel keeps in memory (records, lists, page tables, frame table) is read again where
//    the log names a page, and the log names every open frame at every step. Only the list of
//    written frames (DirtyBits::frames), which is for hashes and known page tables, leaves them
//    out, and a page table is never open.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fv::oracle {

class WatchedFrames {
 public:
  explicit WatchedFrames(uint64_t frames) : open_((frames + 63) / 64), hashed_(open_.size()) {}

  // The guest may write there unheard.
  void Open(uint64_t pfn) {
    open_[pfn / 64] |= BitOf(pfn);
    hashed_[pfn / 64] &= ~BitOf(pfn);
  }
  void Watch(uint64_t pfn) {
    open_[pfn / 64] &= ~BitOf(pfn);
    hashed_[pfn / 64] &= ~BitOf(pfn);
  }
  // Watched, and each time that it is named its bytes are hashed.
  void WatchHashed(uint64_t pfn) {
    open_[pfn / 64] &= ~BitOf(pfn);
    hashed_[pfn / 64] |= BitOf(pfn);
  }
  bool IsOpen(uint64_t pfn) const { return (open_[pfn / 64] & BitOf(pfn)) != 0; }

  // A bit for each frame.
  std::span<const uint64_t> open() const { return open_; }
  std::span<const uint64_t> hashed() const { return hashed_; }

 private:
  static uint64_t BitOf(uint64_t pfn) { return uint64_t{1} << (pfn % 64); }

  std::vector<uint64_t> open_;
  std::vector<uint64_t> hashed_;
};

}  // namespace fv::oracle
