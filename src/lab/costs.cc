// SPDX-License-Identifier: Apache-2.0
#include "src/lab/costs.h"

#include "proto/layout.h"
#include "src/bench/statistics.h"

namespace fv::lab {
namespace {

// fork_exit_wait, vfork_exit_wait, fork_exec, vfork_exec, spawn.
constexpr uint64_t kOtherWays = 5;

template <typename Get>
double Median(const std::vector<ForkCost>& forks, Get get) {
  std::vector<uint64_t> values;
  values.reserve(forks.size());
  for (const ForkCost& fork : forks) values.push_back(get(fork));
  return bench::Summarize(values).p50;
}

}  // namespace

uint64_t ForkCost::BytesCopied() const {
  return (copied_in_fork + copied_parent + copied_child) * proto::kPageBytes;
}

void CostCollector::OnEvent(const proto::EventRecord& event) {
  const size_t complete = phases_.forks().size();
  phases_.OnEvent(event);
  switch (event.kind) {
    case proto::EventKind::kForkBegin:
      return Begin(event);
    case proto::EventKind::kOwn:
      if (state_ == State::kInFork) open_.copied_in_fork += (event.c - event.b) / proto::kPageBytes;
      return;
    case proto::EventKind::kForkEnd:
      if (state_ != State::kInFork) return;
      if (phases_.forks().size() == complete) {
        state_ = State::kOutside;
        return;
      }
      return End(event);
    default:
      return CountAfter(event);
  }
}

void CostCollector::Begin(const proto::EventRecord& event) {
  if (state_ == State::kAfter && measured_) forks_.push_back(open_);
  const uint64_t in_cycle = ordinal_++ % (depth_ + 1 + again_ + kOtherWays);
  measured_ = in_cycle >= depth_ && in_cycle <= depth_ + again_;
  open_ = {};
  open_.age = in_cycle == depth_ ? Age::kFirst : Age::kAgain;
  parent_ = event.pid;
  state_ = State::kInFork;
}

void CostCollector::End(const proto::EventRecord& event) {
  open_.record = phases_.forks().back();
  child_ = static_cast<uint32_t>(event.a);
  state_ = State::kAfter;
}

void CostCollector::CountAfter(const proto::EventRecord& event) {
  if (event.kind == proto::EventKind::kFlush) {
    if (state_ == State::kInFork) ++open_.flushes;
    if (state_ == State::kAfter) ++open_.flushes_after;
  }
  if (state_ != State::kAfter) return;
  const bool of_child = event.pid == child_;
  if (!of_child && event.pid != parent_) return;
  if (event.kind == proto::EventKind::kFault) {
    ++(of_child ? open_.faults_child : open_.faults_parent);
  } else if (event.kind == proto::EventKind::kCowBreak) {
    ++(of_child ? open_.copied_child : open_.copied_parent);
  } else if (event.kind == proto::EventKind::kExit && of_child) {
    if (measured_) forks_.push_back(open_);
    state_ = State::kOutside;
  }
}

CostSummary SummarizeCosts(const std::vector<ForkCost>& all, Age age, double ns_per_cycle) {
  std::vector<ForkCost> forks;
  std::vector<bench::ForkRecord> records;
  for (const ForkCost& fork : all) {
    if (fork.age != age) continue;
    forks.push_back(fork);
    records.push_back(fork.record);
  }
  CostSummary summary;
  summary.phases = bench::SummarizePhases(records, ns_per_cycle);
  summary.flushes = Median(forks, [](const ForkCost& fork) { return fork.flushes; });
  summary.copied_in_fork = Median(forks, [](const ForkCost& fork) { return fork.copied_in_fork; });
  summary.faults_parent = Median(forks, [](const ForkCost& fork) { return fork.faults_parent; });
  summary.faults_child = Median(forks, [](const ForkCost& fork) { return fork.faults_child; });
  summary.copied_parent = Median(forks, [](const ForkCost& fork) { return fork.copied_parent; });
  summary.copied_child = Median(forks, [](const ForkCost& fork) { return fork.copied_child; });
  summary.flushes_after = Median(forks, [](const ForkCost& fork) { return fork.flushes_after; });
  summary.bytes_copied = Median(forks, [](const ForkCost& fork) { return fork.BytesCopied(); });
  return summary;
}

}  // namespace fv::lab
