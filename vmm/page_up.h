// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "proto/layout.h"

namespace fv::vmm {

// The first whole page at or above `bytes`, which is no page below 2^64.
constexpr uint64_t PageUp(uint64_t bytes) {
  return (bytes + proto::kPageBytes - 1) & ~(proto::kPageBytes - 1);
}

}  // namespace fv::vmm
