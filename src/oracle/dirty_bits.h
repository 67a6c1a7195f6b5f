// SPDX-License-Identifier: Apache-2.0
//
// Which frames were written since the last safepoint: a bit a frame, as KVM_GET_DIRTY_LOG gives it.
// A set bit may be a false alarm, a clear bit never is. Frames beyond the bitmap count as written.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/layout.h"
#include "proto/records.h"

namespace fv::oracle {

class DirtyBits {
 public:
  explicit DirtyBits(std::span<const uint64_t> words) : words_(words) {}

  // Makes the list of frames(): without those of `open`, a bit a frame; it may be shorter.
  void List(std::span<const uint64_t> open) {
    frames_.clear();
    for (size_t i = 0; i < words_.size(); ++i) {
      uint64_t word = words_[i] & ~(i < open.size() ? open[i] : 0);
      for (; word != 0; word &= word - 1) {
        frames_.push_back(i * 64 + static_cast<unsigned>(std::countr_zero(word)));
      }
    }
  }

  bool Frame(uint64_t pfn) const {
    return pfn / 64 >= words_.size() || (words_[pfn / 64] >> (pfn % 64) & 1) != 0;
  }
  // Any frame of [gpa, gpa + bytes); bytes > 0.
  bool Range(uint64_t gpa, uint64_t bytes) const {
    const uint64_t last = (gpa + bytes - 1) >> proto::kPageShift;
    for (uint64_t pfn = gpa >> proto::kPageShift; pfn <= last; ++pfn) {
      if (Frame(pfn)) {
        return true;
      }
    }
    return false;
  }
  // As Range, for a record at an address of the direct map.
  bool Record(proto::GuestPtr pointer, uint64_t bytes) const {
    return Range(proto::PhysOfDirectMap(pointer), bytes);
  }

  // The written frames, ascending, as far as List was to name them.
  const std::vector<uint64_t>& frames() const { return frames_; }

 private:
  std::span<const uint64_t> words_;
  std::vector<uint64_t> frames_;
};

}  // namespace fv::oracle
