// SPDX-License-Identifier: Apache-2.0
//
// The watchdog's arithmetic.
#include "vmm/watchdog.h"

namespace fv::vmm {
namespace {

// Ask for the window after this part of the spin limit.
constexpr uint64_t kAskFraction = 4;

}  // namespace

Verdict Watchdog::Look(uint64_t now_ns, RunningClock running_ns) {
  if (NsLeft(now_ns) == 0) return Verdict::kWallLimit;
  if (config_.spin_limit_ns == 0) return Verdict::kFine;
  const uint64_t silent_ns = now_ns > progress_ns_ ? now_ns - progress_ns_ : 0;
  const uint64_t ask_ns = config_.spin_limit_ns / kAskFraction;
  if (silent_ns < ask_ns) return Verdict::kFine;
  const uint64_t running = running_ns();
  if (!doubt_ns_) doubt_ns_ = running;
  return running - *doubt_ns_ >= config_.spin_limit_ns - ask_ns ? Verdict::kSpin
                                                                : Verdict::kAskWindow;
}

uint64_t Watchdog::NsLeft(uint64_t now_ns) const {
  if (config_.wall_limit_ns == 0) return ~uint64_t{0};
  const uint64_t used = now_ns - start_ns_;
  return used >= config_.wall_limit_ns ? 0 : config_.wall_limit_ns - used;
}

}  // namespace fv::vmm
