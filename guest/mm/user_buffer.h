// SPDX-License-Identifier: Apache-2.0
//
// UserBuffer: an iovec array of process_vm_readv(2) and its family, consumed from the front. Bytes
// go from one process's memory to another's.
//
// A partial copy is a value: how much was copied before the first inaccessible byte, EFAULT only if
// it was nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"
#include "guest/mm/mm.h"

namespace fv::guest {

// By which right Copy reads.
enum class ReadRight : uint8_t {
  kCpu,   // what a program could read: all that is mapped with any right
  kRead,  // PROT_READ alone, as for pages that Linux pins
};

class UserBuffer {
 public:
  // The array is read from user memory once; together the ranges are cut at MAX_RW_COUNT. Errors:
  // EINVAL (more than 1024 ranges, a negative length), EFAULT, ENOMEM.
  static Result<UserBuffer> FromIovec(Mm& mm, uint64_t iovec, uint64_t count) {
    return FromIovec(mm, iovec, count, mm);
  }
  // The array is in `mm`, what it names in `target` (process_vm_readv(2)).
  static Result<UserBuffer> FromIovec(Mm& mm, uint64_t iovec, uint64_t count, Mm& target);
  UserBuffer(UserBuffer&& other) noexcept;
  UserBuffer(const UserBuffer&) = delete;
  UserBuffer& operator=(const UserBuffer&) = delete;
  ~UserBuffer();

  // Bytes not consumed yet.
  uint64_t remaining() const { return remaining_; }
  Mm& mm() const { return *mm_; }
  void set_read_right(ReadRight right) { read_right_ = right; }
  // From one user to another, with CopyBetweenUsers, and both advance.
  static Result<size_t> Copy(UserBuffer& from, UserBuffer& to, size_t bytes);
  // Makes the next pages of the range that is next accessible, at most `pages`, as pinning them
  // does; returns how many bytes of the range these hold. REQUIRES: remaining() != 0.
  uint64_t FaultIn(uint64_t pages, FaultAccess access);
  // Skips bytes without copying. REQUIRES: bytes <= remaining().
  void Advance(uint64_t bytes);

 private:
  struct Range {
    uint64_t address;
    uint64_t bytes;
  };
  static constexpr unsigned kInlineRanges = 8;

  explicit UserBuffer(Mm& mm) : mm_(&mm) {}
  template <typename Move>
  Result<size_t> Transfer(size_t bytes, Move move);
  size_t Readable(uint64_t address, size_t bytes) const;

  Mm* mm_;
  Range inline_[kInlineRanges] = {};
  Range* ranges_ = inline_;
  unsigned count_ = 0;
  unsigned at_ = 0;
  uint64_t remaining_ = 0;
  ReadRight read_right_ = ReadRight::kCpu;
};

}  // namespace fv::guest
