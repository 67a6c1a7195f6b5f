// SPDX-License-Identifier: Apache-2.0
//
// A checksum of bytes, for files and pages: not against forgers. Each step is a bijection of one of
// four lanes, so any change within one aligned group of 8 bytes is noticed for certain, and others
// but for one in 2^64.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace fv::vmm {

class ByteHash {
 public:
  void Add(std::span<const uint8_t> bytes) {
    length_ += bytes.size();
    while (bytes.size() >= sizeof(lanes_)) {
      for (uint64_t& lane : lanes_) lane = Step(lane, Word(bytes));
    }
    for (unsigned i = 0; !bytes.empty(); i = (i + 1) % 4) lanes_[i] = Step(lanes_[i], Word(bytes));
  }
  uint64_t value() const {
    uint64_t all = length_;
    for (const uint64_t lane : lanes_) all = Step(all, lane);
    return all ^ all >> 32;
  }

 private:
  static uint64_t Step(uint64_t lane, uint64_t word) {
    const uint64_t mixed = (lane ^ word) * 0x9E3779B97F4A7C15;
    return mixed << 29 | mixed >> 35;
  }
  // Takes up to 8 bytes off the front.
  static uint64_t Word(std::span<const uint8_t>& bytes) {
    uint64_t word = 0;
    const size_t count = bytes.size() < sizeof(word) ? bytes.size() : sizeof(word);
    std::memcpy(&word, bytes.data(), count);
    bytes = bytes.subspan(count);
    return word;
  }

  uint64_t lanes_[4] = {1, 2, 3, 4};
  uint64_t length_ = 0;
};

inline uint64_t HashBytes(std::span<const uint8_t> bytes) {
  ByteHash hash;
  hash.Add(bytes);
  return hash.value();
}

}  // namespace fv::vmm
