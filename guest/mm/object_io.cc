// SPDX-License-Identifier: Apache-2.0
//
// Reading, writing and clearing the bytes of a memory object, page by page.
#include "guest/introspect/introspect.h"
#include "guest/lib/list.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/mm/memory_object.h"

namespace fv::guest {
namespace {

uint64_t Min(uint64_t a, uint64_t b) { return a < b ? a : b; }
}  // namespace

void MemoryObject::NoteWrite(uint64_t offset, uint64_t count) const {
  EmitEvent(proto::EventKind::kObjectWrite, AddressOf(this), offset, count);
}

// Pages are not made: the backing is read in place.
Result<uint64_t> MemoryObject::ReadKernel(uint64_t offset, void* to, uint64_t count) {
  if (offset >= bytes) {
    return 0;
  }
  count = Min(count, bytes - offset);
  for (uint64_t done = 0; done < count;) {
    const uint64_t at = offset + done;
    uint64_t piece = Min(count - done, proto::kPageBytes - InPage(at));
    uint8_t* out = static_cast<uint8_t*>(to) + done;
    if (const uint64_t pfn = FindPage(at >> proto::kPageShift); pfn != 0) {
      memcpy(out, static_cast<uint8_t*>(FrameData(pfn)) + InPage(at), piece);
    } else if (at < backing_bytes_) {
      piece = Min(piece, backing_bytes_ - at);
      memcpy(out, backing_ + at, piece);
    } else {
      memset(out, 0, piece);
    }
    done += piece;
  }
  return count;
}

Result<uint64_t> MemoryObject::WriteKernel(uint64_t offset, const void* from, uint64_t count) {
  const auto* next = static_cast<const uint8_t*>(from);
  return Write(offset, count, [&next](uint8_t* to, size_t piece) {
    memcpy(to, next, piece);
    next += piece;
    return piece;
  });
}

Status MemoryObject::ZeroPages(uint64_t offset, uint64_t end) {
  for (uint64_t at = offset; at < end;) {
    const uint64_t piece = Min(end - at, proto::kPageBytes - InPage(at));
    const uint64_t index = at >> proto::kPageShift;
    // A page that was never made and has no backing is a hole already.
    const uint64_t pfn = at < backing_bytes_ ? TRY(FindOrInsert(index)) : FindPage(index);
    if (pfn != 0) {
      memset(static_cast<uint8_t*>(FrameData(pfn)) + InPage(at), 0, piece);
      NoteWrite(at, piece);
    }
    at += piece;
  }
  return Ok();
}

Status MemoryObject::PunchHole(uint64_t offset, uint64_t count) {
  if (offset >= bytes) {
    return Ok();
  }
  NoteChange(proto::SafepointKind::kSyscall);
  const uint64_t end = offset + Min(count, bytes - offset);
  // A removed page would come back from the backing.
  const uint64_t from_backing = PagesFor(backing_bytes_);
  const uint64_t first = PagesFor(offset) > from_backing ? PagesFor(offset) : from_backing;
  const uint64_t last = Min((offset + count) >> proto::kPageShift, PageCount());
  if (first >= last) {
    return ZeroPages(offset, end);
  }
  TRY(UnmapPages(first, last, PrivateCopies::kKeep));
  RemovePages(first, last);
  TRY(ZeroPages(offset, first << proto::kPageShift));
  return ZeroPages(last << proto::kPageShift, end);
}

}  // namespace fv::guest
