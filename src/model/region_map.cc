// SPDX-License-Identifier: Apache-2.0
//
// See the header. Every change is a replacement of one stretch of the list.
#include "src/model/region_map.h"

#include <algorithm>

namespace fv::model {

namespace {

Region Clip(const Region& region, uint64_t start, uint64_t end) {
  Region part = region;
  part.start = std::max(region.start, start);
  part.end = std::min(region.end, end);
  part.index = region.IndexOf(part.start);
  return part;
}

bool Continues(const Region& a, const Region& b) {
  return a.end == b.start && a.flags == b.flags && a.object == b.object &&
         (a.object == 0 || a.IndexOf(a.end) == b.index);
}

// Appends a region, joined with the last one if it continues it.
void Append(RegionMap::List& list, const Region& region) {
  if (!list.empty() && Continues(list.back(), region)) {
    list.back().end = region.end;
  } else {
    list.push_back(region);
  }
}

}  // namespace

const RegionMap::List& RegionMap::Nothing() {
  static const List kNothing;
  return kNothing;
}

size_t RegionMap::FirstAbove(uint64_t address) const {
  const List& all = list();
  const auto at =
      std::upper_bound(all.begin(), all.end(), address,
                       [](uint64_t wanted, const Region& region) { return wanted < region.end; });
  return static_cast<size_t>(at - all.begin());
}

const Region* RegionMap::Find(uint64_t address) const {
  const size_t at = FirstAbove(address);
  return at < list().size() && list()[at].Contains(address) ? &list()[at] : nullptr;
}

RegionMap::List RegionMap::Overlap(uint64_t start, uint64_t end) const {
  List parts;
  for (size_t at = FirstAbove(start); at < list().size() && list()[at].start < end; ++at) {
    parts.push_back(Clip(list()[at], start, end));
  }
  return parts;
}

void RegionMap::Replace(uint64_t start, uint64_t end, const List& middle) {
  const List& all = list();
  // One neighbour on each side takes part: it may have to be cut, or may join.
  size_t first = FirstAbove(start);
  first -= first > 0 ? 1 : 0;
  size_t last = first;
  while (last < all.size() && all[last].start < end) {
    ++last;
  }
  last += last < all.size() ? 1 : 0;
  List fresh;
  for (size_t at = first; at < last && all[at].start < start; ++at) {
    Append(fresh, Clip(all[at], all[at].start, start));
  }
  for (const Region& region : middle) {
    Append(fresh, region);
  }
  for (size_t at = first; at < last; ++at) {
    if (all[at].end > end) {
      Append(fresh, Clip(all[at], end, all[at].end));
    }
  }
  if (list_ == nullptr) {
    list_ = std::make_shared<List>();
  } else if (list_.use_count() > 1) {
    list_ = std::make_shared<List>(*list_);
  }
  const auto from = list_->begin() + static_cast<int64_t>(first);
  const size_t same = std::min(fresh.size(), last - first);
  std::copy_n(fresh.begin(), same, from);
  if (same < fresh.size()) {
    list_->insert(from + static_cast<int64_t>(same), fresh.begin() + static_cast<int64_t>(same),
                  fresh.end());
  } else {
    list_->erase(from + static_cast<int64_t>(same), list_->begin() + static_cast<int64_t>(last));
  }
}

void RegionMap::Map(const Region& region) {
  Region telling = region;
  telling.flags &= kTellingFlags;
  Replace(region.start, region.end, {telling});
}

void RegionMap::Unmap(uint64_t start, uint64_t end) { Replace(start, end, {}); }

void RegionMap::SetFlags(uint64_t start, uint64_t end, uint64_t flags) {
  List parts = Overlap(start, end);
  for (Region& part : parts) {
    part.flags = flags & kTellingFlags;
  }
  Replace(start, end, parts);
}

void RegionMap::SetObject(uint64_t start, uint64_t end, proto::GuestPtr object, uint64_t index) {
  List parts = Overlap(start, end);
  for (Region& part : parts) {
    part.object = object;
    part.index = index + ((part.start - start) >> proto::kPageShift);
  }
  Replace(start, end, parts);
}

bool RegionMap::AnyHas(uint64_t flags) const {
  return std::any_of(list().begin(), list().end(),
                     [flags](const Region& region) { return region.Has(flags); });
}

}  // namespace fv::model
