// SPDX-License-Identifier: Apache-2.0
#include "guest/introspect/stop_budget.h"

#include <gtest/gtest.h>

namespace fv::guest {
namespace {

constexpr uint64_t kFree = 1000;
constexpr uint64_t kStart = 1'000'000;

// A budget whose first stop ended at kStart.
StopBudget Begun() {
  StopBudget budget;
  budget.Count(1, kStart);
  return budget;
}

TEST(StopBudgetTest, NeitherTheFirstStopNorTheFreeOnesCount) {
  StopBudget budget;
  EXPECT_TRUE(budget.Allows(5, kFree, 20));
  budget.Count(1, kStart);
  EXPECT_TRUE(budget.Allows(kStart, kFree, 20));
  budget.Count(kStart, kStart + kFree);
  EXPECT_TRUE(budget.Allows(kStart + kFree, kFree, 20));
  budget.Count(kStart + kFree, kStart + kFree + 1);
  EXPECT_FALSE(budget.Allows(kStart + kFree + 1, kFree, 20));
}

TEST(StopBudgetTest, TheRestOfTheTimePaysForMore) {
  StopBudget budget = Begun();
  const uint64_t end = kStart + kFree + 200;
  budget.Count(kStart, end);
  EXPECT_FALSE(budget.Allows(end + 999, kFree, 20));
  EXPECT_TRUE(budget.Allows(end + 1000, kFree, 20));
}

// Whatever runs in between: in the end stops have had their share and one more at most.
TEST(StopBudgetTest, TheShareIsKeptToInTheLongRun) {
  StopBudget budget = Begun();
  constexpr uint64_t kStop = 50;
  uint64_t now = kStart;
  uint64_t stops = 0;
  uint64_t ran = 0;
  for (uint64_t i = 0; i < 10'000; ++i) {
    const uint64_t run = i % 97;
    now += run;
    ran += run;
    if (!budget.Allows(now, kFree, 20)) {
      continue;
    }
    budget.Count(now, now + kStop);
    now += kStop;
    ++stops;
  }
  EXPECT_LE(stops * kStop, kFree + ran * 20 / 100 + kStop);
  EXPECT_GE(stops * kStop, kFree + ran * 20 / 100 - kStop);
}

}  // namespace
}  // namespace fv::guest
