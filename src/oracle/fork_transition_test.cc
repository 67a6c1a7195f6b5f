// SPDX-License-Identifier: Apache-2.0
//
// I6 and I10 over a fork: what the child maps and shows, and what the kernel may store meanwhile.
#include <gtest/gtest.h>
#include <linux/sched.h>

#include <utility>

#include "src/oracle/testing/checked_guest.h"
#include "src/oracle/transition.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using proto::kPageBytes;
using testing::GuestPtr;
using testing::kHeapAt;
using testing::kPrivatePages;

class ForkTransitionTest : public testing::CheckedGuestTest {
 protected:
  void Fork(uint64_t flags = 0) {
    child_ = g().Fork(sample_.parent, 9);
    child_mm_ = g().Peek<proto::TaskRecord>(child_).mm;
    Event(EventKind::kForkBegin, 2, flags, sample_.mm);
    Event(EventKind::kForkEnd, 2, 9);
  }
  // The kernel's own store.
  void Store(GuestPtr mm, uint64_t va) {
    *FrameWord(Pfn(mm, va), 5) = 9;
    Event(EventKind::kUserWrite, 2, mm, va + 5 * sizeof(uint64_t), 4);
  }
  GuestPtr child_ = 0;
  GuestPtr child_mm_ = 0;
};

TEST_F(ForkTransitionTest, RightForkIsNotAccused) {
  g().AddVma(sample_.mm, 0x30000000, 4, proto::kVmRead | proto::kVmDontCopy);
  g().Ptr<proto::VmaRecord>(sample_.rodata)->flags |= proto::kVmDontCopy;
  EXPECT_EQ(Step(), "");
  Fork();
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTransitionTest, I10DontCopyWasCopied) {
  Fork();
  for (const GuestPtr vma : {sample_.rodata, g().Vmas(child_mm_).back()}) {
    g().Ptr<proto::VmaRecord>(vma)->flags |= proto::kVmDontCopy;
  }
  Expect(Rule::kForkVmas);
}

TEST_F(ForkTransitionTest, I10VmaMissing) {
  Fork();
  g().RemoveVma(g().Vmas(child_mm_).back());
  Expect(Rule::kForkVmas);
}

TEST_F(ForkTransitionTest, I6PageMissingInTheChild) {
  Fork();
  g().Unmap(child_mm_, kHeapAt + kPageBytes);
  g().Flush(child_mm_);
  Expect(Rule::kForkContent);
}

TEST_F(ForkTransitionTest, I6ChildGotAnotherPage) {
  *FrameWord(Pfn(sample_.mm, kHeapAt + 3 * kPageBytes), 0) = 0;
  g().Touch(sample_.mm, sample_.heap, kHeapAt + 4 * kPageBytes, testing::Access::kWrite);
  *FrameWord(Pfn(sample_.mm, kHeapAt + 4 * kPageBytes), 0) = 4;
  EXPECT_NE(Step(), "x");
  Fork();
  std::swap(*PteAt(child_mm_, kHeapAt + 3 * kPageBytes),
            *PteAt(child_mm_, kHeapAt + 4 * kPageBytes));
  Expect(Rule::kForkContent);
}

TEST_F(ForkTransitionTest, I6EagerCopyIsTheSame) {
  Fork(CLONE_CHILD_SETTID);
  const GuestPtr heap = g().Vmas(child_mm_)[2];
  g().Touch(child_mm_, heap, kHeapAt + 3 * kPageBytes, testing::Access::kWrite);  // a copy at once
  Store(child_mm_, kHeapAt + 3 * kPageBytes);                                     // the child's tid
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTransitionTest, I6PidfdStoredInTheParent) {
  Fork(CLONE_PIDFD);
  g().Touch(sample_.mm, sample_.heap, kHeapAt + 3 * kPageBytes,
            testing::Access::kWrite);  // the parent's own copy
  Store(sample_.mm, kHeapAt + 3 * kPageBytes);
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTransitionTest, I6TidStoredInAFreshPageOfTheParent) {
  Fork(CLONE_PARENT_SETTID);
  const uint64_t va = kHeapAt + (kPrivatePages + 2) * kPageBytes;
  g().Touch(sample_.mm, sample_.heap, va, testing::Access::kWrite);
  Store(sample_.mm, va);
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTransitionTest, I6TidStoredInAFreshPageOfTheChild) {
  Fork(CLONE_CHILD_SETTID);
  const uint64_t va = kHeapAt + (kPrivatePages + 2) * kPageBytes;
  g().Touch(child_mm_, g().Vmas(child_mm_)[2], va, testing::Access::kWrite);
  Store(child_mm_, va);
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTransitionTest, I6PageOfTheParentThatNoStoreMade) {
  Fork(CLONE_PARENT_SETTID);
  const uint64_t va = kHeapAt + (kPrivatePages + 2) * kPageBytes;
  g().Touch(sample_.mm, sample_.heap, va, testing::Access::kWrite);
  for (unsigned word = 5; word < 8; ++word) *FrameWord(Pfn(sample_.mm, va), word) = 9;
  Expect(Rule::kForkContent);
}

TEST_F(ForkTransitionTest, I6WipedRange) {
  g().Ptr<proto::VmaRecord>(sample_.heap)->flags |= proto::kVmWipeOnFork;
  EXPECT_EQ(Step(), "");
  Fork();
  Expect(Rule::kForkContent);
}

TEST_F(ForkTransitionTest, SilentWhenTheChildMayHaveRun) {
  Fork();
  Event(EventKind::kSwitch, 2, 2, 9);
  g().RemoveVma(g().Vmas(child_mm_).back());
  EXPECT_EQ(Step(), "");
}

}  // namespace
}  // namespace fv::oracle
