// SPDX-License-Identifier: Apache-2.0
//
// The basic blocks of a guest kernel that counts them (//guest:kernel_fuzz), found in its ELF file:
// Clang's SanitizerCoverage has put a byte for each block into one section, which the guest counts
// in, and the block's address into another, which is in the file only.
//
// The file may be the user's and the guest may be hostile: what is not as expected is no counter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vmm/guest_memory.h"

namespace fv::coverage {

// A kernel with more counts as one without.
inline constexpr size_t kMaxBlocks = size_t{1} << 16;
inline constexpr size_t kMaxCompares = size_t{1} << 16;

struct Block {
  uint64_t address;
  bool begins_function;
};

class KernelBlocks {
 public:
  // Without blocks if `kernel` does not count.
  explicit KernelBlocks(std::span<const uint8_t> kernel);

  const std::vector<Block>& blocks() const { return blocks_; }
  size_t size() const { return blocks_.size(); }

  // The counters in a guest that runs this kernel, one for each block; they wrap around. Empty if
  // they are not in its memory.
  std::vector<uint8_t> Read(const vmm::GuestMemory& memory) const;

 private:
  std::vector<Block> blocks_;
  uint64_t counters_gpa_ = 0;
};

// The bytes in which such a kernel notes how its comparisons came out: one is set for a place in
// the code and the highest bit in which the operands differed (guest/lib/compare_trace.cc).
class KernelCompares {
 public:
  explicit KernelCompares(std::span<const uint8_t> kernel);
  // Empty if there are none in this kernel, or in the guest's memory.
  std::vector<uint8_t> Read(const vmm::GuestMemory& memory) const;

 private:
  uint64_t gpa_ = 0;
  size_t size_ = 0;
};

// What was counted between two readings of one guest.
std::vector<uint8_t> CountedSince(const std::vector<uint8_t>& before, std::vector<uint8_t> after);

}  // namespace fv::coverage
