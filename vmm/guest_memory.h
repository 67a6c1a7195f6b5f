// SPDX-License-Identifier: Apache-2.0
//
// Guest RAM as the host sees it: one reserved mapping, guest-physical [0, size). A page costs
// nothing until guest or host touches it.
//
// The guest may be hostile. Read and Load copy a range out once, so that what was checked is what
// is used; they fail on any address outside RAM instead of trusting it. Reading memory that the
// guest never touched maps the host's zero page and does not allocate. The host must not write
// page tables that the guest has loaded (docs/architecture.md).
//
// Thread safety: reads may race with a running vCPU and then see any mix of old and new bytes;
// aligned loads of up to 8 bytes are single accesses.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "vmm/mapping.h"

namespace fv::vmm {

// Whether the host may back guest RAM with transparent huge pages.
enum class HugePages { kHostDefault, kAdvise, kNever };

class GuestMemory {
 public:
  // `bytes`: multiple of 2 MiB in [proto::kMinRamBytes, proto::kMaxRamBytes].
  // Throws VmmError (kBadConfig, kNoMemory).
  explicit GuestMemory(uint64_t bytes, HugePages huge_pages = HugePages::kHostDefault);
  // The first `bytes` of a file, shared with whoever else maps it. Throws VmmError as above.
  static GuestMemory OfFile(int fd, uint64_t bytes);
  // Memory that is mapped already; sizes as above.
  static GuestMemory OfMapping(Mapping mapping);

  // The mapping alone, for somebody who wants no more of it.
  Mapping Release() && { return std::move(mapping_); }

  uint64_t size() const { return mapping_.size(); }
  uint8_t* host_base() const { return mapping_.data(); }

  // True if [gpa, gpa + bytes) lies in RAM; no wrap-around.
  bool Contains(uint64_t gpa, uint64_t bytes) const {
    return gpa <= size() && bytes <= size() - gpa;
  }

  // Copies guest memory out, once. False (and `out` untouched) if the range is not in RAM.
  [[nodiscard]] bool Read(uint64_t gpa, void* out, uint64_t bytes) const;
  // Copies into guest memory. False (and nothing written) if the range is not in RAM.
  [[nodiscard]] bool Write(uint64_t gpa, const void* in, uint64_t bytes);

  // From here on Write keeps account of the frames that it writes; none so far.
  void LogWrites();
  // Adds the frames written since the last call to `bitmap` (bit i % 64 of word i / 64), which is
  // resized to all of RAM. REQUIRES: LogWrites.
  void TakeWrites(std::vector<uint64_t>& bitmap);

  // One object, copied once.
  template <typename T>
  [[nodiscard]] std::optional<T> Load(uint64_t gpa) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    if (!Read(gpa, &value, sizeof(T))) return std::nullopt;
    return value;
  }
  template <typename T>
  [[nodiscard]] bool Store(uint64_t gpa, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return Write(gpa, &value, sizeof(T));
  }
  // A NUL-terminated string of at most `max_bytes` bytes (cut there when no NUL comes); nullopt
  // if it runs out of RAM first.
  std::optional<std::string> LoadString(uint64_t gpa, uint64_t max_bytes) const;

  // The bytes themselves, for set-up before the guest runs and for bulk readers that copy what
  // they check. Throws VmmError (kBadConfig) if the range is not in RAM.
  std::span<uint8_t> Span(uint64_t gpa, uint64_t bytes);
  std::span<const uint8_t> Span(uint64_t gpa, uint64_t bytes) const;

  // Frames that may hold something else than zeros: bit i % 64 of bitmap[i / 64], which is resized.
  // A frame of a mapped file is not among them before it was touched. Throws VmmError.
  void TouchedFrames(std::vector<uint64_t>& bitmap) const;

  // Bytes of RAM that the host has backed so far (mincore(2)); costs 1 ms a 64 GiB.
  uint64_t ResidentBytes() const;

 private:
  explicit GuestMemory(Mapping mapping) : mapping_(std::move(mapping)) {}

  Mapping mapping_;
  std::vector<uint64_t> written_;  // empty: nobody wants to know
};

}  // namespace fv::vmm
