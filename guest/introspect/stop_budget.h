// SPDX-License-Identifier: Apache-2.0
//
// How much of a run its stops at safepoints may take (BootInfo::safepoint_share). A stop is counted
// from outside of it, so with what leaving the guest and coming back cost. Times are ticks of one
// clock.
#pragma once

#include <cstdint>

namespace fv::guest {

class StopBudget {
 public:
  // A stop was made. The first one, at which the host reads everything, is not counted.
  void Count(uint64_t begin, uint64_t end) {
    if (since_ == 0) {
      since_ = end;
    } else {
      taken_ += end - begin;
    }
  }
  // Whether stops may be made still: beyond `free` they have not taken more than `share` percent of
  // the rest of the time.
  [[nodiscard]] bool Allows(uint64_t now, uint64_t free, uint64_t share) const {
    if (taken_ <= free) {
      return true;
    }
    const uint64_t rest = now - since_ - taken_;
    return (taken_ - free) * 100 <= rest * share;
  }

 private:
  uint64_t since_ = 0;  // end of the first stop
  uint64_t taken_ = 0;
};

}  // namespace fv::guest
