// SPDX-License-Identifier: Apache-2.0
//
// What the incremental checker remembers of each frame: the kernel's record as last read, the sums
// of what maps it, and which frames changed in the current step. Sums are maintained by difference.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "proto/channel.h"
#include "src/inspect/memory_reader.h"
#include "src/oracle/account_rules.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/lazy_array.h"
#include "src/oracle/page_rules.h"

namespace fv::oracle {

class FrameCache {
 public:
  explicit FrameCache(const inspect::MemoryReader& memory);

  // Reads the records that may have changed: all of them the first time, later those in written
  // pages of the frame table. Begins a new step.
  void Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty);

  const proto::FrameRecord& record(uint64_t pfn) const { return records_[pfn]; }
  const FrameSums& sums(uint64_t pfn) const { return sums_[pfn]; }
  // For changes of the sums; marks the frame as changed.
  FrameSums& Change(uint64_t pfn) {
    Mark(pfn);
    return sums_[pfn];
  }
  // The frame's rules are checked again at the end of this step.
  void Mark(uint64_t pfn) {
    if (steps_[pfn].changed != step_) {
      steps_[pfn].changed = step_;
      changed_.push_back(pfn);
    }
  }
  // An entry that maps the frame was found, and checked, in this step.
  void CountFresh(uint64_t pfn) {
    Step& step = steps_[pfn];
    if (step.fresh_step != step_) {
      step.fresh_step = step_;
      step.fresh = 0;
    }
    ++step.fresh;
  }
  uint32_t fresh(uint64_t pfn) const {
    return steps_[pfn].fresh_step == step_ ? steps_[pfn].fresh : 0;
  }
  // The frame's state or origin changed in this step, so entries checked before it need another
  // look.
  bool StateChanged(uint64_t pfn) const { return steps_[pfn].state_step == step_; }
  // The kernel took or dropped a pin of the frame in this step.
  bool PinsChanged(uint64_t pfn) const {
    return std::find(pinned_.begin(), pinned_.end(), pfn) != pinned_.end();
  }
  void MarkState(uint64_t pfn) {
    Mark(pfn);
    steps_[pfn].state_step = step_;
  }

  const std::vector<uint64_t>& changed() const { return changed_; }
  // Those whose record's state or origin was found changed by Refresh.
  const std::vector<uint64_t>& restated() const { return restated_; }
  // Frames below the high-water mark by state.
  const StateCounts& counts() const { return counts_; }
  uint32_t step() const { return step_; }
  uint64_t size() const { return records_.size(); }

 private:
  struct Step {
    uint32_t changed;
    uint32_t state_step;
    uint32_t fresh_step;
    uint32_t fresh;
  };

  void ReadRange(uint64_t table_gpa, uint64_t begin, uint64_t end);
  void Store(uint64_t pfn, const proto::FrameRecord& record);

  inspect::MemoryReader memory_;
  LazyArray<proto::FrameRecord> records_;
  LazyArray<FrameSums> sums_;
  LazyArray<Step> steps_;
  std::vector<uint64_t> changed_;
  std::vector<uint64_t> restated_;
  std::vector<uint64_t> pinned_;  // whose number of pins changed in this step
  StateCounts counts_{};
  uint64_t table_gpa_ = 0;
  uint64_t used_ = 0;  // high-water mark of the records read
  uint32_t step_ = 0;
};

}  // namespace fv::oracle
