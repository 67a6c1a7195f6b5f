// SPDX-License-Identifier: Apache-2.0
//
// Bounds checks and single copies.
#include "vmm/guest_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "proto/layout.h"
#include "vmm/error.h"
#include "vmm/fd.h"
#include "vmm/frame_bits.h"

namespace fv::vmm {
namespace {

uint64_t CheckedRamBytes(uint64_t bytes) {
  if (bytes < proto::kMinRamBytes || bytes > proto::kMaxRamBytes ||
      bytes % proto::kHugePageBytes != 0) {
    throw VmmError(VmmErrorKind::kBadConfig,
                   "guest memory of " + std::to_string(bytes) +
                       " bytes: it must be a multiple of 2 MiB from 16 MiB to 256 GiB");
  }
  return bytes;
}

// The compiler must take what was copied from the copy, not from guest memory again.
void CompilerBarrier() { asm volatile("" ::: "memory"); }

void CopyOnce(void* out, const uint8_t* in, uint64_t bytes) {
  const bool aligned = reinterpret_cast<uintptr_t>(in) % 8 == 0;
  if (bytes == 8 && aligned) {
    // One access, so a word that the guest changes meanwhile is not torn.
    const uint64_t word = __atomic_load_n(
        reinterpret_cast<const uint64_t*>(static_cast<const void*>(in)), __ATOMIC_ACQUIRE);
    std::memcpy(out, &word, sizeof(word));
  } else if (bytes == 4 && reinterpret_cast<uintptr_t>(in) % 4 == 0) {
    const uint32_t word = __atomic_load_n(
        reinterpret_cast<const uint32_t*>(static_cast<const void*>(in)), __ATOMIC_ACQUIRE);
    std::memcpy(out, &word, sizeof(word));
  } else if (bytes != 0) {
    std::memcpy(out, in, bytes);
  }
  CompilerBarrier();
}

}  // namespace

GuestMemory::GuestMemory(uint64_t bytes, HugePages huge_pages)
    : mapping_(Mapping::Reserve(CheckedRamBytes(bytes))) {
  if (huge_pages == HugePages::kHostDefault) return;
  const int advice = huge_pages == HugePages::kAdvise ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
  // EINVAL: a host kernel without transparent huge pages; then there is nothing to choose.
  if (::madvise(mapping_.data(), mapping_.size(), advice) != 0 && errno != EINVAL) {
    ThrowErrno("madvise", errno);
  }
}

GuestMemory GuestMemory::OfFile(int fd, uint64_t bytes) {
  return GuestMemory(Mapping::OfFile(fd, CheckedRamBytes(bytes)));
}

GuestMemory GuestMemory::OfMapping(Mapping mapping) {
  (void)CheckedRamBytes(mapping.size());
  return GuestMemory(std::move(mapping));
}

void GuestMemory::LogWrites() { written_.assign(size() / proto::kPageBytes / 64, 0); }

void GuestMemory::TakeWrites(std::vector<uint64_t>& bitmap) {
  bitmap.resize(written_.size());
  for (size_t i = 0; i < written_.size(); ++i) bitmap[i] |= std::exchange(written_[i], 0);
}

bool GuestMemory::Read(uint64_t gpa, void* out, uint64_t bytes) const {
  if (!Contains(gpa, bytes)) return false;
  CopyOnce(out, host_base() + gpa, bytes);
  return true;
}

bool GuestMemory::Write(uint64_t gpa, const void* in, uint64_t bytes) {
  if (!Contains(gpa, bytes)) return false;
  if (bytes != 0) std::memcpy(host_base() + gpa, in, bytes);  // `in` may be null for nothing
  CompilerBarrier();
  if (!written_.empty() && bytes != 0) {
    const uint64_t last = (gpa + bytes - 1) / proto::kPageBytes;
    for (uint64_t frame = gpa / proto::kPageBytes; frame <= last; ++frame) {
      AddFrame(written_, frame);
    }
  }
  return true;
}

std::optional<std::string> GuestMemory::LoadString(uint64_t gpa, uint64_t max_bytes) const {
  if (!Contains(gpa, 1)) return std::nullopt;
  const uint64_t limit = std::min(max_bytes, size() - gpa);
  std::string text(limit, '\0');
  CopyOnce(text.data(), host_base() + gpa, limit);
  const size_t end = text.find('\0');
  if (end == std::string::npos && limit < max_bytes) return std::nullopt;
  if (end != std::string::npos) text.resize(end);
  return text;
}

std::span<uint8_t> GuestMemory::Span(uint64_t gpa, uint64_t bytes) {
  if (!Contains(gpa, bytes)) {
    throw VmmError(VmmErrorKind::kBadConfig, "guest memory is too small: " + std::to_string(bytes) +
                                                 " bytes at " + std::to_string(gpa) +
                                                 " do not fit");
  }
  return {host_base() + gpa, bytes};
}

std::span<const uint8_t> GuestMemory::Span(uint64_t gpa, uint64_t bytes) const {
  return const_cast<GuestMemory*>(this)->Span(gpa, bytes);
}

// /proc/self/pagemap knows swapped pages too, which mincore(2) does not.
void GuestMemory::TouchedFrames(std::vector<uint64_t>& bitmap) const {
  constexpr uint64_t kChunkPages = 1 << 14;
  constexpr uint64_t kPresentOrSwapped = uint64_t{3} << 62;
  const Fd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!pagemap.valid()) ThrowErrno("/proc/self/pagemap", errno);
  const uint64_t frames = size() / proto::kPageBytes;
  const uint64_t first = reinterpret_cast<uintptr_t>(host_base()) / proto::kPageBytes;
  std::vector<uint64_t> entries(std::min(kChunkPages, frames));
  bitmap.assign(frames / 64, 0);
  for (uint64_t frame = 0; frame < frames; frame += entries.size()) {
    const uint64_t count = std::min<uint64_t>(entries.size(), frames - frame);
    const size_t bytes = count * sizeof(entries[0]);
    const auto offset = static_cast<off_t>((first + frame) * sizeof(entries[0]));
    if (::pread(pagemap.get(), entries.data(), bytes, offset) != static_cast<ssize_t>(bytes)) {
      ThrowErrno("reading /proc/self/pagemap", errno);
    }
    for (uint64_t i = 0; i < count; ++i) {
      if ((entries[i] & kPresentOrSwapped) == 0) continue;
      AddFrame(bitmap, frame + i);
    }
  }
}

uint64_t GuestMemory::ResidentBytes() const {
  constexpr uint64_t kChunkPages = 1 << 16;
  std::vector<unsigned char> present(kChunkPages);
  uint64_t pages = 0;
  for (uint64_t gpa = 0; gpa < size(); gpa += kChunkPages * proto::kPageBytes) {
    const uint64_t bytes = std::min(kChunkPages * proto::kPageBytes, size() - gpa);
    if (::mincore(host_base() + gpa, bytes, present.data()) != 0) ThrowErrno("mincore", errno);
    const auto end = present.begin() + static_cast<long>(bytes / proto::kPageBytes);
    pages += static_cast<uint64_t>(
        std::count_if(present.begin(), end, [](unsigned char state) { return state & 1; }));
  }
  return pages * proto::kPageBytes;
}

}  // namespace fv::vmm
