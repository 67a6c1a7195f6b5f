// SPDX-License-Identifier: Apache-2.0
//
// Pages that rest in the log, and pages that must not.
#include "vmm/busy_pages.h"

#include <gtest/gtest.h>

#include <set>

namespace fv::vmm {
namespace {

constexpr uint64_t kFrames = uint64_t{2} * BusyPages::kMost;

class BusyPagesTest : public ::testing::Test {
 protected:
  // One take with `frames` in the log: whether each is to be protected.
  std::set<uint64_t> Take(const std::set<uint64_t>& frames, const std::set<uint64_t>& costly = {},
                          BusyPages::Looks looks = BusyPages::Looks::kCost) {
    std::vector<uint64_t> dirty(kFrames / 64);
    for (const uint64_t frame : frames) dirty[frame / 64] |= uint64_t{1} << (frame % 64);
    std::vector<uint64_t> of_those(costly.empty() ? 0 : *costly.rbegin() / 64 + 1);
    for (const uint64_t frame : costly) of_those[frame / 64] |= uint64_t{1} << (frame % 64);
    std::vector<uint64_t> protect;
    pages_.Take(dirty, of_those, looks, protect);
    std::set<uint64_t> result;
    for (uint64_t frame = 0; frame < kFrames; ++frame) {
      if (protect[frame / 64] >> (frame % 64) & 1) result.insert(frame);
    }
    return result;
  }
  using Set = std::set<uint64_t>;
  BusyPages pages_{kFrames};
};

TEST_F(BusyPagesTest, RestsAfterWritesInARow) {
  for (uint32_t write = 1; write < BusyPages::kBusy; ++write) {
    EXPECT_EQ(Take({3, 511}), (Set{3, 511}));
  }
  EXPECT_EQ(Take({3}), Set{}) << "busy";
  EXPECT_EQ(Take({3, 4, 511}), (Set{4})) << "near enough; 4 is new";
}

TEST_F(BusyPagesTest, RestsSoonerAndLongerWhereLooksAreCheap) {
  constexpr auto kCheap = BusyPages::Looks::kAreCheap;
  for (uint32_t write = 1; write < BusyPages::kCheapBusy; ++write) {
    EXPECT_EQ(Take({512}, {}, kCheap), Set{512});
    for (uint32_t take = 1; take < BusyPages::kCheapNear; ++take) Take({}, {}, kCheap);
  }
  for (uint32_t take = 0; take < BusyPages::kCheapRest; ++take) {
    ASSERT_EQ(Take({512}, {}, kCheap), Set{}) << take;
  }
  EXPECT_EQ(Take({512}, {}, kCheap), Set{512}) << "the rest is over";
  EXPECT_EQ(Take({512}, {}, kCheap), Set{}) << "still busy";
}

TEST_F(BusyPagesTest, AWriteNowAndThenIsNoRow) {
  for (uint32_t write = 0; write < 3 * BusyPages::kBusy; ++write) {
    EXPECT_EQ(Take({7}), Set{7});
    for (uint32_t take = 0; take < BusyPages::kNear; ++take) Take({});
  }
}

TEST_F(BusyPagesTest, IsProtectedAgainAfterItsRest) {
  for (uint32_t write = 1; write < BusyPages::kBusy; ++write) Take({64});
  for (uint32_t take = 0; take < BusyPages::kRest; ++take) ASSERT_EQ(Take({64}), Set{}) << take;
  EXPECT_EQ(Take({64}), Set{64});
  EXPECT_EQ(Take({64}), Set{}) << "still busy";
  for (uint32_t take = 1; take < BusyPages::kRest; ++take) Take({64});
  EXPECT_EQ(Take({64}), Set{64});
  for (uint32_t take = 0; take <= BusyPages::kNear; ++take) Take({});
  EXPECT_EQ(Take({64}), Set{64}) << "no more";
  EXPECT_EQ(Take({64}), Set{64});
  EXPECT_EQ(Take({64}), Set{});
}

TEST_F(BusyPagesTest, NotTooManyRest) {
  Set all;
  for (uint64_t frame = 0; frame < kFrames; ++frame) all.insert(frame);
  for (uint32_t write = 1; write < BusyPages::kBusy; ++write) Take(all);
  EXPECT_EQ(Take(all).size(), kFrames - BusyPages::kMost);
  for (uint32_t take = 1; take < 3 * BusyPages::kRest; ++take) {
    ASSERT_GE(Take(all).size(), kFrames - BusyPages::kMost) << take;
  }
}

TEST_F(BusyPagesTest, WarmPagesLeaveRoomForHotOnes) {
  Set warm, hot;
  for (uint64_t frame = 0; frame < BusyPages::kMost; ++frame) {
    warm.insert(frame);
    hot.insert(frame + BusyPages::kMost);
  }
  for (uint32_t write = 1; write <= BusyPages::kBusy; ++write) {
    const size_t resting = warm.size() - Take(warm).size();
    EXPECT_EQ(resting, write < BusyPages::kBusy ? 0u : BusyPages::kMostWarm);
    for (uint32_t take = 0; take < BusyPages::kHot; ++take) Take({});
  }
  for (uint32_t write = 1; write < BusyPages::kBusy; ++write) Take(hot);
  EXPECT_EQ(hot.size() - Take(hot).size(), BusyPages::kMost - BusyPages::kMostWarm);
}

TEST_F(BusyPagesTest, ACostlyPageRestsOnlyIfItIsHot) {
  for (uint32_t write = 1; write < BusyPages::kBusy; ++write) Take({3, 300}, {3, 300});
  EXPECT_EQ(Take({3, 300}, {3}), Set{}) << "hot";
  for (uint32_t write = 1; write < BusyPages::kBusy; ++write) {
    Take({5, 6});
    for (uint32_t take = 0; take < BusyPages::kHot; ++take) Take({});
  }
  EXPECT_EQ(Take({5, 6}, {6}), Set{6}) << "both are warm";
  EXPECT_EQ(Take({5}, {5}), Set{5}) << "it became costly while it rested";
}

// Rests that end give their room back, to hot pages and to warm ones.
TEST_F(BusyPagesTest, RoomComesBack) {
  Set all;
  for (uint64_t frame = 0; frame < kFrames; ++frame) all.insert(frame);
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t write = 1; write < BusyPages::kBusy; ++write) Take(all);
    EXPECT_EQ(Take(all).size(), kFrames - BusyPages::kMost) << round;
    for (uint32_t take = 0; take < 2 * BusyPages::kRest; ++take) Take({});
    Take(all);  // the rests are over
    for (uint32_t take = 0; take <= BusyPages::kNear; ++take) Take({});
    for (uint32_t write = 1; write <= BusyPages::kBusy; ++write) {
      const size_t resting = kFrames - Take(all).size();
      EXPECT_EQ(resting, write < BusyPages::kBusy ? 0u : BusyPages::kMostWarm) << round;
      for (uint32_t take = 0; take < BusyPages::kHot; ++take) Take({});
    }
    for (uint32_t take = 0; take < 2 * BusyPages::kRest; ++take) Take({});
    Take(all);
    for (uint32_t take = 0; take <= BusyPages::kNear; ++take) Take({});
  }
}

TEST_F(BusyPagesTest, RestsEndAtDifferentTakes) {
  const Set all = {0, 1, 2, 3};
  for (uint32_t write = 1; write < BusyPages::kBusy; ++write) Take(all);
  for (uint32_t take = 0; take < BusyPages::kRest; ++take) ASSERT_EQ(Take(all), Set{});
  for (const uint64_t frame : all) EXPECT_EQ(Take(all), Set{frame});
}

}  // namespace
}  // namespace fv::vmm
