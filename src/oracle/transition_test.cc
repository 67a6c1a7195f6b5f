// SPDX-License-Identifier: Apache-2.0
//
// I1, I6, I7 and I8: what one operation may do to pages and tables. Every rule has a test that
// breaks it and one that shows the same operation done right.
#include "src/oracle/transition.h"

#include <gtest/gtest.h>

#include <vector>

#include "src/oracle/testing/checked_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using proto::kPageBytes;
using proto::SafepointKind;
using testing::GuestPtr;
using testing::kHeapAt;
using testing::kPrivatePages;

using TransitionTest = testing::CheckedGuestTest;

TEST_F(TransitionTest, I1PinnedFrameIsNotReused) {
  const uint64_t pfn = Pfn(sample_.child_mm, kHeapAt);  // the child's own
  g().Frame(pfn).refs += 1;
  g().Frame(pfn).pins += 1;
  Event(EventKind::kCowReuse, 3, kHeapAt, pfn);
  EXPECT_EQ(Step(), "");  // it may have been pinned afterwards
  Event(EventKind::kCowReuse, 3, kHeapAt, pfn);
  Expect(Rule::kPinnedReused);
}

TEST_F(TransitionTest, I6SharedFrameChanged) {
  *FrameWord(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) = 42;
  Expect(Rule::kSharedChanged);
}

TEST_F(TransitionTest, I6FalseAlarmOfTheDirtyLog) {
  *FrameWord(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) += 0;  // dirty, but the same
  EXPECT_EQ(Step(), "");
}

TEST_F(TransitionTest, I6ExclusiveFrameMayChange) {
  Event(EventKind::kSwitch, 1, 1, 2, sample_.mm);
  g().Touch(sample_.mm, sample_.heap, kHeapAt + kPageBytes,
            testing::Access::kWrite);  // takes a copy
  EXPECT_EQ(Step(), "");
  *FrameWord(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) = 42;
  EXPECT_EQ(Step(), "");
}

TEST_F(TransitionTest, I6NotAccusedAcrossAGap) {
  CheckerOptions options;
  options.mode = CheckMode::kSampled;
  options.sample_interval = 4;
  Checker sampled(g().memory(), g().channel(), options);
  unsigned accused = 0;
  // The model of the checker beside it has taken them.
  std::vector<proto::EventRecord> events = told();
  for (int i = 0; i < 8; ++i) {
    if (i == 2 || i == 3 || i == 4) {
      *FrameWord(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) += 1;
    }
    const bool wanted = sampled.WantsSafepoint(SafepointKind::kSyscall);
    EXPECT_EQ(wanted, i % 4 < 2);
    for (const proto::EventRecord& event : events) {
      sampled.OnEvent(event);
    }
    events.clear();
    accused += sampled.OnSafepoint(SafepointKind::kSyscall, g().dirty()).empty() ? 0 : 1;
    if (wanted) {
      g().ClearDirty();
    }
  }
  EXPECT_EQ(accused, 0u);
  *FrameWord(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) += 1;
  EXPECT_TRUE(sampled.OnSafepoint(SafepointKind::kSyscall, g().dirty()).empty());
  *FrameWord(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) += 1;
  EXPECT_FALSE(sampled.OnSafepoint(SafepointKind::kSyscall, g().dirty()).empty());
}

TEST_F(TransitionTest, I6ZeroFrame) {
  *FrameWord(g().zero_pfn(), 511) = 1;
  Expect(Rule::kZeroChanged);
}

TEST_F(TransitionTest, I6BreakCopiesThePage) {
  const uint64_t va = kHeapAt + 2 * kPageBytes;
  const uint64_t from = Pfn(sample_.mm, va);
  g().Touch(sample_.mm, sample_.heap, va, testing::Access::kWrite);
  Event(EventKind::kFault, 2, va, 1, 0, 0, kHeapAt);
  Event(EventKind::kCowBreak, 2, va, from, Pfn(sample_.mm, va));
  EXPECT_EQ(Step(SafepointKind::kFault), "");
}

TEST_F(TransitionTest, I6BreakCopiesAnotherPage) {
  const uint64_t va = kHeapAt + 2 * kPageBytes;
  const uint64_t from = Pfn(sample_.mm, va);
  g().Touch(sample_.mm, sample_.heap, va, testing::Access::kWrite);
  *FrameWord(Pfn(sample_.mm, va), 0) ^= 1;
  Event(EventKind::kFault, 2, va, 1, 0, 0, kHeapAt);
  Event(EventKind::kCowBreak, 2, va, from, Pfn(sample_.mm, va));
  Expect(Rule::kBreakContent, SafepointKind::kFault);
}

TEST_F(TransitionTest, I6KernelsOwnWriteIsNotABadCopy) {
  const uint64_t va = kHeapAt + 2 * kPageBytes;
  const uint64_t from = Pfn(sample_.mm, va);
  g().Touch(sample_.mm, sample_.heap, va, testing::Access::kWrite);
  *FrameWord(Pfn(sample_.mm, va), 0) ^= 1;  // read(2) into the page
  Event(EventKind::kUserWrite, 2, sample_.mm, va, 8);
  Event(EventKind::kFault, 2, va, 1, 0, 0, 0);
  Event(EventKind::kCowBreak, 2, va, from, Pfn(sample_.mm, va));
  EXPECT_EQ(Step(SafepointKind::kFault), "");
}

// A table that both address spaces use may only lose write permission.
TEST_F(TransitionTest, I8SharedTableChanged) {
  proto::Pte* parents = TableEntryAt(sample_.mm, kHeapAt);
  *parents = (*parents & ~proto::kPteWritable) | proto::kPteSharedTable;
  *TableEntryAt(sample_.child_mm, kHeapAt) = *parents;
  Step();
  *PteAt(sample_.mm, kHeapAt) |= proto::kPteCow;
  Step();
  EXPECT_FALSE(Has(Rule::kSharedTableChanged));
  *PteAt(sample_.mm, kHeapAt) = 0;
  Step();
  EXPECT_TRUE(Has(Rule::kSharedTableChanged));
}

TEST_F(TransitionTest, I7UnmapWithoutFlush) {
  g().Unmap(sample_.mm, kHeapAt);
  Expect(Rule::kNoFlush);
  g().Unmap(sample_.mm, kHeapAt + kPageBytes);
  g().Flush(sample_.mm);
  EXPECT_EQ(Step(), "");
}

TEST_F(TransitionTest, I7WriteProtectionWithoutFlush) {
  g().Touch(sample_.mm, sample_.heap, kHeapAt + 2 * kPageBytes, testing::Access::kWrite);
  EXPECT_EQ(Step(), "");
  *PteAt(sample_.mm, kHeapAt + 2 * kPageBytes) &= ~proto::kPteWritable;
  Expect(Rule::kNoFlush);
}

TEST_F(TransitionTest, I7MoreRightsNeedNoFlush) {
  g().Touch(sample_.mm, sample_.heap, kHeapAt,
            testing::Access::kWrite);  // reuse: read-only becomes writable
  EXPECT_EQ(Step(), "");
  g().Touch(sample_.mm, sample_.heap, kHeapAt + (kPrivatePages + 2) * kPageBytes,
            testing::Access::kWrite);  // new
  EXPECT_EQ(Step(), "");
}

}  // namespace
}  // namespace fv::oracle
