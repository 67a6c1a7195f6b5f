// SPDX-License-Identifier: Apache-2.0
//
// Collects the phases of forks.
#include "src/bench/fork_phases.h"

#include "src/inspect/render.h"

namespace fv::bench {
namespace {

constexpr uint64_t kAllPhases = (uint64_t{1} << kPhases) - 1;

// Median of one number over all forks.
template <typename Get>
double Median(const std::vector<ForkRecord>& forks, double scale, Get get) {
  std::vector<uint64_t> values;
  values.reserve(forks.size());
  for (const ForkRecord& fork : forks) values.push_back(get(fork));
  return Summarize(values, scale).p50;
}

uint64_t Total(const ForkRecord& fork) {
  uint64_t total = 0;
  for (uint64_t cycles : fork.cycles) total += cycles;
  return total;
}

}  // namespace

const char* PhaseName(size_t phase) {
  return inspect::ForkPhaseText(static_cast<proto::ForkPhase>(phase));
}

void ForkPhases::OnEvent(const proto::EventRecord& event) {
  switch (event.kind) {
    case proto::EventKind::kForkBegin:
      if (open_) ++rejected_;
      open_ = Open{.free_frames = event.c, .record = {}};
      return;
    case proto::EventKind::kForkPhase:
      if (!open_ || event.a >= kPhases) return;
      if ((open_->seen >> event.a & 1) != 0) open_->repeated = true;
      open_->seen |= uint64_t{1} << event.a;
      open_->record.cycles[event.a] = event.b;
      if (event.c <= open_->free_frames) open_->record.frames = open_->free_frames - event.c;
      return;
    case proto::EventKind::kForkEnd:
      if (!open_) return;
      open_->record.ptes = event.b;
      open_->record.tables = event.c;
      open_->record.vmas = event.d;
      if (open_->seen == kAllPhases && !open_->repeated && event.e == 0) {
        forks_.push_back(open_->record);
      } else {
        ++rejected_;
      }
      open_.reset();
      return;
    default:
      return;
  }
}

PhaseSummary SummarizePhases(const std::vector<ForkRecord>& forks, double ns_per_cycle) {
  PhaseSummary summary;
  summary.forks = forks.size();
  for (size_t phase = 0; phase < kPhases; ++phase) {
    summary.ns[phase] =
        Median(forks, ns_per_cycle, [phase](const ForkRecord& fork) { return fork.cycles[phase]; });
  }
  summary.total_ns = Median(forks, ns_per_cycle, Total);
  summary.vmas = Median(forks, 1, [](const ForkRecord& fork) { return fork.vmas; });
  summary.ptes = Median(forks, 1, [](const ForkRecord& fork) { return fork.ptes; });
  summary.tables = Median(forks, 1, [](const ForkRecord& fork) { return fork.tables; });
  summary.frames = Median(forks, 1, [](const ForkRecord& fork) { return fork.frames; });
  return summary;
}

}  // namespace fv::bench
