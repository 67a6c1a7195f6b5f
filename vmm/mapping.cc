// SPDX-License-Identifier: Apache-2.0
//
// mmap(2) and munmap(2) behind Mapping.
#include "vmm/mapping.h"

#include <sys/mman.h>

#include <cerrno>
#include <string>
#include <utility>

#include "vmm/error.h"

namespace fv::vmm {

Mapping Mapping::Reserve(size_t bytes) {
  // A little more than needed, then the ends are given back: alignment that mmap does not promise.
  const size_t reserved = bytes + kReserveAlign;
  void* start = ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    ThrowErrno("reserving " + std::to_string(bytes) + " bytes of guest memory", errno);
  }
  auto* first = static_cast<uint8_t*>(start);
  const size_t before = -reinterpret_cast<uintptr_t>(first) % kReserveAlign;
  if (before != 0) ::munmap(first, before);
  ::munmap(first + before + bytes, kReserveAlign - before);
  return Mapping(first + before, bytes);
}

Mapping Mapping::OfFile(int fd, size_t bytes, uint64_t offset) {
  void* data =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
  return OfResult(data, bytes);
}

Mapping Mapping::ToRead(int fd, size_t bytes) {
  void* data = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  return OfResult(data, bytes);
}

Mapping Mapping::OfResult(void* data, size_t bytes) {
  if (data == MAP_FAILED) {
    ThrowErrno("mapping " + std::to_string(bytes) + " bytes of a file", errno);
  }
  return Mapping(static_cast<uint8_t*>(data), bytes);
}

void Mapping::MapPrivately(size_t at, int fd, size_t bytes, uint64_t offset) {
  void* data = ::mmap(data_ + at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
                      static_cast<off_t>(offset));
  if (data == MAP_FAILED) {
    ThrowErrno("mapping " + std::to_string(bytes) + " bytes of a file into guest memory", errno);
  }
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    Unmap();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Mapping::~Mapping() { Unmap(); }

void Mapping::Unmap() {
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace fv::vmm
