// SPDX-License-Identifier: Apache-2.0
//
// What the forks of one run of fork_lab cost, from the guest kernel's events: the phases of each,
// and what came later, in parent and child, until the next fork or the child's end: the lazy tail
// that a fork call alone hides. Which fork is which follows from the program's order.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/bench/fork_phases.h"
#include "src/session/session.h"

namespace fv::lab {

// Whether a process was forked from pages that nobody shared since they were written, or again.
enum class Age : uint8_t { kFirst, kAgain };
inline constexpr Age kAges[] = {Age::kFirst, Age::kAgain};

// One fork. Events are counted only where the run recorded them.
struct ForkCost {
  Age age = Age::kFirst;
  bench::ForkRecord record;     // phases, entries, tables, frames
  uint64_t flushes = 0;         // within the fork
  uint64_t copied_in_fork = 0;  // pages that the child has copies of from the start
  uint64_t faults_parent = 0;   // from the fork's end on
  uint64_t faults_child = 0;
  uint64_t copied_parent = 0;  // pages
  uint64_t copied_child = 0;
  uint64_t flushes_after = 0;

  // Bytes copied until parent and child had written what they write. A page that nobody had written
  // before counts when it is filled with zeros.
  uint64_t BytesCopied() const;
};

// The events of every run, and those of a run that counts: recording a fault costs time.
inline constexpr uint64_t kTimingEvents = bench::kForkEvents;
inline constexpr uint64_t kCountingEvents =
    bench::kForkEvents | proto::EventBit(proto::EventKind::kFault) |
    proto::EventBit(proto::EventKind::kCowBreak) | proto::EventBit(proto::EventKind::kFlush) |
    proto::EventBit(proto::EventKind::kOwn) | proto::EventBit(proto::EventKind::kExit);

class CostCollector final : public session::Observer {
 public:
  // The program forks `depth` times, then once, then `again` times, then in kOtherWays other ways.
  CostCollector(uint64_t depth, uint64_t again) : depth_(depth), again_(again) {}

  void OnEvent(const proto::EventRecord& event) override;

  // Of the forks that are measured; those whose events do not fit together are left out.
  const std::vector<ForkCost>& forks() const { return forks_; }

 private:
  enum class State : uint8_t { kOutside, kInFork, kAfter };

  void Begin(const proto::EventRecord& event);
  void End(const proto::EventRecord& event);
  void CountAfter(const proto::EventRecord& event);

  uint64_t depth_;
  uint64_t again_;
  bench::ForkPhases phases_;
  uint64_t ordinal_ = 0;  // forks begun
  State state_ = State::kOutside;
  bool measured_ = false;
  uint32_t parent_ = 0;
  uint32_t child_ = 0;
  ForkCost open_;
  std::vector<ForkCost> forks_;
};

// What KVM did for a fork again, until the child was waited for: means.
struct KvmPerFork {
  double exits = 0;
  double emulated = 0;  // instructions
  double faults = 0;    // shadow or nested page tables filled
};

// Medians over forks of one age; times in ns.
struct CostSummary {
  bench::PhaseSummary phases;
  double flushes = 0, copied_in_fork = 0;
  double faults_parent = 0, faults_child = 0, copied_parent = 0, copied_child = 0;
  double flushes_after = 0, bytes_copied = 0;
  std::optional<KvmPerFork> kvm;
};
CostSummary SummarizeCosts(const std::vector<ForkCost>& forks, Age age, double ns_per_cycle);

}  // namespace fv::lab
