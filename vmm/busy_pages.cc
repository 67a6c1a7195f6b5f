// SPDX-License-Identifier: Apache-2.0
//
// See busy_pages.h.
#include "vmm/busy_pages.h"

#include <bit>

#include "vmm/page_up.h"

namespace fv::vmm {

BusyPages::BusyPages(uint64_t frames) : pages_(Mapping::Reserve(PageUp(frames * sizeof(Page)))) {}

void BusyPages::Take(std::span<const uint64_t> dirty, std::span<const uint64_t> costly, Looks looks,
                     std::vector<uint64_t>& protect) {
  ++take_;
  protect.assign(dirty.begin(), dirty.end());
  for (size_t i = 0; i < dirty.size(); ++i) {
    for (uint64_t rest = dirty[i]; rest != 0; rest &= rest - 1) {
      const auto bit = static_cast<unsigned>(std::countr_zero(rest));
      const bool is_costly = i < costly.size() && (costly[i] >> bit & 1) != 0;
      if (!IsToProtect(i * 64 + bit, is_costly, looks)) protect[i] &= ~(uint64_t{1} << bit);
    }
  }
}

bool BusyPages::HasRoom(const Page& page) const {
  return resting_ < kMost && (page.warm == 0 || resting_warm_ < kMostWarm);
}

bool BusyPages::IsToProtect(uint64_t frame, bool costly, Looks looks) {
  const bool cheap = looks == Looks::kAreCheap;
  Page& page = reinterpret_cast<Page*>(pages_.data())[frame];
  if (page.writes == kBusy) {
    if (take_ < page.when && !(costly && page.warm != 0)) return false;
    // Another write soon, and it is busy again.
    --resting_;
    resting_warm_ -= page.warm;
    page = {kBusy - 1, 0, take_};
    return true;
  }
  const uint32_t gap = take_ - page.when;
  if (page.writes == 0 || gap > (cheap ? kCheapNear : kNear)) {
    page = {1, 0, take_};
    return true;
  }
  page = {static_cast<uint16_t>(page.writes + 1), page.warm != 0 || gap > kHot, take_};
  if (page.writes < (cheap ? kCheapBusy : kBusy)) return true;
  page.writes = kBusy;
  if (!HasRoom(page) || (costly && page.warm != 0)) {
    page.writes = kBusy - 1;
    return true;
  }
  ++resting_;
  resting_warm_ += page.warm;
  // Not all at once when the rest is over.
  const uint32_t rest = cheap ? kCheapRest : kRest;
  page.when = take_ + rest + static_cast<uint32_t>(frame % rest);
  return false;
}

}  // namespace fv::vmm
