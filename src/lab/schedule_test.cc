// SPDX-License-Identifier: Apache-2.0
//
// The schedule against cells whose width shrinks as widths do.
#include "src/lab/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace fv::lab {
namespace {

// Runs to the end; each cycle costs `cycle_s`, and the width is `spread` / sqrt(cycles).
struct World {
  double cycle_s = 0.01;
  std::vector<double> spreads;
  std::map<size_t, uint64_t> cycles;
  std::vector<size_t> order;

  void Run(Schedule& schedule) {
    for (unsigned limit = 0; limit < 10'000; ++limit) {
      const std::optional<Schedule::Step> step = schedule.Next();
      if (!step) return;
      ASSERT_GT(step->cycles, 0u);
      cycles[step->cell] += step->cycles;
      order.push_back(step->cell);
      const double width = spreads[step->cell] / std::sqrt(static_cast<double>(cycles[step->cell]));
      schedule.Record(step->cell, step->cycles, cycle_s * static_cast<double>(step->cycles), width);
    }
    FAIL() << "does not end";
  }
};

TEST(Schedule, RepeatsUntilEveryCellIsPrecise) {
  World world{.spreads = {0.01, 0.2, 0.5}};
  Schedule schedule(3, Goal{.width = 0.02, .budget_s = 1e6});
  world.Run(schedule);
  EXPECT_TRUE(schedule.AllDone());
  EXPECT_GE(world.cycles[1], 100u);
  EXPECT_GE(world.cycles[2], 625u);
  EXPECT_LT(world.cycles[2], 625u + 101);
  EXPECT_LT(world.cycles[0], world.cycles[1] + 200);
  EXPECT_EQ(schedule.SecondsLeft(), 0);
}

TEST(Schedule, InterleavesRounds) {
  World world{.spreads = {0.5, 0.5, 0.5, 0.5}};
  Schedule schedule(4, Goal{.width = 0.02, .budget_s = 1e6});
  world.Run(schedule);
  for (size_t round = 0; round + 4 <= world.order.size(); round += 4) {
    const std::set<size_t> cells(world.order.begin() + static_cast<ptrdiff_t>(round),
                                 world.order.begin() + static_cast<ptrdiff_t>(round) + 4);
    EXPECT_EQ(cells.size(), 4u) << "each cell once a round";
  }
}

TEST(Schedule, EndsWhenTheBudgetIsSpent) {
  World world{.spreads = {10, 10}};
  Schedule schedule(2, Goal{.width = 0.02, .budget_s = 3});
  world.Run(schedule);
  EXPECT_TRUE(schedule.budget_spent());
  EXPECT_FALSE(schedule.AllDone());
  EXPECT_EQ(schedule.SecondsLeft(), 0);
}

TEST(Schedule, TheBudgetCountsWhatElseWasDone) {
  Schedule schedule(1, Goal{.budget_s = 10});
  schedule.Record(0, 3, 1, 1);
  EXPECT_TRUE(schedule.Next().has_value());
  schedule.Spend(9);
  EXPECT_FALSE(schedule.Next().has_value());
}

TEST(Schedule, RepetitionsAreCountedExactly) {
  World world{.spreads = {10, 0}};
  Schedule schedule(2, Goal{.budget_s = 1e6, .repetitions = 17});
  world.Run(schedule);
  EXPECT_EQ(world.cycles[0], 17u);
  EXPECT_EQ(world.cycles[1], 17u);
}

TEST(Schedule, FewSamplesAreNeverEnough) {
  Schedule schedule(1, Goal{.width = 0.02, .budget_s = 1e6});
  for (unsigned i = 0; i < 50; ++i) {
    ASSERT_TRUE(schedule.Next().has_value());
    schedule.Record(0, 3, 0.1, std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isfinite(schedule.SecondsLeft()));
  }
}

TEST(Schedule, TimeLeftFollowsTheWidth) {
  Schedule schedule(1, Goal{.width = 0.02, .budget_s = 1e6});
  for (unsigned i = 0; i < 10; ++i) schedule.Record(0, 10, 1, 0.06);
  // Three times as wide: nine times as many samples.
  EXPECT_NEAR(schedule.SecondsLeft(), 80, 1);
}

TEST(Schedule, AnEmptyMatrixIsDone) {
  Schedule schedule(0, Goal{});
  EXPECT_FALSE(schedule.Next().has_value());
  EXPECT_TRUE(schedule.AllDone());
}

}  // namespace
}  // namespace fv::lab
