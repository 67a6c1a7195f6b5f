// SPDX-License-Identifier: Apache-2.0
#include "guest/mm/spare_trees.h"

#include <gtest/gtest.h>

#include <vector>

#include "guest/mm/frames.h"
#include "guest/mm/testing/test_process.h"

namespace fv::guest {
namespace {

using testing::FakeMachine;
using testing::kAt;
using testing::kPage;
using testing::kReadWrite;
using testing::TestProcess;

class SpareTreesTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(machine_.CheckInvariants(), ""); }
  FakeMachine& machine_ = FakeMachine::Get();
};

TEST_F(SpareTreesTest, TheNextChildGetsTheLastOnesTables) {
  TestProcess parent;
  ASSERT_TRUE(parent.Map(kAt, 4).ok());
  ASSERT_TRUE(parent.Write(kAt, 1));
  ASSERT_TRUE(parent.Write(kAt + kPage, 2));
  TestProcess first = parent.Fork();
  const uint64_t root = first->root_gpa;
  const uint64_t free_frames = FreeFrameCount();
  first.Exit();
  EXPECT_EQ(FreeFrameCount(), free_frames) << "the tables are kept";
  EXPECT_EQ(FrameOf(root >> 12).state, proto::FrameState::kKernel);
  EXPECT_EQ(machine_.CheckInvariants(), "");
  TestProcess second = parent.Fork();
  EXPECT_EQ(second->root_gpa, root);
  EXPECT_EQ(second->table_frames, parent->table_frames);
  EXPECT_EQ(machine_.CheckInvariants(), "");
  EXPECT_EQ(second.Read(kAt), 1u);
}

TEST_F(SpareTreesTest, NothingOfTheLastOwnerIsLeft) {
  TestProcess wide;
  ASSERT_TRUE(wide.Map(kAt, 600).ok());
  ASSERT_TRUE(wide.Map(4 * kAt, 3).ok());
  for (uint64_t i = 0; i < 600; ++i) {
    ASSERT_TRUE(wide.Write(kAt + i * kPage, i));
  }
  ASSERT_TRUE(wide.Write(4 * kAt, 1));
  TestProcess narrow;
  ASSERT_TRUE(narrow.Map(kAt + 2 * kPage, 1).ok());
  ASSERT_TRUE(narrow.Map(kAt + 5 * kPage, 2).ok());
  ASSERT_TRUE(narrow.Write(kAt + 2 * kPage, 7));
  wide.Exit();
  TestProcess child = narrow.Fork();
  EXPECT_EQ(child->anon_pages, 1u);
  EXPECT_EQ(machine_.CheckInvariants(), "") << "every stale entry was cleared";
  EXPECT_EQ(child->table_frames, narrow->table_frames) << "and tables that nobody needs freed";
  EXPECT_EQ(child.Read(kAt + 2 * kPage), 7u);
  EXPECT_EQ(child.Read(kAt + 5 * kPage), 0u);
  child.Exit();
  Mm* fresh = Mm::Create().take();
  EXPECT_EQ(machine_.CheckInvariants(), "") << "nor has exec's address space any";
  fresh->Put();
}

TEST_F(SpareTreesTest, AFailedForkLeavesNoStaleEntry) {
  TestProcess wide;
  ASSERT_TRUE(wide.Map(kAt, 600).ok());
  for (uint64_t i = 0; i < 600; ++i) {
    ASSERT_TRUE(wide.Write(kAt + i * kPage, i));
  }
  TestProcess parent;
  for (uint64_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(parent.Map((i + 1) * kAt, 1).ok());
    ASSERT_TRUE(parent.Write((i + 1) * kAt, i));
  }
  wide.Exit();
  for (uint64_t nth = 1; nth <= 8; ++nth) {
    ForkCounts counts;
    machine_.FailAllocation(nth);
    EXPECT_FALSE(DupMm(parent.mm(), counts).ok()) << nth;
    machine_.FailAllocation(0);
    ASSERT_EQ(machine_.CheckInvariants(), "") << nth;
  }
}

TEST_F(SpareTreesTest, MemoryIsAskedBackWhenItRunsOut) {
  TestProcess parent;
  ASSERT_TRUE(parent.Map(kAt, 1).ok());
  ASSERT_TRUE(parent.Write(kAt, 1));
  parent.Fork().Exit();
  const uint64_t kept = FreeFrameCount();
  ASSERT_TRUE(DropSpareTrees());
  EXPECT_EQ(FreeFrameCount(), kept + parent->table_frames);
  EXPECT_FALSE(DropSpareTrees());
  parent.Fork().Exit();
  std::vector<uint64_t> all;
  for (;;) {
    Result<uint64_t> pfn = AllocateFrames(0, proto::FrameState::kKernel);
    if (!pfn.ok()) {
      break;
    }
    all.push_back(pfn.value());
  }
  EXPECT_FALSE(DropSpareTrees()) << "they went before the first refusal";
  for (uint64_t pfn : all) {
    FreeFrames(pfn, 0);
  }
}

}  // namespace
}  // namespace fv::guest
