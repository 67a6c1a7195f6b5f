// SPDX-License-Identifier: Apache-2.0
//
// Where the time of a fork goes inside the guest kernel: collects the events ForkBegin, ForkPhase
// and ForkEnd (proto/events.h) of every fork. Events come from the guest: what does not fit
// together is left out and counted, never guessed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/events.h"
#include "src/bench/statistics.h"
#include "src/session/session.h"

namespace fv::bench {

inline constexpr size_t kPhases = static_cast<size_t>(proto::ForkPhase::kCount);
const char* PhaseName(size_t phase);

// One fork. Cycles of the time-stamp counter.
struct ForkRecord {
  std::array<uint64_t, kPhases> cycles{};
  uint64_t vmas = 0;
  uint64_t ptes = 0;
  uint64_t tables = 0;
  uint64_t frames = 0;  // frames that the fork took from the free ones
};

// The events that the collector needs.
inline constexpr uint64_t kForkEvents = proto::EventBit(proto::EventKind::kForkBegin) |
                                        proto::EventBit(proto::EventKind::kForkPhase) |
                                        proto::EventBit(proto::EventKind::kForkEnd);

class ForkPhases final : public session::Observer {
 public:
  void OnEvent(const proto::EventRecord& event) override;

  // Successful forks with all phases, in order.
  const std::vector<ForkRecord>& forks() const { return forks_; }
  // Forks that failed or whose events do not fit.
  uint64_t rejected() const { return rejected_; }

 private:
  struct Open {
    uint64_t free_frames = 0;  // before the fork
    uint64_t seen = 0;         // a bit a phase
    bool repeated = false;
    ForkRecord record;
  };

  std::optional<Open> open_;
  std::vector<ForkRecord> forks_;
  uint64_t rejected_ = 0;
};

// Medians over forks.
struct PhaseSummary {
  std::array<double, kPhases> ns{};
  double total_ns = 0;
  double vmas = 0, ptes = 0, tables = 0, frames = 0;
  size_t forks = 0;
};
PhaseSummary SummarizePhases(const std::vector<ForkRecord>& forks, double ns_per_cycle);

}  // namespace fv::bench
