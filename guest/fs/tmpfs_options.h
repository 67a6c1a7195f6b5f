// SPDX-License-Identifier: Apache-2.0
//
// The options of a tmpfs (tmpfs(5)): how many pages and inodes it may have, and whose its root is.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

struct TmpfsOptions {
  uint64_t pages = 0;   // 0: any number
  uint64_t inodes = 0;  // 0: any number
  uint32_t mode = 01777;
  uint32_t uid = 0, gid = 0;
  bool has_pages = false, has_inodes = false;  // said in the text, not a default
};

// What a tmpfs is without options on a machine of `total_pages`.
TmpfsOptions DefaultTmpfsOptions(uint64_t total_pages);
// Changes `options` as the comma-separated text says. Errors: EINVAL (unknown, or a value that is
// none).
Status ParseTmpfsOptions(const char* text, uint64_t total_pages, TmpfsOptions& options);
// ",size=4k,mode=755": what differs from the defaults, as /proc/mounts shows it.
size_t FormatTmpfsOptions(const TmpfsOptions& options, uint64_t total_pages, char* out,
                          size_t capacity);

}  // namespace fv::guest
