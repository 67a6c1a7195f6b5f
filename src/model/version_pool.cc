// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/model/version_pool.h"

namespace fv::model {

VersionId VersionPool::Make() {
  if (live_ >= limit_) {
    return 0;
  }
  uint32_t place;
  if (free_.empty()) {
    place = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    place = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[place];
  slot.holders = 1;
  ++slot.generation;
  ++live_;
  return static_cast<uint64_t>(slot.generation) << 32 | place;
}

void VersionPool::Unref(VersionId id) {
  const uint32_t place = PlaceOf(id);
  if (--slots_[place].holders == 0) {
    free_.push_back(place);
    --live_;
  }
}

}  // namespace fv::model
