// SPDX-License-Identifier: Apache-2.0
//
// See busy_pages.h.
#include "vmm/busy_pages.h"

#include <bit>

#include "proto/layout.h"

namespace fv::vmm {

BusyPages::BusyPages(uint64_t frames)
    : pages_(Mapping::Reserve((frames * sizeof(Page) + proto::kPageBytes - 1) &
                              ~(proto::kPageBytes - 1))) {}

void BusyPages::Take(std::span<const uint64_t> dirty, std::vector<uint64_t>& protect) {
  ++take_;
  protect.assign(dirty.begin(), dirty.end());
  for (size_t i = 0; i < dirty.size(); ++i) {
    for (uint64_t rest = dirty[i]; rest != 0; rest &= rest - 1) {
      const auto bit = static_cast<unsigned>(std::countr_zero(rest));
      if (!IsToProtect(i * 64 + bit)) protect[i] &= ~(uint64_t{1} << bit);
    }
  }
}

bool BusyPages::IsToProtect(uint64_t frame) {
  Page& page = reinterpret_cast<Page*>(pages_.data())[frame];
  if (page.writes == kBusy) {
    if (take_ < page.when) return false;
    // Another write soon, and it is busy again.
    page = {kBusy - 1, take_};
    --resting_;
    return true;
  }
  page = {take_ - page.when <= kNear ? page.writes + 1 : 1, take_};
  if (page.writes < kBusy) return true;
  if (resting_ == kMost) {
    page.writes = kBusy - 1;
    return true;
  }
  ++resting_;
  // Not all at once when the rest is over.
  page.when = take_ + kRest + static_cast<uint32_t>(frame % kRest);
  return false;
}

}  // namespace fv::vmm
