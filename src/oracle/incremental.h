// SPDX-License-Identifier: Apache-2.0
//
// The checker for every safepoint: knows the guest as of the last one and reads again only what the
// dirty log says was written. The first step reads everything. Its findings are those of the full
// checker at the places that changed, plus the transition rules (I6, I7, fork).
//
// Cost of a step: the bitmap's length, plus what changed, plus a few loads for each task, address
// space and object that exists.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "src/inspect/channel_view.h"
#include "src/inspect/memory_reader.h"
#include "src/model/world.h"
#include "src/oracle/attribution.h"
#include "src/oracle/content_guard.h"
#include "src/oracle/frame_cache.h"
#include "src/oracle/lifecycle.h"
#include "src/oracle/mm_cache.h"
#include "src/oracle/model_checker.h"
#include "src/oracle/object_cache.h"
#include "src/oracle/process_cache.h"
#include "src/oracle/table_cache.h"
#include "src/oracle/task_cache.h"
#include "src/oracle/transition.h"
#include "src/oracle/watched_frames.h"

namespace fv::oracle {

class IncrementalChecker {
 public:
  // `memory` must stay mapped. Member references tie the parts together, so it stays in place.
  IncrementalChecker(const inspect::MemoryReader& memory, const inspect::ChannelView& channel,
                     ContentBudget budget = {});
  IncrementalChecker(const IncrementalChecker&) = delete;
  IncrementalChecker& operator=(const IncrementalChecker&) = delete;

  struct Input {
    proto::SafepointKind kind = proto::SafepointKind::kSyscall;
    // Frames written since the last step; ignored in the first.
    std::span<const uint64_t> dirty;
    // Events since the last step, oldest first.
    std::span<const proto::EventRecord> events;
    ContentGuard::Gap gap = ContentGuard::Gap::kNone;
    // What every event since boot says; nullptr: I21 and I22 are not checked.
    const model::World* world = nullptr;
  };
  // Fails only if the channel's header cannot be believed; the state is then as before.
  absl::Status Step(const Input& input, Findings& findings);

  // What the final safepoint is compared with: the state at the boot's, or else at the first step.
  const Baseline& baseline() const { return baseline_; }
  void set_baseline(const Baseline& baseline) { baseline_ = baseline; }

  // What the log of written pages has to name from here on, at every step or not.
  const WatchedFrames& watched() const { return watched_; }
  uint64_t walked_ptes() const { return tables_.walked_ptes(); }
  const TaskCache& tasks() const { return tasks_; }

 private:
  void UpdateTables(const DirtyBits& dirty);
  void CheckChangedFrames(Findings& findings);
  void CheckAccounts(const proto::ChannelHeader& header, Findings& findings);
  void CheckLifecycle(const proto::ChannelHeader& header, ContentGuard::Gap gap,
                      std::span<const proto::EventRecord> events, Findings& findings);
  // Whether the frame may be written unheard (watched_frames.h has the reason).
  bool MayBeOpen(uint64_t pfn) const;
  void Watch(const DirtyBits& dirty);
  Baseline Count() const;

  inspect::MemoryReader memory_;
  inspect::ChannelView channel_;
  FrameCache frames_;
  ObjectCache objects_;
  MmCache mms_;
  TableCache tables_;
  TaskCache tasks_;
  ProcessCache processes_;
  LifecycleChecker lifecycle_;
  ContentGuard content_;
  ModelChecker model_;
  Attribution attribution_;
  WatchedFrames watched_;
  std::vector<inspect::SlabCache> slabs_;  // as of the last step
  bool first_ = true;
  Baseline baseline_;
};

}  // namespace fv::oracle
