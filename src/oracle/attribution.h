// SPDX-License-Identifier: Apache-2.0
//
// I22: memory changes only by those who may write it. A frame that holds a page of the model and
// whose bytes changed since the last safepoint must have had a writer: user code that ran since and
// had the page writable, or the kernel, which says where it writes. The dirty log cries wolf, so a
// frame is accused only if a saved hash differs.
//
// A hash is of use once the page's writer does not run any more; it is taken then, a bounded number
// of frames a step. A frame without a hash is not judged.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "src/model/world.h"
#include "src/oracle/content_guard.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/finding.h"
#include "src/oracle/frame_cache.h"
#include "src/oracle/lazy_array.h"
#include "src/oracle/occupants.h"

namespace fv::oracle {

class Attribution {
 public:
  Attribution(const FrameCache& frames, const ContentGuard& content)
      : frames_(frames), content_(content), guards_(frames.size()) {}

  // After the model's checker; with a gap nobody is accused.
  void Step(const model::World& world, const Occupants& occupants, const DirtyBits& dirty,
            ContentGuard::Gap gap, Findings& findings);

  uint64_t hashed() const { return hashed_; }
  bool HasHash(uint64_t pfn) const { return guards_[pfn].hash != 0; }
  // Its hash is going to be taken; being written again changes nothing.
  bool Awaits(uint64_t pfn) const { return guards_[pfn].waiting && guards_[pfn].hash == 0; }
  // Frames that awaited a hash until this step.
  const std::vector<uint64_t>& settled() const { return settled_; }

 private:
  struct Guard {
    uint64_t hash;      // 0: not known
    uint32_t moved_in;  // Occupant::since when it was taken
    bool waiting;       // for a hash
  };

  // Whether somebody may have written to the frame in this interval.
  bool MayHaveChanged(const Occupant& occupant) const;
  bool ObjectMayHaveChanged(const Occupant& occupant) const;
  // Whether somebody may write to it directly from here on.
  bool IsBeingWritten(const Occupant& occupant) const;
  bool ShowsWritable(proto::GuestPtr mm, proto::GuestPtr object, uint64_t index) const;
  uint64_t HashNow(uint64_t pfn);
  void CheckDirty(uint64_t pfn, ContentGuard::Gap gap);
  void Await(uint64_t pfn);
  void HashWaiting();

  const FrameCache& frames_;
  const ContentGuard& content_;
  LazyArray<Guard> guards_;  // by frame
  std::deque<uint64_t> waiting_;
  std::vector<uint64_t> settled_;
  uint64_t hashed_ = 0;
  // Of the current step.
  const model::World* world_ = nullptr;
  const Occupants* occupants_ = nullptr;
  Findings* findings_ = nullptr;
};

}  // namespace fv::oracle
