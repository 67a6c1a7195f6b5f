// SPDX-License-Identifier: Apache-2.0
//
// Read-only, bounds-checked view of guest RAM: of a stopped live guest or of a saved file mapped
// into memory. Every word is loaded once, by an atomic relaxed load, so that a value that was
// checked is the value that is used even if a guest scribbles meanwhile. Nothing here is written.
//
// Does not own the memory; the owner keeps it mapped for the reader's life.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "proto/layout.h"
#include "proto/records.h"

namespace fv::inspect {

class MemoryReader {
 public:
  MemoryReader() = default;
  // `base` is 8-byte aligned; `bytes` is cut down to whole pages.
  MemoryReader(const void* base, uint64_t bytes)
      : words_(static_cast<const uint64_t*>(base)), bytes_(bytes & ~(proto::kPageBytes - 1)) {}

  uint64_t ram_bytes() const { return bytes_; }
  uint64_t frames() const { return bytes_ >> proto::kPageShift; }

  // True if [gpa, gpa + bytes) lies in RAM.
  bool Contains(uint64_t gpa, uint64_t bytes) const {
    return gpa <= bytes_ && bytes <= bytes_ - gpa;
  }

  // The word at an address that the caller has checked: 8-byte aligned, in RAM.
  uint64_t Word(uint64_t gpa) const {
    return __atomic_load_n(words_ + (gpa >> 3), __ATOMIC_RELAXED);
  }

  // Copies a frame, which the caller has checked, into `out`.
  void LoadPage(uint64_t pfn, uint64_t* out) const {
    const uint64_t* from = words_ + (pfn << (proto::kPageShift - 3));
    for (unsigned i = 0; i < proto::kPageBytes / 8; ++i) {
      out[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
    }
  }

  // The words of a frame, which the caller has checked: for one pass that makes a number of them (a
  // hash, a comparison). None may be used as an address, an index or a length.
  const uint64_t* PageWords(uint64_t pfn) const {
    return words_ + (pfn << (proto::kPageShift - 3));
  }

  // Whether `bytes` at an address that the caller has checked, 8-byte aligned and with its end in
  // RAM, are those at `known`.
  bool Same(uint64_t gpa, const void* known, uint64_t bytes) const {
    return std::memcmp(words_ + (gpa >> 3), known, bytes) == 0;
  }

  // Copies a record; false if it is not 8-byte aligned or not in RAM.
  template <typename T>
  bool Read(uint64_t gpa, T& out) const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0);
    if ((gpa & 7) != 0 || !Contains(gpa, sizeof(T))) {
      return false;
    }
    uint64_t words[sizeof(T) / 8];
    for (uint64_t i = 0; i < sizeof(T) / 8; ++i) {
      words[i] = Word(gpa + 8 * i);
    }
    std::memcpy(&out, words, sizeof(T));
    return true;
  }

  // As Read, by a pointer of the kernel (direct map); false for 0 and any other address.
  template <typename T>
  bool ReadPtr(proto::GuestPtr pointer, T& out) const {
    return proto::InDirectMap(pointer, bytes_) && Read(proto::PhysOfDirectMap(pointer), out);
  }

 private:
  const uint64_t* words_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace fv::inspect
