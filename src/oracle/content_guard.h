// SPDX-License-Identifier: Apache-2.0
//
// I6: copy-on-write keeps contents. The dirty log may cry wolf (KVM marks a page that it merely
// mapped writable), so a frame is accused only if a saved hash of its content differs. Hashes are
// taken when a frame becomes shared, up to a budget a step; the rest is caught up with in the steps
// that follow, as long as it is shared: a child that ends at once costs no hash of what it never
// touched. The cost therefore follows what changed, not what is mapped.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "proto/events.h"
#include "src/inspect/memory_reader.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/finding.h"
#include "src/oracle/frame_cache.h"
#include "src/oracle/lazy_array.h"

namespace fv::oracle {

struct ContentBudget {
  uint64_t at_sharing = 512;  // frames hashed in the step in which they become shared
  uint64_t later = 256;       // frames of the backlog hashed in each step
};

class ContentGuard {
 public:
  ContentGuard(const inspect::MemoryReader& memory, const FrameCache& frames, ContentBudget budget);

  // Whether one kernel operation at most lies between this step and the one before: only then is a
  // frame that is shared at both known to have been shared all the time.
  enum class Gap { kNone, kUnknown };

  // After the sums of the step are right.
  void Step(const DirtyBits& dirty, Gap gap, uint64_t zero_pfn, Findings& findings);

  bool SameContent(uint64_t a, uint64_t b) const;
  // Number of 8-byte words in which two frames differ.
  unsigned DifferentWords(uint64_t a, uint64_t b) const;
  // Number of words of a frame that are not zero.
  unsigned NonZeroWords(uint64_t pfn) const;
  uint64_t hashed() const { return hashed_; }
  // Frames that have a hash since this step.
  const std::vector<uint64_t>& newly_hashed() const { return newly_hashed_; }
  // Of a frame's 4096 bytes now; never 0.
  uint64_t Hash(uint64_t pfn) const;
  // The same, as it is known after this step from it or an earlier one and still true; 0: not
  // known.
  uint64_t SavedHash(uint64_t pfn) const { return hashes_[pfn]; }

 private:
  bool Shared(uint64_t pfn) const;
  bool Guarded(uint64_t pfn) const;
  void CheckDirty(uint64_t pfn, Gap gap, Findings& findings);
  void SaveHash(uint64_t pfn);
  void HashShared();
  void HashBacklog();
  void CheckZero(uint64_t zero_pfn, Findings& findings) const;

  inspect::MemoryReader memory_;
  const FrameCache& frames_;
  ContentBudget budget_;
  LazyArray<uint64_t> hashes_;    // by frame; 0 = none
  std::deque<uint64_t> backlog_;  // frames that became shared and have no hash yet
  LazyArray<uint8_t> waiting_;    // by frame: whether it is in the backlog
  bool first_ = true;
  uint64_t hashed_ = 0;
  std::vector<uint64_t> newly_hashed_;
};

}  // namespace fv::oracle
