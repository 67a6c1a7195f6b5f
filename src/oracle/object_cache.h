// SPDX-License-Identifier: Apache-2.0
//
// The memory objects and the frames in their trees, as last read; maintains FrameSums::object_refs.
#pragma once

#include <vector>

#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/finding.h"
#include "src/oracle/frame_cache.h"

namespace fv::oracle {

class ObjectCache {
 public:
  ObjectCache(const inspect::MemoryReader& memory, FrameCache& frames)
      : memory_(memory), frames_(frames) {}

  // Reads again what lies in written frames and checks the page counts of what changed.
  void Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty, Findings& findings);

  uint64_t count() const { return objects_.size(); }
  // ChargedPages of all.
  uint64_t charged() const;

 private:
  bool Touched(const inspect::Object& object, const DirtyBits& dirty) const;
  void Relist(const proto::ChannelHeader& header, Findings& findings);
  void ReadPages(inspect::Object& object, Findings& findings);
  // Applies the difference between two page lists, sorted by index, to the sums.
  void ApplyDifference(const std::vector<inspect::ObjectPage>& before,
                       const std::vector<inspect::ObjectPage>& after);

  inspect::MemoryReader memory_;
  FrameCache& frames_;
  std::vector<inspect::Object> objects_;
  proto::Link head_{1, 1};
  bool broken_ = true;
};

}  // namespace fv::oracle
