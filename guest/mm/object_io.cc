// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing a memory object, page by page, from and to user or kernel memory.
#include "guest/introspect/introspect.h"
#include "guest/lib/list.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/mm/memory_object.h"
#include "guest/mm/user_buffer.h"

namespace fv::guest {
namespace {

uint64_t Min(uint64_t a, uint64_t b) { return a < b ? a : b; }
uint64_t InPage(uint64_t offset) { return offset & (proto::kPageBytes - 1); }

}  // namespace

void MemoryObject::NoteWrite(uint64_t offset, uint64_t count) const {
  EmitEvent(proto::EventKind::kObjectWrite, AddressOf(this), offset, count);
}

// Calls copy(data, done, count) -> Result<size_t> for the pieces of the range; data is nullptr
// where the object has a hole. Pages are not made: the backing is read in place.
template <typename Copy>
Result<uint64_t> MemoryObject::ReadChunks(uint64_t offset, uint64_t count, Copy copy) {
  if (offset >= bytes) {
    return 0;
  }
  count = Min(count, bytes - offset);
  uint64_t done = 0;
  while (done < count) {
    const uint64_t at = offset + done;
    uint64_t piece = Min(count - done, proto::kPageBytes - InPage(at));
    const uint8_t* data = nullptr;
    if (const uint64_t pfn = FindPage(at >> proto::kPageShift); pfn != 0) {
      data = static_cast<uint8_t*>(FrameData(pfn)) + InPage(at);
    } else if (at < backing_bytes_) {
      data = backing_ + at;
      piece = Min(piece, backing_bytes_ - at);
    }
    Result<size_t> copied = copy(data, done, piece);
    if (!copied.ok()) {
      return done != 0 ? Result<uint64_t>(done) : Result<uint64_t>(copied.error());
    }
    done += copied.value();
    if (copied.value() < piece) {
      break;
    }
  }
  return done;
}

template <typename Copy>
Result<uint64_t> MemoryObject::WriteChunks(uint64_t offset, uint64_t count, Copy copy) {
  constexpr uint64_t kMaxOffset = ~uint64_t{0} >> 1;
  if (offset > kMaxOffset || count > kMaxOffset - offset) {
    return Error(EFBIG);
  }
  uint64_t done = 0;
  Error error(EFAULT);
  while (done < count) {
    const uint64_t at = offset + done;
    const uint64_t piece = Min(count - done, proto::kPageBytes - InPage(at));
    Result<uint64_t> pfn = FindOrInsert(at >> proto::kPageShift);
    if (!pfn.ok()) {
      error = pfn.error();
      break;
    }
    Result<size_t> copied =
        copy(static_cast<uint8_t*>(FrameData(pfn.value())) + InPage(at), done, piece);
    if (!copied.ok()) {
      break;
    }
    done += copied.value();
    NoteWrite(at, copied.value());
    bytes = offset + done > bytes ? offset + done : bytes;
    if (copied.value() < piece) {
      break;
    }
  }
  if (done < count) {
    RemovePages(PageCount(), kNoPage);  // a page made for bytes that did not come
  }
  return done != 0 || count == 0 ? Result<uint64_t>(done) : Result<uint64_t>(error);
}

Result<uint64_t> MemoryObject::Read(UserBuffer& to, uint64_t offset, uint64_t count) {
  return ReadChunks(offset, Min(count, to.remaining()),
                    [&to](const uint8_t* data, uint64_t, uint64_t piece) {
                      return data != nullptr ? to.CopyOut(data, piece) : to.ZeroOut(piece);
                    });
}

Result<uint64_t> MemoryObject::Write(UserBuffer& from, uint64_t offset, uint64_t count) {
  return WriteChunks(
      offset, Min(count, from.remaining()),
      [&from](uint8_t* data, uint64_t, uint64_t piece) { return from.CopyIn(data, piece); });
}

Result<uint64_t> MemoryObject::ReadKernel(uint64_t offset, void* to, uint64_t count) {
  auto* out = static_cast<uint8_t*>(to);
  return ReadChunks(offset, count,
                    [out](const uint8_t* data, uint64_t done, uint64_t piece) -> Result<size_t> {
                      if (data != nullptr) {
                        memcpy(out + done, data, piece);
                      } else {
                        memset(out + done, 0, piece);
                      }
                      return piece;
                    });
}

Result<uint64_t> MemoryObject::WriteKernel(uint64_t offset, const void* from, uint64_t count) {
  const auto* in = static_cast<const uint8_t*>(from);
  return WriteChunks(offset, count,
                     [in](uint8_t* data, uint64_t done, uint64_t piece) -> Result<size_t> {
                       memcpy(data, in + done, piece);
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
