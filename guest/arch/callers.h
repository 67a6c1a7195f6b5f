// SPDX-License-Identifier: Apache-2.0
//
// Who called: the kernel is compiled with frame pointers.
#pragma once

#include <cstdint>

#include "guest/arch/arch.h"
#include "guest/lib/sanitize.h"

namespace fv::guest {

// Return addresses of the functions that led here, nearest first. Those that do not exist are 0.
template <unsigned kCount>
struct Callers {
  uint64_t at[kCount] = {};
};

// From the return address of the function with `frame` on, after `skip` of them. Stays on the
// current kernel stack, whatever stands in it.
template <unsigned kCount>
FV_UNCHECKED Callers<kCount> CallersOf(const void* frame, unsigned skip = 0) {
  const uint64_t base = CurrentStackBase();
  const uint64_t end = base + proto::kKernelStackBytes;
  Callers<kCount> callers;
  auto at = reinterpret_cast<uint64_t>(frame);
  for (unsigned i = 0; i < kCount + skip; ++i) {
    if (at < base || at > end - 2 * sizeof(uint64_t) || at % sizeof(uint64_t) != 0) {
      break;
    }
    const auto* words = reinterpret_cast<const uint64_t*>(at);
    if (i >= skip) {
      callers.at[i - skip] = words[1];
    }
    at = words[0];
  }
  return callers;
}

}  // namespace fv::guest
