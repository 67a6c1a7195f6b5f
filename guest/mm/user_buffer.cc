// SPDX-License-Identifier: Apache-2.0
//
// See user_buffer.h.
#include "guest/mm/user_buffer.h"

#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {
namespace {

constexpr uint64_t kMaxRanges = 1024;  // UIO_MAXIOV
// Linux: MAX_RW_COUNT, the most that one call moves.
constexpr uint64_t kMaxBytes = 0x7FFFFFFF & ~(proto::kPageBytes - 1);

// How many of `bytes` from `address` on are mapped with all of `rights`.
size_t PrefixOf(const Mm& mm, uint64_t address, size_t bytes, uint64_t rights) {
  const uint64_t end = address + bytes;
  uint64_t at = address;
  while (at < end) {
    const Vma* vma = mm.FindVma(at);
    if (vma == nullptr || (vma->flags & rights) != rights) {
      break;
    }
    at = vma->end;
  }
  return at < end ? at - address : bytes;
}

}  // namespace

UserBuffer::UserBuffer(UserBuffer&& other) noexcept
    : mm_(other.mm_),
      ranges_(other.ranges_ == other.inline_ ? inline_ : other.ranges_),
      count_(other.count_),
      at_(other.at_),
      remaining_(other.remaining_),
      read_right_(other.read_right_) {
  for (unsigned i = 0; i < kInlineRanges; ++i) {
    inline_[i] = other.inline_[i];
  }
  other.ranges_ = other.inline_;
  other.remaining_ = 0;
}

UserBuffer::~UserBuffer() {
  if (ranges_ != inline_) {
    KernelFree(ranges_, count_ * sizeof(Range));
  }
}

Result<UserBuffer> UserBuffer::FromIovec(Mm& mm, uint64_t iovec, uint64_t count, Mm& target) {
  if (count > kMaxRanges) {
    return Error(EINVAL);
  }
  UserBuffer buffer(target);
  if (count > kInlineRanges) {
    auto* ranges = static_cast<Range*>(KernelAllocate(count * sizeof(Range)));
    if (ranges == nullptr) {
      return Error(ENOMEM);
    }
    buffer.ranges_ = ranges;
  }
  buffer.count_ = static_cast<unsigned>(count);
  TRY(CopyFromUser(mm, buffer.ranges_, iovec, count * sizeof(Range)));
  for (unsigned i = 0; i < count; ++i) {
    Range& range = buffer.ranges_[i];
    if (static_cast<int64_t>(range.bytes) < 0) {
      return Error(EINVAL);
    }
    if (range.bytes > proto::kUserEnd || range.address > proto::kUserEnd - range.bytes) {
      return Error(EFAULT);
    }
    const uint64_t room = kMaxBytes - buffer.remaining_;
    range.bytes = range.bytes < room ? range.bytes : room;
    buffer.remaining_ += range.bytes;
  }
  return buffer;
}

void UserBuffer::Advance(uint64_t bytes) {
  remaining_ -= bytes;
  while (bytes > 0) {
    Range& range = ranges_[at_];
    const uint64_t piece = bytes < range.bytes ? bytes : range.bytes;
    range.address += piece;
    range.bytes -= piece;
    bytes -= piece;
    if (range.bytes == 0) {
      ++at_;
    }
  }
}

// Calls move(user address, bytes done, piece) -> bytes moved, for each range in turn.
template <typename Move>
Result<size_t> UserBuffer::Transfer(size_t bytes, Move move) {
  bytes = bytes < remaining_ ? bytes : remaining_;
  size_t done = 0;
  while (done < bytes) {
    const Range range = ranges_[at_];
    if (range.bytes == 0) {
      ++at_;
      continue;
    }
    const size_t piece = bytes - done < range.bytes ? bytes - done : range.bytes;
    const size_t moved = move(range.address, done, piece);
    Advance(moved);
    done += moved;
    if (moved < piece) {
      break;
    }
  }
  if (done == 0 && bytes != 0) {
    return Error(EFAULT);
  }
  return done;
}

Result<size_t> UserBuffer::Copy(UserBuffer& from, UserBuffer& to, size_t bytes) {
  return from.Transfer(bytes, [&](uint64_t source, size_t, size_t piece) {
    const auto move = [&](uint64_t target, size_t done, size_t part) {
      return CopyBetweenUsers(*to.mm_, target, *from.mm_, source + done, part);
    };
    const Result<size_t> moved = to.Transfer(from.Readable(source, piece), move);
    return moved.ok() ? moved.value() : 0;
  });
}

// How many of `bytes` Copy may read by its right.
size_t UserBuffer::Readable(uint64_t address, size_t bytes) const {
  return read_right_ == ReadRight::kCpu ? bytes : PrefixOf(*mm_, address, bytes, proto::kVmRead);
}

uint64_t UserBuffer::FaultIn(uint64_t pages, FaultAccess access) {
  while (ranges_[at_].bytes == 0) {
    ++at_;
  }
  const Range& range = ranges_[at_];
  const uint64_t most = pages * proto::kPageBytes - range.address % proto::kPageBytes;
  const uint64_t right = access == FaultAccess::kWrite ? proto::kVmWrite : proto::kVmRead;
  const uint64_t wanted =
      PrefixOf(*mm_, range.address, range.bytes < most ? range.bytes : most, right);
  uint64_t done = 0;
  while (done < wanted && UserFrame(*mm_, range.address + done, access).ok()) {
    done += proto::kPageBytes - (range.address + done) % proto::kPageBytes;
  }
  return done < wanted ? done : wanted;
}

}  // namespace fv::guest
