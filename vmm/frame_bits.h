// SPDX-License-Identifier: Apache-2.0
//
// Sets of frames as bitmaps: bit i % 64 of word i / 64 is frame i.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace fv::vmm {

inline void AddFrame(std::span<uint64_t> frames, uint64_t frame) {
  frames[frame / 64] |= uint64_t{1} << frame % 64;
}

// Calls visit(frame) for each frame of the set, ascending.
template <typename Visit>
void ForEachFrame(std::span<const uint64_t> frames, Visit visit) {
  for (uint64_t word = 0; word < frames.size(); ++word) {
    for (uint64_t rest = frames[word]; rest != 0; rest &= rest - 1) {
      visit(word * 64 + static_cast<uint64_t>(std::countr_zero(rest)));
    }
  }
}

}  // namespace fv::vmm
