// SPDX-License-Identifier: Apache-2.0
//
// A set of addresses as disjoint ranges.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

namespace fv::oracle {

class AddressRanges {
 public:
  bool empty() const { return ends_.empty(); }
  void Clear() { ends_.clear(); }

  void Add(uint64_t start, uint64_t end) {
    if (start >= end) {
      return;
    }
    auto at = ends_.upper_bound(start);
    if (at != ends_.begin() && std::prev(at)->second >= start) {
      --at;
      start = at->first;
      end = std::max(end, at->second);
    }
    while (at != ends_.end() && at->first <= end) {
      end = std::max(end, at->second);
      at = ends_.erase(at);
    }
    ends_[start] = end;
  }

  void Remove(uint64_t start, uint64_t end) {
    auto at = ends_.upper_bound(start);
    at = at == ends_.begin() ? at : std::prev(at);
    while (at != ends_.end() && at->first < end) {
      const uint64_t first = at->first;
      const uint64_t last = at->second;
      if (last <= start) {
        ++at;
        continue;
      }
      at = ends_.erase(at);
      if (first < start) {
        ends_[first] = start;
      }
      if (last > end) {
        ends_[end] = last;
      }
    }
  }

  // Adds the parts of `other` that lie in [start, end).
  void AddPartsOf(const AddressRanges& other, uint64_t start, uint64_t end) {
    auto at = other.ends_.upper_bound(start);
    at = at == other.ends_.begin() ? at : std::prev(at);
    for (; at != other.ends_.end() && at->first < end; ++at) {
      Add(std::max(at->first, start), std::min(at->second, end));
    }
  }

  void Subtract(const AddressRanges& other) {
    for (const auto& [start, end] : other.ends_) {
      Remove(start, end);
    }
  }

  // REQUIRES: !empty().
  uint64_t first() const { return ends_.begin()->first; }

 private:
  std::map<uint64_t, uint64_t> ends_;  // by start
};

}  // namespace fv::oracle
