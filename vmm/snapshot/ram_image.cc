// SPDX-License-Identifier: Apache-2.0
//
// Roots keep their pages in a file, children on the heap.
#include "vmm/snapshot/ram_image.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "vmm/error.h"
#include "vmm/file_bytes.h"
#include "vmm/frame_bits.h"
#include "vmm/memory_file.h"
#include "vmm/snapshot/extents.h"

namespace fv::vmm {
namespace {

using proto::kPageBytes;

void AppendFrame(std::vector<FrameRange>& runs, uint64_t frame, uint64_t join) {
  if (!runs.empty() && frame - runs.back().end < join) {
    runs.back().end = frame + 1;
  } else {
    runs.push_back({frame, frame + 1});
  }
}

}  // namespace

bool IsZeroPage(const uint8_t* page) {
  // A page is all zero if it begins with a zero and every byte equals the one before it.
  return page[0] == 0 && std::memcmp(page, page + 1, kPageBytes - 1) == 0;
}

void RamImage::SetRoot(Fd file, std::vector<Extent> extents) {
  file_ = std::move(file);
  extents_ = std::move(extents);
  uint64_t end = 0;
  for (const Extent& extent : extents_)
    end = std::max(end, extent.offset + extent.count * kPageBytes);
  if (end != 0) mapped_ = Mapping::ToRead(file_.get(), end);
}

std::shared_ptr<const RamImage> RamImage::Copy(const GuestMemory& memory, FrameRange without) {
  std::vector<uint64_t> touched;
  memory.TouchedFrames(touched);
  std::vector<FrameRange> runs;
  ForEachFrame(touched, [&](uint64_t frame) {
    if (without.Contains(frame) || IsZeroPage(memory.host_base() + frame * kPageBytes)) return;
    AppendFrame(runs, frame, kJoinFrames);
  });
  std::vector<Extent> extents = Pack(runs);
  Fd file = MemoryFile("forkvisor-snapshot");
  for (const Extent& extent : extents) {
    const uint8_t* from = memory.host_base() + extent.first * kPageBytes;
    const std::string_view bytes(reinterpret_cast<const char*>(from), extent.count * kPageBytes);
    if (!WriteAllAt(file.get(), bytes, extent.offset)) {
      ThrowErrno("writing guest memory to a memory file", errno);
    }
  }
  std::shared_ptr<RamImage> image(new RamImage(memory.size()));
  image->SetRoot(std::move(file), std::move(extents));
  return image;
}

std::shared_ptr<const RamImage> RamImage::Changes(std::shared_ptr<const RamImage> parent,
                                                  const GuestMemory& memory, FrameRange without,
                                                  const std::vector<uint64_t>& dirty) {
  std::shared_ptr<RamImage> image(new RamImage(memory.size()));
  ForEachFrame(dirty, [&](uint64_t frame) {
    if (without.Contains(frame)) return;
    const uint8_t* page = memory.host_base() + frame * kPageBytes;
    const bool zero = IsZeroPage(page);
    const uint8_t* before = parent->Page(frame);
    if (before == nullptr ? zero : std::memcmp(before, page, kPageBytes) == 0) return;
    const auto index = static_cast<uint32_t>(image->content_.size() / kPageBytes);
    image->changed_.emplace(frame, zero ? kZero : index);
    if (!zero) image->content_.insert(image->content_.end(), page, page + kPageBytes);
  });
  image->depth_ = parent->depth_ + 1;
  image->parent_ = std::move(parent);
  return image;
}

std::shared_ptr<const RamImage> RamImage::OfFile(Fd file, uint64_t ram_bytes,
                                                 std::vector<Extent> extents) {
  std::shared_ptr<RamImage> image(new RamImage(ram_bytes));
  image->SetRoot(std::move(file), std::move(extents));
  return image;
}

const uint8_t* RamImage::RootPage(uint64_t frame) const {
  const auto after =
      std::upper_bound(extents_.begin(), extents_.end(), frame,
                       [](uint64_t wanted, const Extent& extent) { return wanted < extent.first; });
  if (after == extents_.begin()) return nullptr;
  const Extent& extent = *(after - 1);
  const uint64_t index = frame - extent.first;
  return index < extent.count ? mapped_.data() + extent.offset + index * kPageBytes : nullptr;
}

const uint8_t* RamImage::Page(uint64_t frame) const {
  const RamImage* image = this;
  for (; image->parent_; image = image->parent_.get()) {
    const auto found = image->changed_.find(frame);
    if (found == image->changed_.end()) continue;
    return found->second == kZero ? nullptr : image->content_.data() + found->second * kPageBytes;
  }
  return image->RootPage(frame);
}

std::vector<FrameRange> RamImage::Runs(uint64_t join) const {
  std::vector<uint64_t> frames(ram_bytes_ / kPageBytes / 64);
  const RamImage* image = this;
  for (; image->parent_; image = image->parent_.get()) {
    for (const auto& [frame, index] : image->changed_) AddFrame(frames, frame);
  }
  for (const Extent& extent : image->extents_) {
    for (uint64_t i = 0; i < extent.count; ++i) {
      AddFrame(frames, extent.first + i);
    }
  }
  std::vector<FrameRange> runs;
  ForEachFrame(frames, [&](uint64_t frame) {
    const uint8_t* page = Page(frame);
    if (page != nullptr && !IsZeroPage(page)) AppendFrame(runs, frame, join);
  });
  return runs;
}

GuestMemory RamImage::MapPrivate() const {
  const RamImage* root = this;
  while (root->parent_) root = root->parent_.get();
  Mapping mapping = Mapping::Reserve(ram_bytes_);
  for (const Extent& extent : root->extents_) {
    mapping.MapPrivately(extent.first * kPageBytes, root->file_.get(), extent.count * kPageBytes,
                         extent.offset);
  }
  GuestMemory memory = GuestMemory::OfMapping(std::move(mapping));
  std::vector<uint64_t> changed;
  AddDifference(*root, *this, changed);
  ForEachFrame(changed, [&](uint64_t frame) {
    const uint8_t* page = Page(frame);
    uint8_t* to = memory.host_base() + frame * kPageBytes;
    page == nullptr ? std::memset(to, 0, kPageBytes) : std::memcpy(to, page, kPageBytes);
  });
  return memory;
}

bool RamImage::AddDifference(const RamImage& a, const RamImage& b, std::vector<uint64_t>& frames) {
  std::vector<const RamImage*> passed;
  const RamImage* left = &a;
  const RamImage* right = &b;
  while (left != right) {
    const RamImage*& deeper = left->depth_ >= right->depth_ ? left : right;
    if (!deeper->parent_) return false;
    passed.push_back(deeper);
    deeper = deeper->parent_.get();
  }
  frames.resize(a.ram_bytes_ / kPageBytes / 64);
  for (const RamImage* image : passed) {
    for (const auto& [frame, index] : image->changed_) AddFrame(frames, frame);
  }
  return true;
}

}  // namespace fv::vmm
