// SPDX-License-Identifier: Apache-2.0
//
// SPLICE_F_ flags of splice(2), tee(2) and vmsplice(2).
#pragma once

#include <cstdint>

namespace fv::guest::sys {

inline constexpr uint32_t kSpliceNonblock = 2;
// MOVE 1, MORE 4 and GIFT 8 are hints.
inline constexpr uint32_t kSpliceFlags = 1 | kSpliceNonblock | 4 | 8;

}  // namespace fv::guest::sys
