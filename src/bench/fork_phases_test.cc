// SPDX-License-Identifier: Apache-2.0
//
// Phases of forks from made-up events.
#include "src/bench/fork_phases.h"

#include <gtest/gtest.h>

namespace fv::bench {
namespace {

using proto::EventKind;
using proto::EventRecord;

EventRecord Event(EventKind kind, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0,
                  uint64_t e = 0) {
  return {.sequence = 0,
          .tsc = 0,
          .kind = kind,
          .cpu = 0,
          .pid = 1,
          .a = a,
          .b = b,
          .c = c,
          .d = d,
          .e = e};
}

// A fork whose phase i takes `unit` * (i + 1) cycles and whose frames are `frames`.
void Feed(ForkPhases& phases, uint64_t unit, uint64_t frames, uint64_t error = 0) {
  phases.OnEvent(Event(EventKind::kForkBegin, 0, 0, 1000));
  for (uint64_t phase = 0; phase < kPhases; ++phase) {
    phases.OnEvent(Event(EventKind::kForkPhase, phase, unit * (phase + 1), 1000 - frames));
  }
  phases.OnEvent(Event(EventKind::kForkEnd, 7, 100, 5, 9, error));
}

TEST(ForkPhases, CollectsAFork) {
  ForkPhases phases;
  Feed(phases, 10, 12);
  ASSERT_EQ(phases.forks().size(), 1u);
  const ForkRecord& fork = phases.forks()[0];
  EXPECT_EQ(fork.cycles[0], 10u);
  EXPECT_EQ(fork.cycles[kPhases - 1], 10 * kPhases);
  EXPECT_EQ(fork.ptes, 100u);
  EXPECT_EQ(fork.tables, 5u);
  EXPECT_EQ(fork.vmas, 9u);
  EXPECT_EQ(fork.frames, 12u);
}

TEST(ForkPhases, LeavesOutWhatDoesNotFit) {
  ForkPhases phases;
  Feed(phases, 10, 12, 11);                      // failed with an errno
  phases.OnEvent(Event(EventKind::kForkBegin));  // never ends
  phases.OnEvent(Event(EventKind::kForkBegin));
  phases.OnEvent(Event(EventKind::kForkPhase, kPhases, 1));  // no such phase
  phases.OnEvent(Event(EventKind::kForkEnd));                // without phases
  phases.OnEvent(Event(EventKind::kForkEnd));                // without a beginning
  phases.OnEvent(Event(EventKind::kExit));
  EXPECT_TRUE(phases.forks().empty());
  EXPECT_EQ(phases.rejected(), 3u);
}

TEST(ForkPhases, ARepeatedPhaseIsNoPhase) {
  ForkPhases phases;
  phases.OnEvent(Event(EventKind::kForkBegin));
  for (uint64_t phase = 0; phase < kPhases; ++phase) {
    phases.OnEvent(Event(EventKind::kForkPhase, phase, 1));
  }
  phases.OnEvent(Event(EventKind::kForkPhase, 0, 1));
  phases.OnEvent(Event(EventKind::kForkEnd));
  EXPECT_EQ(phases.rejected(), 1u);
}

TEST(SummarizePhases, TakesMedians) {
  ForkPhases phases;
  for (uint64_t unit : {10, 30, 20}) Feed(phases, unit, unit);
  const PhaseSummary summary = SummarizePhases(phases.forks(), 0.5);
  EXPECT_EQ(summary.forks, 3u);
  EXPECT_DOUBLE_EQ(summary.ns[0], 10);
  EXPECT_DOUBLE_EQ(summary.ns[1], 20);
  EXPECT_DOUBLE_EQ(summary.total_ns, 10.0 * kPhases * (kPhases + 1) / 2);
  EXPECT_DOUBLE_EQ(summary.frames, 20);
  EXPECT_DOUBLE_EQ(summary.ptes, 100);
}

TEST(PhaseName, ComesFromTheContract) {
  EXPECT_STREQ(PhaseName(0), "entry");
  EXPECT_STREQ(PhaseName(kPhases - 1), "return");
  EXPECT_STREQ(PhaseName(kPhases), "unknown");
}

}  // namespace
}  // namespace fv::bench
