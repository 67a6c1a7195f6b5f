// SPDX-License-Identifier: Apache-2.0
//
// IoBuffer: the memory end of a read or a write, a list of segments in a program's address space
// or one buffer of the kernel. File operations copy to and from it and never see the difference.
// It advances as it is used. A bad user address stops a copy early and is remembered; a transfer
// that moved something reports the count, one that moved nothing reports EFAULT (read(2)).
// Context: task context; copying may fault pages in.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

class Mm;

struct IoSegment {  // layout of struct iovec
  uint64_t base;
  uint64_t length;
};

class IoBuffer {
 public:
  // `segments` must outlive the buffer.
  IoBuffer(Mm& mm, const IoSegment* segments, size_t count);
  static IoBuffer User(Mm& mm, uint64_t address, size_t bytes);
  static IoBuffer Kernel(void* buffer, size_t bytes);

  size_t remaining() const { return remaining_; }
  // Bytes moved so far.
  size_t done() const { return done_; }
  // A user address was bad; no further copy will move anything.
  bool faulted() const { return faulted_; }

  // Moves up to `bytes`; returns how many. Fewer than min(bytes, remaining()) only after a fault.
  size_t CopyOut(const void* from, size_t bytes);  // to the buffer (read)
  size_t CopyIn(void* to, size_t bytes);           // from the buffer (write)
  size_t FillZero(size_t bytes);
  // A piece of a user's page, pinned, up to the end of the page or of the segment; advances past
  // it. `pfn` is 0 where the page cannot be pinned (the zero frame, too many pins): the caller
  // copies from `data` at once. `bytes` is 0 at the end or after a fault. REQUIRES: a user's
  // buffer.
  struct PinnedPiece {
    uint64_t pfn = 0;
    const void* data = nullptr;
    uint32_t offset = 0;  // in the page
    uint32_t bytes = 0;
  };
  PinnedPiece PinNext();
  // Limits the transfer to `bytes` from here on.
  void Truncate(size_t bytes) { remaining_ = bytes < remaining_ ? bytes : remaining_; }
  // The result of a transfer: done(), or EFAULT when nothing moved because of a bad address.
  Result<uint64_t> Outcome() const;

 private:
  IoBuffer(Mm* mm, IoSegment one);
  enum class Direction { kOut, kIn, kZero };
  size_t Move(uint8_t* kernel, size_t bytes, Direction direction);
  size_t MovePiece(uint64_t address, uint8_t* kernel, size_t bytes, Direction direction);

  Mm* mm_;                     // nullptr: the segment is kernel memory
  const IoSegment* segments_;  // nullptr: `one_`
  size_t index_ = 0;
  size_t offset_ = 0;  // in the current segment
  size_t remaining_ = 0;
  size_t done_ = 0;
  bool faulted_ = false;
  IoSegment one_{0, 0};
};

}  // namespace fv::guest
