// SPDX-License-Identifier: Apache-2.0
//
// The oracle as a run of a guest uses it: told of every event and every safepoint, it decides when
// to look, and returns what is wrong. The caller fetches the dirty log only when WantsSafepoint
// says so. One thread, while the vCPU stands still.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/inspect/channel_view.h"
#include "src/inspect/memory_reader.h"
#include "src/oracle/account_rules.h"
#include "src/oracle/finding.h"
#include "src/oracle/incremental.h"

namespace fv::oracle {

enum class CheckMode : uint8_t {
  kOff,
  kEnd,      // one full walk, at the final safepoint
  kSampled,  // two safepoints in a row out of every `sample_interval`
  kEvery,    // every safepoint, incrementally
  kBoth,     // every safepoint, incrementally and by a full walk: the oracle tested by itself
};
// "off", "end", "sampled", "every", "both".
std::optional<CheckMode> ParseCheckMode(std::string_view text);

struct CheckerOptions {
  CheckMode mode = CheckMode::kEvery;
  uint64_t sample_interval = 64;
  uint64_t last_events = 16;  // kept for messages
  size_t max_findings = 100;  // of one safepoint
  ContentBudget content = {};
};

inline constexpr size_t kSafepointKinds = 5;
inline constexpr size_t kKeptTimes = 100'000;

struct CheckerStats {
  uint64_t safepoints = 0;   // seen
  uint64_t checked = 0;      // of them
  uint64_t nanoseconds = 0;  // spent checking
  uint64_t first_ns = 0;     // of them for the first check, which reads everything
  uint64_t longest_ns = 0;   // longest check after the first
  uint64_t walked_ptes = 0;
  uint64_t findings = 0;  // suppressed ones included
  // Durations of checks after the first in ns, by SafepointKind; the first kKeptTimes of each.
  std::array<std::vector<uint64_t>, kSafepointKinds> times;

  // Middle one of the durations of a kind; 0 if there is none.
  uint64_t MedianNs(proto::SafepointKind kind) const;
};

// What a checker that begins in the middle of a run has missed.
struct Past {
  std::vector<proto::EventRecord> events;  // all, oldest first
  Baseline boot;                           // of the boot's safepoint
};

class Checker {
 public:
  // `memory` must stay mapped and the channel must have been opened on it.
  Checker(const inspect::MemoryReader& memory, const inspect::ChannelView& channel,
          CheckerOptions options);

  // For a guest that ran before and stands still now, before the first event and safepoint from
  // here on: judges as a checker would that was there from the start. What is wrong already.
  std::vector<Finding> Resume(const Past& past);
  // For other checkers to resume with. `KeepPast` comes before the first event.
  void KeepPast() { past_.emplace(); }
  Past TakePast();

  // Events that have to be recorded for the mode, from the guest's first on.
  static uint64_t RequiredEvents(CheckMode mode);
  // In order, before the safepoint that follows them.
  void OnEvent(const proto::EventRecord& event);

  // Whether OnSafepoint will look at this one (the next call must be for it). With kSampled, the
  // dirty log goes on collecting over the safepoints that are not wanted.
  bool WantsSafepoint(proto::SafepointKind kind) const;
  // `dirty`: frames written since the last call of this function; see DirtyBits. Call it at every
  // safepoint; where WantsSafepoint said no, `dirty` may be empty.
  std::vector<Finding> OnSafepoint(proto::SafepointKind kind, std::span<const uint64_t> dirty);
  // A full walk now: for a run that ended without a final safepoint, and as the reference.
  std::vector<Finding> CheckAll();

  // The finding as text, with the last events or without.
  enum class Events { kShow, kHide };
  std::string Text(const Finding& finding, Events events = Events::kShow) const;
  const CheckerStats& stats() const { return stats_; }
  // Of the last look; null before the first: all of the log is of interest.
  const WatchedFrames* watched() const {
    return incremental_ == nullptr ? nullptr : &incremental_->watched();
  }

 private:
  // Adds what a full walk finds now.
  void WalkAll(Findings& findings);
  IncrementalChecker& Incremental();
  std::vector<Finding> Finish(proto::SafepointKind kind, Findings& findings, uint64_t started_ns);

  inspect::MemoryReader memory_;
  inspect::ChannelView channel_;
  CheckerOptions options_;
  std::unique_ptr<IncrementalChecker> incremental_;
  // The model needs every event since boot: a checker that came later does without it.
  enum class Story : uint8_t { kWhole, kPart };
  Story story_ = Story::kPart;
  model::World world_;
  std::vector<proto::EventRecord> events_;      // since the last safepoint
  std::deque<proto::EventRecord> last_events_;  // for messages
  std::optional<Past> past_;                    // kept, if somebody wants it
  bool gap_ = false;                            // a safepoint was passed over since the last check
  CheckerStats stats_;
};

}  // namespace fv::oracle
