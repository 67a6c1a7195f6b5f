// SPDX-License-Identifier: Apache-2.0
//
// Files without a name, in memory (memfd_create(2)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vmm/fd.h"

namespace fv::vmm {

// Of `bytes` zeros, sparse. `name` is for people who look into /proc. Throws VmmError.
Fd MemoryFile(const char* name, uint64_t bytes = 0);
// With this content, its position at the beginning. Throws VmmError.
Fd MemoryFileOf(const char* name, std::string_view content);
// All that it holds. Throws VmmError.
std::string ContentOf(const Fd& file);

}  // namespace fv::vmm
