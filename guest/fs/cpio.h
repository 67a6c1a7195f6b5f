// SPDX-License-Identifier: Apache-2.0
//
// Reader of "newc" cpio archives (cpio(5)), pure: it walks bytes and allocates nothing. Every
// length is checked against the archive's end; a bad archive yields an error, never a wild read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

struct CpioMember {
  const char* name = nullptr;  // not NUL-terminated; leading "/" and "./" are cut off
  size_t name_length = 0;      // 0: the archive's root directory
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  uint32_t inode = 0;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t links = 0;
  uint32_t modified_s = 0;
  uint32_t device_major = 0;  // of a device file
  uint32_t device_minor = 0;
};

class CpioReader {
 public:
  CpioReader(const uint8_t* archive, size_t bytes) : archive_(archive), bytes_(bytes) {}
  // The next member into `out`; false after the trailer or at the end of the bytes.
  // Errors: EINVAL (damaged; offset() says where).
  Result<bool> Next(CpioMember& out);
  size_t offset() const { return at_; }

 private:
  const uint8_t* archive_;
  size_t bytes_;
  size_t at_ = 0;
};

}  // namespace fv::guest
