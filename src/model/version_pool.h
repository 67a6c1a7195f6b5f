// SPDX-License-Identifier: Apache-2.0
//
// Versions: the identities of written pages. Two pages that show the same version show the same
// bytes, and a write makes a new version for the writer alone. A version is a name with a count of
// its holders, nothing more: what its bytes are, only memory knows.
//
// An id is never used twice, so one that was kept over its version's end is known to be dead.
#pragma once

#include <cstdint>
#include <vector>

namespace fv::model {

// 0: none. The low half is the place in the pool, from 1 on.
using VersionId = uint64_t;

class VersionPool {
 public:
  // At most `limit` versions live at once: each is a frame of the guest's.
  explicit VersionPool(uint64_t limit) : limit_(limit) {}
  VersionPool(const VersionPool&) = delete;
  VersionPool& operator=(const VersionPool&) = delete;

  // A new version with one holder; 0 if there are too many.
  VersionId Make();
  // REQUIRES: Alive(id).
  void Ref(VersionId id) { ++slots_[PlaceOf(id)].holders; }
  void Unref(VersionId id);
  bool IsSingle(VersionId id) const { return slots_[PlaceOf(id)].holders == 1; }

  bool Alive(VersionId id) const {
    const uint32_t place = PlaceOf(id);
    return place != 0 && place < slots_.size() && slots_[place].holders != 0 &&
           slots_[place].generation == static_cast<uint32_t>(id >> 32);
  }
  static uint32_t PlaceOf(VersionId id) { return static_cast<uint32_t>(id); }
  // Places are 1 to limit().
  uint64_t limit() const { return limit_; }
  uint64_t live() const { return live_; }

 private:
  struct Slot {
    uint32_t holders = 0;
    uint32_t generation = 0;
  };

  uint64_t limit_;
  uint64_t live_ = 0;
  std::vector<Slot> slots_{Slot{}};
  std::vector<uint32_t> free_;
};

}  // namespace fv::model
