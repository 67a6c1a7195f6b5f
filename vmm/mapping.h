// SPDX-License-Identifier: Apache-2.0
//
// A range of memory obtained from mmap(2), unmapped once. Move-only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fv::vmm {

// Alignment of Reserve: the size of a huge page.
inline constexpr size_t kReserveAlign = size_t{2} * 1024 * 1024;

class Mapping {
 public:
  Mapping() = default;
  // Anonymous private memory, read-write, reserved but not accounted (MAP_NORESERVE): pages cost
  // the host nothing before they are touched. `bytes` is a multiple of the page size. Throws
  // VmmError (kNoMemory).
  static Mapping Reserve(size_t bytes);
  // `bytes` of `fd` from `offset` (page aligned), shared, read-write. Throws VmmError.
  static Mapping OfFile(int fd, size_t bytes, uint64_t offset = 0);
  // `bytes` of `fd` from its start, read-only. Throws VmmError.
  static Mapping ToRead(int fd, size_t bytes);

  // Replaces [at, at + bytes) by that much of `fd` from `offset`, private: writes stay here. All
  // numbers are page aligned. Throws VmmError.
  void MapPrivately(size_t at, int fd, size_t bytes, uint64_t offset);

  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Mapping(uint8_t* data, size_t size) : data_(data), size_(size) {}
  // What mmap(2) of a file returned.
  static Mapping OfResult(void* data, size_t bytes);
  void Unmap();

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace fv::vmm
