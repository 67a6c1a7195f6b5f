// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/model/page_set.h"

#include <algorithm>
#include <tuple>

namespace fv::model {

void PageSet::Add(uint64_t owner, uint64_t first, uint64_t last) {
  if (first >= last || everything_) {
    return;
  }
  if (!ranges_.empty()) {
    // A program that reads into one buffer again and again adds nothing.
    Range& latest = ranges_.back();
    if (latest.owner == owner && latest.first <= first && first <= latest.last) {
      latest.last = std::max(latest.last, last);
      return;
    }
  }
  if (ranges_.size() >= kMostRanges) {
    Sort();
    if (ranges_.size() >= kMostRanges / 2) {
      everything_ = true;
      return;
    }
  }
  ranges_.push_back({owner, first, last});
  sorted_ = false;
}

void PageSet::Sort() const {
  if (sorted_) {
    return;
  }
  std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) {
    return std::tie(a.owner, a.first) < std::tie(b.owner, b.first);
  });
  size_t kept = 0;
  for (const Range& range : ranges_) {
    Range& before = ranges_[kept == 0 ? 0 : kept - 1];
    if (kept != 0 && before.owner == range.owner && range.first <= before.last) {
      before.last = std::max(before.last, range.last);
    } else {
      ranges_[kept++] = range;
    }
  }
  ranges_.resize(kept);
  sorted_ = true;
}

bool PageSet::Contains(uint64_t owner, uint64_t page) const {
  if (everything_) {
    return true;
  }
  Sort();
  const auto above = std::upper_bound(ranges_.begin(), ranges_.end(), std::tie(owner, page),
                                      [](const auto& wanted, const Range& range) {
                                        return wanted < std::tie(range.owner, range.first);
                                      });
  return above != ranges_.begin() && above[-1].owner == owner && page < above[-1].last;
}

void PageSet::Clear() {
  ranges_.clear();
  sorted_ = true;
  everything_ = false;
}

}  // namespace fv::model
