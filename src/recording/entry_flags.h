// SPDX-License-Identifier: Apache-2.0
//
// Page-table entries as recordings have them: a frame, and all other bits as EntryFlag.
#pragma once

#include <array>
#include <cstdint>

#include "proto/layout.h"
#include "proto/pte.h"

namespace fv::recording {

inline constexpr unsigned kEntryFlagBits = 24;
// By bit of the entry: its bit in the flags. Bits 12 to 51 are the frame.
inline constexpr unsigned kLowBits[12] = {0, 1, 2, 12, 13, 4, 5, 10, 11, 3, 7, 8};
inline constexpr unsigned kHighShift = 52;
inline constexpr unsigned kHighBits[12] = {9, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 6};

// The flags for each value of 12 bits.
constexpr std::array<uint32_t, 4096> SpreadTable(const unsigned (&bits)[12]) {
  std::array<uint32_t, 4096> table{};
  for (uint32_t value = 0; value < table.size(); ++value) {
    for (unsigned i = 0; i < 12; ++i) table[value] |= (value >> i & 1) << bits[i];
  }
  return table;
}
inline constexpr std::array<uint32_t, 4096> kLowFlags = SpreadTable(kLowBits);
inline constexpr std::array<uint32_t, 4096> kHighFlags = SpreadTable(kHighBits);

constexpr uint32_t FlagsOf(proto::Pte entry) {
  return kLowFlags[entry & 0xFFF] | kHighFlags[entry >> kHighShift];
}

constexpr uint64_t FrameOf(proto::Pte entry) {
  return (entry & proto::kPteFrameMask) >> proto::kPageShift;
}

// The other bits of an entry with these flags.
constexpr proto::Pte BitsOf(uint32_t flags) {
  proto::Pte entry = 0;
  for (unsigned i = 0; i < 12; ++i) {
    entry |= uint64_t{flags >> kLowBits[i] & 1} << i;
    entry |= uint64_t{flags >> kHighBits[i] & 1} << (kHighShift + i);
  }
  return entry;
}

constexpr proto::Pte EntryOf(uint32_t flags, uint64_t frame) {
  return BitsOf(flags) | (frame << proto::kPageShift & proto::kPteFrameMask);
}

}  // namespace fv::recording
