// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/checker.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <tuple>
#include <utility>

#include "src/inspect/snapshot_reader.h"
#include "src/model/events.h"
#include "src/oracle/full_checker.h"

namespace fv::oracle {

using proto::SafepointKind;

namespace {

// Events since one safepoint that are kept for the transition rules; an operation makes a handful.
constexpr size_t kMostEvents = 65536;

uint64_t NowNs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

// A rule may see the same place from two sides in one step.
void RemoveDuplicates(std::vector<Finding>& findings) {
  std::set<std::tuple<Rule, proto::GuestPtr, uint64_t, uint64_t, std::string>> seen;
  std::erase_if(findings, [&](const Finding& finding) {
    return !seen.insert({finding.rule, finding.mm, finding.address, finding.pfn.value_or(0),
                         finding.sentence})
                .second;
  });
}

}  // namespace

std::optional<CheckMode> ParseCheckMode(std::string_view text) {
  if (text == "off") return CheckMode::kOff;
  if (text == "end") return CheckMode::kEnd;
  if (text == "sampled") return CheckMode::kSampled;
  if (text == "every") return CheckMode::kEvery;
  if (text == "both") return CheckMode::kBoth;
  return std::nullopt;
}

Checker::Checker(const inspect::MemoryReader& memory, const inspect::ChannelView& channel,
                 CheckerOptions options)
    : memory_(memory), channel_(channel), options_(options), world_(memory.frames()) {}

uint64_t Checker::RequiredEvents(CheckMode mode) {
  const bool looks_often = mode != CheckMode::kOff && mode != CheckMode::kEnd;
  return looks_often ? TransitionChecker::RequiredEvents() | LifecycleChecker::RequiredEvents() |
                           model::RequiredEvents()
                     : 0;
}

std::vector<Finding> Checker::Resume(const Past& past) {
  if (RequiredEvents(options_.mode) == 0) return {};
  const uint64_t started = NowNs();
  for (const proto::EventRecord& event : past.events) {
    model::Follow(event, world_);
    world_.PassSafepoint();
  }
  story_ = Story::kWhole;
  stats_.safepoints = 1;
  Findings findings(options_.max_findings);
  const absl::Status status = Incremental().Step(
      {SafepointKind::kSyscall, {}, {}, ContentGuard::Gap::kUnknown, &world_}, findings);
  world_.BeginInterval();
  if (!status.ok()) {
    findings.Add(Rule::kAccountMalformed, std::string(status.message()));
  }
  Incremental().set_baseline(past.boot);
  return Finish(SafepointKind::kSyscall, findings, started);
}

Past Checker::TakePast() {
  if (!past_) return {};
  if (incremental_ != nullptr) past_->boot = incremental_->baseline();
  return std::move(*past_);
}

IncrementalChecker& Checker::Incremental() {
  if (incremental_ == nullptr) {
    incremental_ = std::make_unique<IncrementalChecker>(memory_, channel_, options_.content);
  }
  return *incremental_;
}

void Checker::OnEvent(const proto::EventRecord& event) {
  if (past_) past_->events.push_back(event);
  if (RequiredEvents(options_.mode) != 0) {
    model::Follow(event, world_);
  }
  if (event.kind == proto::EventKind::kUserWrite || event.kind == proto::EventKind::kObjectWrite) {
    return;  // the model's alone, and there are many
  }
  last_events_.push_back(event);
  if (last_events_.size() > options_.last_events) {
    last_events_.pop_front();
  }
  if (events_.size() < kMostEvents) {
    events_.push_back(event);
  }
}

bool Checker::WantsSafepoint(SafepointKind kind) const {
  switch (options_.mode) {
    case CheckMode::kOff:
      return false;
    case CheckMode::kEnd:
      return kind == SafepointKind::kFinal;
    case CheckMode::kSampled:
      // Two in a row, so that what must not change between two safepoints can be seen.
      return stats_.safepoints % std::max<uint64_t>(options_.sample_interval, 2) < 2 ||
             kind == SafepointKind::kFinal;
    case CheckMode::kEvery:
    case CheckMode::kBoth:
      return true;
  }
  return false;
}

std::vector<Finding> Checker::OnSafepoint(SafepointKind kind, std::span<const uint64_t> dirty) {
  const bool wanted = WantsSafepoint(kind);
  if (stats_.safepoints++ == 0) {
    story_ = kind == SafepointKind::kBoot ? Story::kWhole : Story::kPart;
  }
  if (!wanted) {
    gap_ = true;
    events_.clear();
    world_.PassSafepoint();
    return {};
  }
  if (options_.mode == CheckMode::kEnd) {
    return CheckAll();
  }
  const uint64_t started = NowNs();
  Findings findings(options_.max_findings);
  const bool certain = !gap_ && events_.size() < kMostEvents;
  const absl::Status status = Incremental().Step(
      {kind, dirty, events_, certain ? ContentGuard::Gap::kNone : ContentGuard::Gap::kUnknown,
       story_ == Story::kWhole ? &world_ : nullptr},
      findings);
  world_.BeginInterval();
  if (!status.ok()) {
    findings.Add(Rule::kAccountMalformed, std::string(status.message()));
  }
  gap_ = false;
  events_.clear();
  stats_.walked_ptes = incremental_->walked_ptes();
  if (options_.mode == CheckMode::kBoth) {
    WalkAll(findings);
  }
  return Finish(kind, findings, started);
}

std::vector<Finding> Checker::CheckAll() {
  const uint64_t started = NowNs();
  Findings findings(options_.max_findings);
  WalkAll(findings);
  return Finish(SafepointKind::kFinal, findings, started);
}

void Checker::WalkAll(Findings& findings) {
  inspect::Snapshot snapshot;
  const absl::Status status = inspect::SnapshotReader(memory_, channel_).ReadInto(snapshot);
  if (!status.ok()) {
    findings.Add(Rule::kAccountMalformed, std::string(status.message()));
    return;
  }
  FullChecker full(memory_);
  full.Check(snapshot, findings);
  stats_.walked_ptes += full.walked_ptes();
}

uint64_t CheckerStats::MedianNs(SafepointKind kind) const {
  std::vector<uint64_t> sorted = times[static_cast<size_t>(kind)];
  if (sorted.empty()) return 0;
  const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

std::vector<Finding> Checker::Finish(SafepointKind kind, Findings& findings, uint64_t started_ns) {
  const uint64_t spent = NowNs() - started_ns;
  stats_.nanoseconds += spent;
  if (stats_.checked++ == 0) {
    stats_.first_ns = spent;
  } else {
    stats_.longest_ns = std::max(stats_.longest_ns, spent);
    const size_t index = std::min(static_cast<size_t>(kind), kSafepointKinds - 1);
    if (stats_.times[index].size() < kKeptTimes) {
      stats_.times[index].push_back(spent);
    }
  }
  RemoveDuplicates(findings.list());
  stats_.findings += findings.list().size() + findings.suppressed();
  return std::move(findings.list());
}

std::string Checker::Text(const Finding& finding, Events events) const {
  if (events == Events::kHide) {
    return FindingText(finding, {});
  }
  const std::vector<proto::EventRecord> last(last_events_.begin(), last_events_.end());
  return FindingText(finding, last);
}

}  // namespace fv::oracle
