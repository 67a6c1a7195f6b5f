// SPDX-License-Identifier: Apache-2.0
//
// Files with a word or a bit for each physical frame, for who may see frame numbers:
// /proc/kpagecount (how many entries map it, counted by a walk of the reverse map),
// /proc/kpageflags, and /sys/kernel/mm/page_idle/bitmap (Linux: Documentation/admin-guide/mm/
// pagemap.rst, idle_page_tracking.rst). Frames past the end of RAM are the end of the file.
#include <linux/fs.h>
#include <linux/kernel-page-flags.h>

#include "guest/fs/object.h"
#include "guest/fs/proc_inode.h"
#include "guest/mm/frames.h"
#include "guest/mm/references.h"
#include "guest/mm/reverse_map.h"

namespace fv::guest {

namespace {

using proto::FrameState;

constexpr uint64_t kWord = sizeof(uint64_t);
constexpr uint64_t kBitsPerWord = 64;

uint64_t CountOf(uint64_t pfn) {
  uint64_t count = 0;
  ForEachEntryOf(pfn, [&count](const Vma&, uint64_t, const proto::Pte&) { ++count; });
  return count;
}

uint64_t FlagsOf(uint64_t pfn) {
  constexpr auto kBit = [](unsigned number) { return uint64_t{1} << number; };
  switch (FrameOf(pfn).state) {
    case FrameState::kFree:
      return kBit(KPF_BUDDY);
    case FrameState::kSlab:
      return kBit(KPF_SLAB);
    case FrameState::kPageTable:
      return kBit(KPF_PGTABLE);
    case FrameState::kZero:
      return kBit(KPF_ZERO_PAGE);
    case FrameState::kAnon:
      return kBit(KPF_UPTODATE) | kBit(KPF_LRU) | kBit(KPF_ANON) | kBit(KPF_SWAPBACKED) |
             (MapCount(pfn) != 0 ? kBit(KPF_MMAP) : 0);
    case FrameState::kFile:
      return kBit(KPF_UPTODATE) | kBit(KPF_LRU) | (MapCount(pfn) != 0 ? kBit(KPF_MMAP) : 0);
    case FrameState::kReserved:
    case FrameState::kKernelStack:
    case FrameState::kKernel:
      break;
  }
  return 0;
}

uint64_t IdleBits(uint64_t first) {
  uint64_t bits = 0;
  for (uint64_t i = 0; i < kBitsPerWord && first + i < TotalFrames(); ++i) {
    bits |= uint64_t{IsIdle(first + i)} << i;
  }
  return bits;
}

class FrameFile final : public File {
 public:
  FrameFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext&) override;
  Result<uint64_t> Seek(int64_t offset, int whence) override {
    return whence == SEEK_SET || whence == SEEK_CUR ? SeekWithin(position(), 0, offset, whence)
                                                    : Result<uint64_t>(Error(EINVAL));
  }
  bool seekable() const override { return true; }
  bool pollable() const override { return false; }

 private:
  ProcKind kind() const { return static_cast<const ProcInode&>(inode()).node().kind; }
  // Frames that a word of this file is about.
  uint64_t FramesPerWord() const { return kind() == ProcKind::kPageIdle ? kBitsPerWord : 1; }
  uint64_t WordAt(uint64_t pfn) const {
    switch (kind()) {
      case ProcKind::kPageCount:
        return CountOf(pfn);
      case ProcKind::kPageFlags:
        return FlagsOf(pfn);
      default:
        return IdleBits(pfn);
    }
  }
  void Destroy() override { DestroyObject(this); }
};

Result<uint64_t> FrameFile::Read(IoBuffer& to, uint64_t& position) {
  if (position % kWord != 0 || to.remaining() % kWord != 0) {
    return Error(EINVAL);
  }
  while (to.remaining() > 0 && !to.faulted()) {
    const uint64_t pfn = position / kWord * FramesPerWord();
    if (pfn >= TotalFrames()) {
      break;
    }
    const uint64_t word = WordAt(pfn);
    position += to.CopyOut(&word, kWord);
  }
  return to.Outcome();
}

// Set bits make their frames idle.
Result<uint64_t> FrameFile::Write(IoBuffer& from, uint64_t& position, const IoContext&) {
  if (kind() != ProcKind::kPageIdle) {
    return Error(EIO);
  }
  if (position % kWord != 0 || from.remaining() % kWord != 0) {
    return Error(EINVAL);
  }
  while (from.remaining() > 0) {
    const uint64_t first = position / kWord * kBitsPerWord;
    if (first >= TotalFrames()) {
      return from.done() != 0 ? from.Outcome() : Result<uint64_t>(Error(ENXIO));
    }
    uint64_t bits = 0;
    if (from.CopyIn(&bits, kWord) != kWord) {
      break;
    }
    for (uint64_t i = 0; i < kBitsPerWord && first + i < TotalFrames(); ++i) {
      if ((bits >> i & 1) != 0) {
        MakeIdle(first + i);
      }
    }
    position += kWord;
  }
  return from.Outcome();
}

}  // namespace

Result<Ref<File>> OpenFrameFile(Ref<Dentry> dentry, uint32_t flags) {
  FrameFile* file = MakeObject<FrameFile>(std::move(dentry), flags);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

}  // namespace fv::guest
