// SPDX-License-Identifier: Apache-2.0
//
// I21: what the reference model shows and the page tables do not, each once. The random histories
// of incremental_test.cc show that a healthy guest is not accused.
#include "src/oracle/model_checker.h"

#include <gtest/gtest.h>

#include <utility>

#include "src/oracle/testing/model_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using proto::kPageBytes;
using proto::Pte;
using testing::GuestPtr;
using testing::kDataAt;
using testing::kFreshAt;
using testing::kHeapAt;
using testing::kPageAt;
using testing::kPrivatePages;
using testing::kSharedAt;

using ModelTest = testing::ModelTest;

TEST_F(ModelTest, SharedPageMadeWritable) {
  *PteAt(sample_.mm, kPageAt) |= proto::kPteWritable;
  EXPECT_EQ(Step(), "ModelRights");
}

TEST_F(ModelTest, ForkThatLeavesAPageWritableFarFromWhatItChanged) {
  const uint64_t va = kFreshAt;
  g().Touch(sample_.mm, sample_.heap, va, testing::Access::kWrite);
  EXPECT_EQ(Step(), "");
  const Pte before = g().PeekPte(sample_.mm, va);
  g().Fork(sample_.parent, 9);
  *PteAt(sample_.mm, va) = before;
  EXPECT_EQ(Step(), "ModelRights");
}

TEST_F(ModelTest, ReuseOfAFrameThatTheOtherStillSees) {
  *PteAt(sample_.mm, kPageAt) |= proto::kPteWritable;
  Say(EventKind::kOwn, sample_.mm, kPageAt, kPageAt + kPageBytes);
  EXPECT_EQ(Step(), "ModelFrame");
}

TEST_F(ModelTest, LastOneMayReuse) {
  g().RemoveTask(sample_.child);
  EXPECT_EQ(Step(), "");
  g().Touch(sample_.mm, sample_.heap, kPageAt, testing::Access::kWrite);
  EXPECT_EQ(Step(), "");
}

TEST_F(ModelTest, ACopyThatIsAnotherPage) {
  Run(sample_.child_mm);
  g().Touch(sample_.child_mm, ChildHeap(), kPageAt, testing::Access::kWrite);
  EXPECT_EQ(Step(), "");
  g().Touch(sample_.child_mm, ChildHeap(), kPageAt + kPageBytes, testing::Access::kWrite);
  Scribble(Pfn(sample_.child_mm, kPageAt + kPageBytes));
  EXPECT_EQ(Step(), "ModelContent");
}

TEST_F(ModelTest, AFreshPageThatIsNotZero) {
  g().Touch(sample_.mm, sample_.heap, kFreshAt, testing::Access::kWrite);
  Scribble(Pfn(sample_.mm, kFreshAt));
  EXPECT_EQ(Step(), "ModelContent");
}

TEST_F(ModelTest, TheKernelMayWriteToTheCopyAtOnce) {
  g().Touch(sample_.mm, sample_.heap, kFreshAt, testing::Access::kWrite);
  Scribble(Pfn(sample_.mm, kFreshAt));
  Say(EventKind::kUserWrite, sample_.mm, kFreshAt + 56, 8);
  EXPECT_EQ(Step(), "");
}

TEST_F(ModelTest, AWrittenPageThatGoesUnasked) {
  *PteAt(sample_.mm, kPageAt) = 0;
  EXPECT_EQ(Step(), "ModelVisible");
}

TEST_F(ModelTest, ADiscardThatIsForgotten) {
  Say(EventKind::kDiscard, sample_.mm, kPageAt, kPageAt + kPageBytes);
  EXPECT_EQ(Step(), "ModelVisible");
}

TEST_F(ModelTest, APageWhereNothingIsMapped) {
  g().SetPte(sample_.mm, kHeapAt + 3 * kPrivatePages * kPageBytes,
             g().PeekPte(sample_.mm, kPageAt));
  EXPECT_EQ(Step(), "ModelVisible");
}

TEST_F(ModelTest, TwoPagesSwapped) {
  std::swap(*PteAt(sample_.child_mm, kPageAt), *PteAt(sample_.child_mm, kPageAt + kPageBytes));
  EXPECT_EQ(Step(), "ModelFrame ModelFrame");
}

TEST_F(ModelTest, AFilePageAtAnotherPlace) {
  std::swap(*PteAt(sample_.mm, kDataAt + kPageBytes), *PteAt(sample_.mm, kDataAt + 3 * kPageBytes));
  EXPECT_EQ(Step(), "ModelFrame ModelFrame");
}

TEST_F(ModelTest, APrivateFilePageMadeWritable) {
  *PteAt(sample_.mm, kDataAt + kPageBytes) |= proto::kPteWritable;
  EXPECT_EQ(Step(), "ModelRights");
}

TEST_F(ModelTest, TheZeroFrameMadeWritable) {
  *PteAt(sample_.mm, kHeapAt + kPrivatePages * kPageBytes) |= proto::kPteWritable;
  EXPECT_EQ(Step(), "ModelRights");
}

TEST_F(ModelTest, PagesOfAnObjectThatWereCutMayComeBackElsewhere) {
  Say(EventKind::kObjectCut, sample_.shared, 0);
  const uint64_t other = g().AllocateFrame(proto::FrameState::kFile);
  Pte* pte = PteAt(sample_.mm, kSharedAt);
  const Pte moved = (*pte & ~proto::kPteFrameMask) | other << proto::kPageShift;
  *pte = moved;
  *PteAt(sample_.child_mm, kSharedAt) = moved;
  EXPECT_EQ(Step(), "");
  *PteAt(sample_.child_mm, kSharedAt) = g().PeekPte(sample_.child_mm, kSharedAt + kPageBytes);
  EXPECT_EQ(Step(), "ModelFrame");
}

TEST_F(ModelTest, AStoryThatCannotBe) {
  Say(EventKind::kOwn, sample_.mm, kSharedAt, kSharedAt + kPageBytes);
  EXPECT_EQ(Step(), "ModelStory");
  EXPECT_EQ(Step(), "");
}

// What a new child shows is looked at page by page unless it is what its parent shows.
class NewChildTest : public ModelTest {
 protected:
  GuestPtr ForkedMm() {
    const GuestPtr task = g().Fork(sample_.parent, 9);
    return g().Peek<proto::TaskRecord>(task).mm;
  }
};

TEST_F(NewChildTest, ShowsWhatItsParentShows) {
  (void)ForkedMm();
  EXPECT_EQ(Step(), "");
}

TEST_F(NewChildTest, ShowsAnotherFrame) {
  Pte* pte = PteAt(ForkedMm(), kPageAt);
  *pte = (*pte & ~proto::kPteFrameMask) | (pte[1] & proto::kPteFrameMask);
  EXPECT_EQ(Step(), "ModelFrame");
}

TEST_F(NewChildTest, LacksAPage) {
  *PteAt(ForkedMm(), kPageAt) = 0;
  EXPECT_EQ(Step(), "ModelVisible");
}

TEST_F(NewChildTest, MayWrite) {
  *PteAt(ForkedMm(), kPageAt) |= proto::kPteWritable;
  EXPECT_EQ(Step(), "ModelRights");
}

}  // namespace
}  // namespace fv::oracle
