// SPDX-License-Identifier: Apache-2.0
//
// A set of page ranges, each of some owner (an address space or an object), as events name them:
// cheap to add to, sorted when it is asked. Bounded: a set that grew too large contains everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fv::model {

class PageSet {
 public:
  // Adds the pages [first, last).
  void Add(uint64_t owner, uint64_t first, uint64_t last);
  bool Contains(uint64_t owner, uint64_t page) const;
  bool empty() const { return ranges_.empty() && !everything_; }
  void Clear();

 private:
  static constexpr size_t kMostRanges = 8192;

  struct Range {
    uint64_t owner;
    uint64_t first;
    uint64_t last;
  };
  void Sort() const;

  // What is asked for is the set, which sorting does not change.
  mutable std::vector<Range> ranges_;
  mutable bool sorted_ = true;
  bool everything_ = false;
};

}  // namespace fv::model
