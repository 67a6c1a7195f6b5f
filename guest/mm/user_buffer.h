// SPDX-License-Identifier: Apache-2.0
//
// UserBuffer: the memory of a read(2)- or write(2)-like call, one range or an iovec array, consumed
// from the front. Files copy into it and out of it without knowing where the user's pages are.
//
// Partial copies are values: CopyIn and CopyOut return how much was copied before the first
// inaccessible byte, EFAULT only if it was nothing. The caller reports a count if anything was
// moved.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"
#include "guest/mm/mm.h"

namespace fv::guest {

// By which right CopyIn reads.
enum class ReadRight : uint8_t {
  kCpu,   // what a program could read: all that is mapped with any right
  kRead,  // PROT_READ alone, as for pages that Linux pins
};

class UserBuffer {
 public:
  // One range. The length is cut at MAX_RW_COUNT as Linux does.
  UserBuffer(Mm& mm, uint64_t address, uint64_t bytes);
  // The iovec array of readv(2) and its family, read from user memory once. Errors: EINVAL (more
  // than 1024 ranges, a negative length), EFAULT, ENOMEM.
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
  // From the kernel to the user (read) and advance; up to `bytes` and remaining(). EFAULT: nothing.
  Result<size_t> CopyOut(const void* from, size_t bytes);
  // From the user to the kernel (write) and advance.
  Result<size_t> CopyIn(void* to, size_t bytes);
  // From one user to another, with CopyBetweenUsers, and both advance.
  static Result<size_t> Copy(UserBuffer& from, UserBuffer& to, size_t bytes);
  // Makes the next pages of the range that is next accessible, at most `pages`, as pinning them
  // does; returns how many bytes of the range these hold. REQUIRES: remaining() != 0.
  uint64_t FaultIn(uint64_t pages, FaultAccess access);
  // Zeros to the user and advance.
  Result<size_t> ZeroOut(size_t bytes);
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
