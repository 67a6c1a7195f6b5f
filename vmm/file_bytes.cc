// SPDX-License-Identifier: Apache-2.0
//
// See file_bytes.h.
#include "vmm/file_bytes.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace fv::vmm {
namespace {

// Takes what one call, which may be interrupted, wrote off the front. False: an error.
bool Advance(ssize_t written, std::string_view& bytes) {
  if (written < 0) return errno == EINTR;
  if (written == 0) errno = ENOSPC;
  bytes.remove_prefix(static_cast<size_t>(written));
  return written != 0;
}

}  // namespace

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    if (!Advance(::write(fd, bytes.data(), bytes.size()), bytes)) return false;
  }
  return true;
}

bool WriteAllAt(int fd, std::string_view bytes, uint64_t offset) {
  const uint64_t end = offset + bytes.size();
  while (!bytes.empty()) {
    const auto at = static_cast<off_t>(end - bytes.size());
    if (!Advance(::pwrite(fd, bytes.data(), bytes.size(), at), bytes)) return false;
  }
  return true;
}

bool ReadAll(int fd, std::string& bytes) {
  constexpr size_t kPieceBytes = 65536;
  bytes.clear();
  while (true) {
    const size_t size = bytes.size();
    bytes.resize(size + kPieceBytes);
    const ssize_t got = ::pread(fd, bytes.data() + size, kPieceBytes, static_cast<off_t>(size));
    bytes.resize(size + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got == 0) return true;
    if (got < 0 && errno != EINTR) return false;
  }
}

}  // namespace fv::vmm
