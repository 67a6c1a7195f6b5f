// SPDX-License-Identifier: Apache-2.0
//
// IoBuffer: walks the segments; user memory is reached through guest/mm/user_copy.h.
#include "guest/fs/io_buffer.h"

#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/mm/page_table.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

alignas(64) constexpr uint8_t kZeros[512] = {};

}  // namespace

IoBuffer::IoBuffer(Mm& mm, const IoSegment* segments, size_t count)
    : mm_(&mm), segments_(segments) {
  for (size_t i = 0; i < count; ++i) {
    remaining_ += segments[i].length;
  }
}

IoBuffer::IoBuffer(Mm* mm, IoSegment one)
    : mm_(mm), segments_(nullptr), remaining_(one.length), one_(one) {}

IoBuffer IoBuffer::User(Mm& mm, uint64_t address, size_t bytes) {
  return IoBuffer(&mm, IoSegment{address, bytes});
}

IoBuffer IoBuffer::Kernel(void* buffer, size_t bytes) {
  return IoBuffer(nullptr, IoSegment{reinterpret_cast<uint64_t>(buffer), bytes});
}

size_t IoBuffer::MovePiece(uint64_t address, uint8_t* kernel, size_t bytes, Direction direction) {
  const uint8_t* source = direction == Direction::kZero ? kZeros : kernel;
  if (mm_ == nullptr) {
    void* memory = reinterpret_cast<void*>(address);
    direction == Direction::kIn ? memcpy(kernel, memory, bytes) : memcpy(memory, source, bytes);
    return bytes;
  }
  return direction == Direction::kIn ? CopyFromUserPartial(*mm_, kernel, address, bytes)
                                     : CopyToUserPartial(*mm_, address, source, bytes);
}

size_t IoBuffer::Move(uint8_t* kernel, size_t bytes, Direction direction) {
  size_t moved = 0;
  bytes = bytes < remaining_ ? bytes : remaining_;
  while (moved < bytes && !faulted_) {
    const IoSegment& segment = segments_ == nullptr ? one_ : segments_[index_];
    if (offset_ == segment.length) {
      ++index_;
      offset_ = 0;
      continue;
    }
    size_t piece = segment.length - offset_;
    piece = piece < bytes - moved ? piece : bytes - moved;
    if (direction == Direction::kZero && piece > sizeof(kZeros)) {
      piece = sizeof(kZeros);
    }
    const size_t done = MovePiece(segment.base + offset_,
                                  kernel == nullptr ? kernel : kernel + moved, piece, direction);
    faulted_ = done < piece;
    moved += done;
    offset_ += done;
  }
  done_ += moved;
  remaining_ -= moved;
  return moved;
}

size_t IoBuffer::CopyOut(const void* from, size_t bytes) {
  return Move(const_cast<uint8_t*>(static_cast<const uint8_t*>(from)), bytes, Direction::kOut);
}

size_t IoBuffer::CopyIn(void* to, size_t bytes) {
  return Move(static_cast<uint8_t*>(to), bytes, Direction::kIn);
}

IoBuffer::PinnedPiece IoBuffer::PinNext() {
  PinnedPiece piece;
  if (remaining_ == 0 || faulted_) {
    return piece;
  }
  while (segments_ != nullptr && offset_ == segments_[index_].length) {
    ++index_;
    offset_ = 0;
  }
  const IoSegment& segment = segments_ == nullptr ? one_ : segments_[index_];
  const uint64_t address = segment.base + offset_;
  // A page that is there is taken by its entry alone; for one that is to be brought what the CPU
  // would let a program read is not enough. (Linux: gup_fast_pte_range, check_vma_flags.)
  constexpr proto::Pte kThere = proto::kPtePresent | proto::kPteUser;
  const proto::Pte* pte = LookupPte(*mm_, address);
  const bool is_there = pte != nullptr && (*pte & kThere) == kThere && PfnOfPte(*pte) != ZeroPfn();
  const Vma* vma = mm_->FindVma(address);
  const bool may_read = is_there || (vma != nullptr && (vma->flags & proto::kVmRead) != 0);
  const Result<uint64_t> pfn =
      may_read ? UserFrame(*mm_, address, FaultAccess::kRead) : Result<uint64_t>(Error(EFAULT));
  if (!pfn.ok()) {
    faulted_ = true;
    return piece;
  }
  piece.offset = static_cast<uint32_t>(address % proto::kPageBytes);
  piece.data = static_cast<const uint8_t*>(FrameData(pfn.value())) + piece.offset;
  const uint64_t in_page = proto::kPageBytes - piece.offset;
  uint64_t bytes = segment.length - offset_;
  bytes = bytes < in_page ? bytes : in_page;
  bytes = bytes < remaining_ ? bytes : remaining_;
  piece.bytes = static_cast<uint32_t>(bytes);
  piece.pfn = TryPinFrame(pfn.value()) ? pfn.value() : 0;
  offset_ += bytes;
  done_ += bytes;
  remaining_ -= bytes;
  return piece;
}

size_t IoBuffer::FillZero(size_t bytes) { return Move(nullptr, bytes, Direction::kZero); }

Result<uint64_t> IoBuffer::Outcome() const {
  if (done_ == 0 && faulted_) {
    return Error(EFAULT);
  }
  return uint64_t{done_};
}

}  // namespace fv::guest
