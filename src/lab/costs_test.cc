// SPDX-License-Identifier: Apache-2.0
//
// Costs from events that a program of one cycle would cause: nested forks, the first, one again.
#include "src/lab/costs.h"

#include <gtest/gtest.h>

namespace fv::lab {
namespace {

using proto::EventKind;
using proto::EventRecord;

constexpr uint32_t kParent = 2;

class CostsTest : public testing::Test {
 protected:
  void Send(EventKind kind, uint32_t pid, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0,
            uint64_t d = 0, uint64_t e = 0) {
    collector_.OnEvent(EventRecord{0, 0, kind, 0, pid, a, b, c, d, e});
  }

  // A fork with 7 entries, 3 tables, 2 mappings and `copied` pages, which takes 10 frames.
  void Fork(uint32_t parent, uint32_t child, uint64_t copied = 0, uint64_t error = 0) {
    Send(EventKind::kForkBegin, parent, 0, 0, 100);
    Send(EventKind::kFlush, parent);
    if (copied > 0) Send(EventKind::kOwn, parent, 0, 0x1000, 0x1000 + copied * 4096);
    for (uint64_t phase = 0; phase < bench::kPhases; ++phase) {
      Send(EventKind::kForkPhase, parent, phase, 1000 * (phase + 1), 90);
    }
    Send(EventKind::kForkEnd, parent, child, 7, 3, 2, error);
  }

  CostCollector collector_{/*depth=*/1, /*again=*/1};
};

TEST_F(CostsTest, CountsTheTailOfParentAndChild) {
  Fork(kParent - 1, kParent);  // nested: not measured
  Send(EventKind::kFault, kParent);
  Fork(kParent, 3, 2);
  Send(EventKind::kFault, 3);
  Send(EventKind::kCowBreak, 3);
  Send(EventKind::kFlush, 3);
  Send(EventKind::kFault, 3);
  Send(EventKind::kFault, kParent);
  Send(EventKind::kFault, 99);  // a stranger
  Send(EventKind::kExit, 3);
  Send(EventKind::kFault, kParent);  // after both were done
  ASSERT_EQ(collector_.forks().size(), 1u);
  const ForkCost& cost = collector_.forks()[0];
  EXPECT_EQ(cost.age, Age::kFirst);
  EXPECT_EQ(cost.record.ptes, 7u);
  EXPECT_EQ(cost.record.tables, 3u);
  EXPECT_EQ(cost.record.vmas, 2u);
  EXPECT_EQ(cost.record.frames, 10u);
  EXPECT_EQ(cost.record.cycles[1], 2000u);
  EXPECT_EQ(cost.flushes, 1u);
  EXPECT_EQ(cost.copied_in_fork, 2u);
  EXPECT_EQ(cost.faults_child, 2u);
  EXPECT_EQ(cost.copied_child, 1u);
  EXPECT_EQ(cost.faults_parent, 1u);
  EXPECT_EQ(cost.copied_parent, 0u);
  EXPECT_EQ(cost.flushes_after, 1u);
  EXPECT_EQ(cost.BytesCopied(), 3u * 4096);
}

// Depth 1, one fork again, five other ways: eight forks a cycle.
TEST_F(CostsTest, KnowsTheForksByTheirOrder) {
  for (unsigned cycle = 0; cycle < 2; ++cycle) {
    for (uint32_t fork = 0; fork < 8; ++fork) {
      Fork(kParent, 10 + fork);
      Send(EventKind::kExit, 10 + fork);
    }
  }
  ASSERT_EQ(collector_.forks().size(), 4u);
  EXPECT_EQ(collector_.forks()[0].age, Age::kFirst);
  EXPECT_EQ(collector_.forks()[1].age, Age::kAgain);
  EXPECT_EQ(collector_.forks()[2].age, Age::kFirst);
  const CostSummary first = SummarizeCosts(collector_.forks(), Age::kFirst, 2);
  EXPECT_EQ(first.phases.forks, 2u);
  EXPECT_DOUBLE_EQ(first.phases.ns[0], 2000);
  EXPECT_DOUBLE_EQ(first.phases.total_ns, 2 * 36000);
  EXPECT_DOUBLE_EQ(first.flushes, 1);
}

TEST_F(CostsTest, AForkThatFailedIsLeftOut) {
  Fork(kParent, kParent + 1);
  Send(EventKind::kExit, kParent + 1);
  Fork(kParent, 0, 0, /*error=*/12);
  Send(EventKind::kFault, kParent);
  Send(EventKind::kExit, 0);
  EXPECT_TRUE(collector_.forks().empty());
  EXPECT_EQ(SummarizeCosts(collector_.forks(), Age::kFirst, 1).phases.forks, 0u);
}

}  // namespace
}  // namespace fv::lab
