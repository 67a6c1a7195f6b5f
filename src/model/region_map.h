// SPDX-License-Identifier: Apache-2.0
//
// What is mapped in an address space: disjoint regions by address, neighbours that agree joined.
// A copy shares the list until one of the two changes it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proto/records.h"

namespace fv::model {

// The flags of a mapping that say what its pages show and who may write them.
inline constexpr uint64_t kTellingFlags = proto::kVmRead | proto::kVmWrite | proto::kVmExec |
                                          proto::kVmShared | proto::kVmDontCopy |
                                          proto::kVmWipeOnFork;

struct Region {
  uint64_t start;              // page aligned
  uint64_t end;                // exclusive
  uint64_t flags;              // of kTellingFlags
  proto::GuestPtr object = 0;  // whose pages are shown; 0: private anonymous memory
  uint64_t index = 0;          // of the object's page that `start` shows

  bool Has(uint64_t flag) const { return (flags & flag) != 0; }
  bool Contains(uint64_t address) const { return start <= address && address < end; }
  uint64_t IndexOf(uint64_t address) const {
    return index + ((address - start) >> proto::kPageShift);
  }
  bool operator==(const Region&) const = default;
};

class RegionMap {
 public:
  using List = std::vector<Region>;

  const List& list() const { return list_ == nullptr ? Nothing() : *list_; }
  // The region that contains `address`, or nullptr.
  const Region* Find(uint64_t address) const;
  // The first region that ends above `address`, as a place in list().
  size_t FirstAbove(uint64_t address) const;
  // The parts of regions in [start, end).
  List Overlap(uint64_t start, uint64_t end) const;

  // REQUIRES for all: start < end.
  void Map(const Region& region);  // in the place of what was there
  void Unmap(uint64_t start, uint64_t end);
  void SetFlags(uint64_t start, uint64_t end, uint64_t flags);  // of what is mapped there
  void SetObject(uint64_t start, uint64_t end, proto::GuestPtr object, uint64_t index);
  // Whether some region has one of `flags`.
  bool AnyHas(uint64_t flags) const;

 private:
  static const List& Nothing();
  // Puts `middle`, which lies in [start, end), in the place of what is there.
  void Replace(uint64_t start, uint64_t end, const List& middle);

  std::shared_ptr<List> list_;  // nullptr: nothing is mapped
};

}  // namespace fv::model
