// SPDX-License-Identifier: Apache-2.0
//
// What a reader of the log of written pages wants of those that were just named to it. One bit for
// each frame, as in the log.
#pragma once

#include <cstdint>
#include <span>

namespace fv::vmm {

struct LogWishes {
  // It does not need to hear of the next write: the guest may go on writing there without a fault.
  // Such a page may be named at every take, written or not, until it is no longer wished for.
  std::span<const uint64_t> open;
  // To look at a page costs the reader much: it is not to be named without need. Empty: none.
  std::span<const uint64_t> costly;
};

}  // namespace fv::vmm
