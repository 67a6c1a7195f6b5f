// SPDX-License-Identifier: Apache-2.0
//
// The ring of pages behind a pipe. A write appends to the last page while it has room, so that many
// small writes share a page, then opens new slots. One emptied page is kept for the next write.
#include "guest/fs/object.h"
#include "guest/ipc/pipe.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"

namespace fv::guest {

namespace {

constexpr size_t kPage = proto::kPageBytes;

void* NewPage() {
  const Result<uint64_t> pfn = AllocateFrames(0, proto::FrameState::kKernel);
  return pfn.ok() ? FrameData(pfn.value()) : nullptr;
}

void FreePage(void* page) { FreeFrames(PfnOfPointer(page), 0); }

}  // namespace

PipeRing::~PipeRing() {
  while (count_ > 0) {
    DropFirst();
  }
  if (spare_ != nullptr) {
    FreePage(spare_);
  }
  KernelFree(pages_, slots_ * sizeof(PipePage));
}

Status PipeRing::Init(size_t pages) {
  pages_ = static_cast<PipePage*>(KernelAllocateZeroed(pages * sizeof(PipePage)));
  if (pages_ == nullptr) {
    return Error(ENOMEM);
  }
  slots_ = pages;
  return Ok();
}

void PipeRing::DropFirst() {
  void* page = At(0).data;
  if (At(0).frame == PipeFrame::kPinned) {
    UnpinFrame(PfnOfPointer(page));
  } else if (spare_ == nullptr) {
    spare_ = page;
  } else {
    FreePage(page);
  }
  At(0) = PipePage{};
  head_ = (head_ + 1) % slots_;
  --count_;
}

size_t PipeRing::TailRoom() const {
  if (count_ == 0) {
    return 0;
  }
  const PipePage& last = pages_[(head_ + count_ - 1) % slots_];
  const bool appends = last.mode == PipeMode::kStream && last.frame == PipeFrame::kOwn;
  return appends ? kPage - last.offset - last.length : 0;
}

bool PipeRing::RoomFor(size_t bytes, PipeMode mode) const {
  return !full() || (mode == PipeMode::kStream && TailRoom() >= bytes);
}

Result<size_t> PipeRing::Fill(IoBuffer& from, PipeMode mode) {
  size_t filled = 0;
  // A short write goes behind what the last page holds if it fits whole; else pages are fresh.
  if (mode == PipeMode::kStream && from.remaining() > 0) {
    const size_t tail = from.remaining() % kPage;
    if (tail != 0 && TailRoom() >= tail && count_ > 0) {
      PipePage& last = At(count_ - 1);
      const size_t moved =
          from.CopyIn(static_cast<uint8_t*>(last.data) + last.offset + last.length, tail);
      if (moved < tail) {
        return Error(EFAULT);
      }
      last.length += static_cast<uint32_t>(moved);
      bytes_ += moved;
      filled = moved;
    }
  }
  while (from.remaining() > 0 && !from.faulted() && !full()) {
    void* page = spare_ != nullptr ? spare_ : NewPage();
    spare_ = nullptr;
    if (page == nullptr) {
      return filled > 0 ? Result<size_t>(filled) : Result<size_t>(Error(ENOMEM));
    }
    const size_t wanted = from.remaining() < kPage ? from.remaining() : kPage;
    const size_t moved = from.CopyIn(page, wanted);
    if (moved < wanted) {  // a part of a page is none
      spare_ = page;
      break;
    }
    At(count_) = {page, 0, static_cast<uint32_t>(moved), mode, PipeFrame::kOwn};
    ++count_;
    bytes_ += moved;
    filled += moved;
  }
  return filled == 0 && from.faulted() ? Result<size_t>(Error(EFAULT)) : Result<size_t>(filled);
}

Result<size_t> PipeRing::FillPinned(IoBuffer& from) {
  const size_t before = from.done();
  while (!full()) {
    const IoBuffer::PinnedPiece piece = from.PinNext();
    if (piece.bytes == 0) {
      break;
    }
    PipePage page{nullptr, piece.offset, piece.bytes, PipeMode::kStream, PipeFrame::kPinned};
    if (piece.pfn != 0) {
      page.data = FrameData(piece.pfn);
    } else {
      page.data = spare_ != nullptr ? spare_ : NewPage();
      page.frame = PipeFrame::kOwn;
      spare_ = nullptr;
      if (page.data == nullptr) {
        const size_t moved = from.done() - before - piece.bytes;
        return moved > 0 ? Result<size_t>(moved) : Result<size_t>(Error(ENOMEM));
      }
      memcpy(static_cast<uint8_t*>(page.data) + piece.offset, piece.data, piece.bytes);
    }
    At(count_) = page;
    ++count_;
    bytes_ += piece.bytes;
  }
  if (from.done() == before && from.faulted()) {
    return Error(EFAULT);
  }
  return from.done() - before;
}

Result<size_t> PipeRing::Drain(IoBuffer& to) {
  size_t drained = 0;
  while (to.remaining() > 0 && count_ > 0) {
    PipePage& first = At(0);
    const size_t fits = first.length < to.remaining() ? first.length : to.remaining();
    if (to.CopyOut(static_cast<const uint8_t*>(first.data) + first.offset, fits) < fits) {
      return drained > 0 ? Result<size_t>(drained) : Result<size_t>(Error(EFAULT));
    }
    drained += fits;
    const bool packet = first.mode == PipeMode::kPacket;
    const size_t consumed = packet ? first.length : fits;
    first.offset += static_cast<uint32_t>(consumed);
    first.length -= static_cast<uint32_t>(consumed);
    bytes_ -= consumed;
    if (first.length == 0) {
      DropFirst();
    }
    if (packet) {
      break;
    }
  }
  return drained;
}

Result<size_t> PipeRing::Peek(IoBuffer& to, size_t skip) {
  const size_t before = to.done();
  for (size_t i = 0; i < count_ && to.remaining() > 0 && !to.faulted(); ++i) {
    const PipePage& page = At(i);
    if (skip >= page.length) {
      skip -= page.length;
      continue;
    }
    to.CopyOut(static_cast<const uint8_t*>(page.data) + page.offset + skip, page.length - skip);
    skip = 0;
  }
  return to.done() - before;
}

Status PipeRing::Resize(size_t pages) {
  if (pages < count_) {
    return Error(EBUSY);
  }
  auto* fresh = static_cast<PipePage*>(KernelAllocateZeroed(pages * sizeof(PipePage)));
  if (fresh == nullptr) {
    return Error(ENOMEM);
  }
  for (size_t i = 0; i < count_; ++i) {
    fresh[i] = At(i);
  }
  KernelFree(pages_, slots_ * sizeof(PipePage));
  pages_ = fresh;
  slots_ = pages;
  head_ = 0;
  return Ok();
}

}  // namespace fv::guest
