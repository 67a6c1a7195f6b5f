// SPDX-License-Identifier: Apache-2.0
#include "src/lab/results.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fv::lab {

stats::Median Series::MedianNs() const {
  stats::Median median = stats::MedianOf(picoseconds);
  median.value /= 1000;
  median.low /= 1000;
  median.high /= 1000;
  return median;
}

const Series* CellResult::Find(const std::string& name) const {
  const auto found = series.find(name);
  return found == series.end() || found->second.picoseconds.empty() ? nullptr : &found->second;
}

double CellResult::Width() const {
  double width = 0;
  for (const char* name : kDecisive) {
    const Series* found = Find(name);
    if (found == nullptr) return std::numeric_limits<double>::infinity();
    width = std::max(width, found->MedianNs().RelativeWidth());
  }
  return width;
}

const char* EndedName(Ended ended) {
  switch (ended) {
    case Ended::kPrecise:
      return "precise";
    case Ended::kRepetitions:
      return "repetitions";
    case Ended::kBudget:
      return "budget";
    case Ended::kInterrupted:
      return "interrupted";
  }
  return "?";
}

Gatherer::Gatherer(const std::vector<Cell>& cells)
    : results_(cells.size()),
      timed_(cells.size()),
      counts_(cells.size()),
      kvm_(cells.size()),
      khz_(cells.size()) {
  for (size_t i = 0; i < cells.size(); ++i) {
    results_[i].cell = cells[i];
    index_[CellName(cells[i])] = i;
  }
}

std::optional<size_t> Gatherer::Add(const Batch& batch) {
  const auto found = index_.find(batch.cell);
  if (found == index_.end()) return std::nullopt;
  const size_t at = found->second;
  CellResult& result = results_[at];
  khz_[at] = batch.tsc_khz;
  if (batch.kind == Batch::Kind::kCounts) {
    counts_[at].insert(counts_[at].end(), batch.forks.begin(), batch.forks.end());
    kvm_[at] = batch.kvm;
    return at;
  }
  timed_[at].insert(timed_[at].end(), batch.forks.begin(), batch.forks.end());
  result.cycles += batch.cycles;
  result.seconds += batch.seconds;
  result.huge_bytes = std::max(result.huge_bytes, batch.huge_bytes);
  ++result.rounds;
  const double ps_per_cycle = 1e9 / static_cast<double>(batch.tsc_khz);
  for (const auto& [name, cycles] : batch.series) {
    stats::Histogram round;
    for (uint64_t value : cycles) {
      round.Record(static_cast<uint64_t>(std::llround(static_cast<double>(value) * ps_per_cycle)));
    }
    Series& series = result.series[name];
    series.picoseconds.Merge(round);
    if (!round.empty()) series.round_medians_ns.push_back(round.Percentile(0.5) / 1000);
  }
  return at;
}

std::vector<CellResult> Gatherer::Finish() const {
  std::vector<CellResult> results = results_;
  for (size_t at = 0; at < results.size(); ++at) {
    if (timed_[at].empty() && counts_[at].empty()) continue;
    const double ns_per_cycle = 1e6 / static_cast<double>(khz_[at]);
    for (Age age : kAges) {
      CostSummary summary = SummarizeCosts(counts_[at], age, ns_per_cycle);
      if (!timed_[at].empty()) {
        summary.phases = SummarizeCosts(timed_[at], age, ns_per_cycle).phases;
      }
      if (age == Age::kAgain) summary.kvm = kvm_[at];
      if (summary.phases.forks > 0) results[at].costs[static_cast<size_t>(age)] = summary;
    }
  }
  return results;
}

}  // namespace fv::lab
