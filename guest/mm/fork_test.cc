// SPDX-License-Identifier: Apache-2.0
//
// The rows F50-F67 of the fork feature table that concern one address space, by the kernel's
// records and entries; the same rows are shown from guest programs by the whole-VM tests.
#include "guest/mm/fork.h"

#include <gtest/gtest.h>
#include <linux/mman.h>

#include "guest/mm/frames.h"
#include "guest/mm/testing/test_process.h"

namespace fv::guest {
namespace {

using proto::kPteCow;
using proto::kPteUser;
using proto::kPteWritable;
using testing::FakeMachine;
using testing::kAt;
using testing::kPage;
using testing::kReadWrite;
using testing::TestProcess;

class ForkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    machine_.events().clear();
    usage_ = machine_.CurrentUsage();
  }
  void TearDown() override {
    parent_.Exit();
    EXPECT_EQ(machine_.CheckInvariants(), "");
  }
  uint64_t CountEvents(proto::EventKind kind) {
    uint64_t count = 0;
    for (const testing::FakeEvent& event : machine_.events()) {
      count += event.kind == kind;
    }
    return count;
  }

  FakeMachine& machine_ = FakeMachine::Get();
  TestProcess parent_;
  testing::Usage usage_;
};

TEST_F(ForkTest, F50_FreshCountersInTheChild) {
  ASSERT_TRUE(parent_.Map(kAt, 4).ok());
  for (uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(parent_.Write(kAt + i * kPage, i));
  }
  parent_->start_brk = parent_->brk = 0x5000000;
  parent_->start_stack = 0x6000000;
  EXPECT_GE(parent_->faults, 4u);
  TestProcess child = parent_.Fork();
  EXPECT_EQ(child->faults, 0u);
  EXPECT_EQ(child->cow_faults, 0u);
  EXPECT_EQ(child->users, 1u);
  EXPECT_EQ(child->anon_pages, 4u);
  EXPECT_EQ(child->hiwater_rss, 4u);
  EXPECT_EQ(child->brk, 0x5000000u);
  EXPECT_EQ(child->start_stack, 0x6000000u);
  EXPECT_EQ(child->table_frames, parent_->table_frames);
  EXPECT_EQ(parent_.counts.tables, child->table_frames);
  EXPECT_EQ(machine_.CheckInvariants(), "");
}

TEST_F(ForkTest, F51_EveryMappingInOrder) {
  for (uint64_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(parent_.Map(kAt + i * 2 * kPage, 1, i % 2 == 0 ? kReadWrite : 1).ok());
  }
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.vmas, 40u);
  ASSERT_EQ(child->vma_count, 40u);
  EXPECT_EQ(child->total_pages, parent_->total_pages);
  for (const Vma& vma : parent_->vma_list()) {
    const Vma* copy = child->FindVma(vma.start);
    ASSERT_NE(copy, nullptr);
    EXPECT_EQ(copy->start, vma.start);
    EXPECT_EQ(copy->end, vma.end);
    EXPECT_EQ(copy->flags, vma.flags);
  }
  EXPECT_EQ(machine_.CheckInvariants(), "");
}

TEST_F(ForkTest, F52_DontForkIsLeftOutAndCountedOut) {
  ASSERT_TRUE(parent_.Map(kAt, 6).ok());
  ASSERT_TRUE(parent_->Advise(kAt + 2 * kPage, 2 * kPage, MADV_DONTFORK).ok());
  ASSERT_TRUE(parent_.Write(kAt + 2 * kPage, 7));
  TestProcess child = parent_.Fork();
  EXPECT_EQ(child->vma_count, 2u);
  EXPECT_EQ(child->total_pages, 4u);
  EXPECT_EQ(child.Fault(kAt + 2 * kPage, FaultAccess::kRead), FaultResult::kSegvMapErr);
  EXPECT_EQ(FrameOf(parent_.Pfn(kAt + 2 * kPage)).refs, 1u);
  EXPECT_EQ(machine_.CheckInvariants(), "");
}

TEST_F(ForkTest, F53_WipeOnForkReadsAsZero) {
  ASSERT_TRUE(parent_.Map(kAt, 1).ok());
  ASSERT_TRUE(parent_.Write(kAt, 7));
  ASSERT_TRUE(parent_->Advise(kAt, kPage, MADV_WIPEONFORK).ok());
  TestProcess child = parent_.Fork();
  EXPECT_EQ(child.Read(kAt), 0u);
  EXPECT_EQ(parent_.Read(kAt), 7u);
  TestProcess grandchild = child.Fork();
  EXPECT_TRUE(child.Write(kAt, 9));
  EXPECT_EQ(grandchild.Read(kAt), 0u) << "the advice is inherited";
}

TEST_F(ForkTest, F55_LocksAreNotInherited) {
  ASSERT_TRUE(parent_.Map(kAt, 3).ok());
  ASSERT_TRUE(parent_->Lock(kAt, 3 * kPage, LockMode::kNow).ok());
  EXPECT_EQ(parent_->locked_pages, 3u);
  EXPECT_EQ(parent_->anon_pages, 3u) << "locking makes pages present";
  TestProcess child = parent_.Fork();
  EXPECT_EQ(child->locked_pages, 0u);
  EXPECT_EQ(child->FindVma(kAt)->flags & proto::kVmLocked, 0u);
  EXPECT_EQ(parent_->locked_pages, 3u);
}

TEST_F(ForkTest, F58_FileMappingsHoldTheirObject) {
  Ref<MemoryObject> file = MemoryObject::Create(4 * kPage).take();
  ASSERT_TRUE(parent_.Map(kAt, 2, kReadWrite | proto::kVmShared, file).ok());
  ASSERT_TRUE(parent_.Map(kAt + 0x100000, 2, kReadWrite, file).ok());
  ASSERT_TRUE(parent_.Write(kAt, 11));
  EXPECT_EQ(file->refs, 3u);
  {
    TestProcess child = parent_.Fork();
    EXPECT_EQ(file->refs, 5u);
    ASSERT_TRUE(child.Write(kAt, 22));
    EXPECT_EQ(parent_.Read(kAt), 22u) << "shared stays shared";
    EXPECT_EQ(parent_.Read(kAt + 0x100000), 22u) << "a private mapping shows the file";
    ASSERT_TRUE(child.Write(kAt + 0x100000, 33));
    EXPECT_EQ(parent_.Read(kAt + 0x100000), 22u) << "until it is written to";
    EXPECT_EQ(child.Read(kAt), 22u);
    EXPECT_EQ(machine_.CheckInvariants(), "");
  }
  EXPECT_EQ(file->refs, 3u);
}

TEST_F(ForkTest, F59_PrivatePagesBecomeCopyOnWriteInBoth) {
  ASSERT_TRUE(parent_.Map(kAt, 600).ok());  // across a table's end
  for (uint64_t i = 0; i < 600; i += 3) {
    ASSERT_TRUE(parent_.Write(kAt + i * kPage, i));
  }
  ASSERT_EQ(parent_.Read(kAt + kPage), 0u);  // the zero frame
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.ptes, 201u);
  EXPECT_EQ(parent_.counts.protected_ptes, 200u);
  for (uint64_t i = 0; i < 600; i += 3) {
    const uint64_t at = kAt + i * kPage;
    EXPECT_EQ(parent_.Pte(at), child.Pte(at));
    EXPECT_EQ(parent_.Pte(at) & (kPteCow | kPteWritable), kPteCow);
    EXPECT_EQ(FrameOf(parent_.Pfn(at)).refs, 2u);
  }
  EXPECT_EQ(child.Pte(kAt + kPage), parent_.Pte(kAt + kPage));
  EXPECT_EQ(child->table_frames, parent_->table_frames);
}

TEST_F(ForkTest, F59_UntouchedRangesCostNothing) {
  ASSERT_TRUE(parent_.Map(kAt, 1 << 18, kReadWrite | proto::kVmNoReserve).ok());  // 1 GiB
  ASSERT_TRUE(parent_.Write(kAt + (kPage << 17), 1));
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.ptes, 1u);
  EXPECT_EQ(child->table_frames, 4u);
}

TEST_F(ForkTest, F59_AnEntryThatNeedNotChangeIsNotAReasonToFlush) {
  ASSERT_TRUE(parent_.Map(kAt, 2).ok());
  ASSERT_TRUE(parent_.Write(kAt, 1));
  TestProcess first = parent_.Fork();
  EXPECT_EQ(parent_->flush_generation, 1u);
  TestProcess second = parent_.Fork();
  EXPECT_EQ(parent_.counts.protected_ptes, 0u);
  EXPECT_EQ(parent_->flush_generation, 1u);
  EXPECT_EQ(FrameOf(parent_.Pfn(kAt)).refs, 3u);
}

TEST_F(ForkTest, F60_TheParentIsFlushed) {
  ASSERT_TRUE(parent_.Map(kAt, 2).ok());
  ASSERT_TRUE(parent_.Write(kAt, 1));
  const uint64_t flushes = machine_.flushes();
  TestProcess child = parent_.Fork();
  EXPECT_EQ(machine_.flushes(), flushes + 1);
  EXPECT_EQ(parent_->flush_generation, 1u);
  ASSERT_EQ(CountEvents(proto::EventKind::kFlush), 1u);
  EXPECT_EQ(child->flush_generation, 0u);
}

TEST_F(ForkTest, F61_CopyWhenSharedReuseWhenLast) {
  ASSERT_TRUE(parent_.Map(kAt, 1).ok());
  ASSERT_TRUE(parent_.Write(kAt, 1));
  const uint64_t original = parent_.Pfn(kAt);
  TestProcess child = parent_.Fork();
  ASSERT_TRUE(child.Write(kAt, 2));
  EXPECT_NE(child.Pfn(kAt), original);
  EXPECT_EQ(parent_.Pfn(kAt), original);
  EXPECT_EQ(CountEvents(proto::EventKind::kCowBreak), 1u);
  EXPECT_EQ(parent_.Pte(kAt) & kPteWritable, 0u) << "the parent learns of it by its next write";
  ASSERT_TRUE(parent_.Write(kAt, 3));
  EXPECT_EQ(parent_.Pfn(kAt), original);
  EXPECT_EQ(parent_.Pte(kAt) & (kPteCow | kPteWritable), kPteWritable);
  EXPECT_EQ(CountEvents(proto::EventKind::kCowReuse), 1u);
  EXPECT_EQ(child.Read(kAt), 2u);
  EXPECT_EQ(parent_.Read(kAt), 3u);
  EXPECT_EQ(parent_->cow_faults, 1u);
}

TEST_F(ForkTest, F61_ZeroFrameToFreshFrame) {
  ASSERT_TRUE(parent_.Map(kAt, 1).ok());
  EXPECT_EQ(parent_.Read(kAt), 0u);
  EXPECT_EQ(parent_.Pfn(kAt), ZeroPfn());
  TestProcess child = parent_.Fork();
  ASSERT_TRUE(child.Write(kAt, 5));
  EXPECT_NE(child.Pfn(kAt), ZeroPfn());
  EXPECT_EQ(parent_.Read(kAt), 0u);
}

TEST_F(ForkTest, F62_APinnedPageIsCopiedNotReused) {
  ASSERT_TRUE(parent_.Map(kAt, 1).ok());
  ASSERT_TRUE(parent_.Write(kAt, 1));
  TestProcess child = parent_.Fork();
  child.Exit();
  const uint64_t pfn = parent_.Pfn(kAt);
  PinFrame(pfn);
  ASSERT_TRUE(parent_.Write(kAt, 2));
  EXPECT_NE(parent_.Pfn(kAt), pfn);
  EXPECT_EQ(*static_cast<uint64_t*>(FrameData(pfn)), 1u) << "who holds the pin sees what it took";
  UnpinFrame(pfn);
}

TEST_F(ForkTest, F67_StacksGrowSeparately) {
  const uint64_t top = kAt + 64 * kPage;
  ASSERT_TRUE(parent_.Map(top - kPage, 1, kReadWrite | proto::kVmGrowsDown).ok());
  TestProcess child = parent_.Fork();
  ASSERT_TRUE(child.Write(top - 8 * kPage, 1));
  EXPECT_EQ(child->FindVma(top - 1)->start, top - 8 * kPage);
  EXPECT_EQ(parent_->FindVma(top - 1)->start, top - kPage);
  ASSERT_TRUE(parent_.Write(top - 3 * kPage, 2));
  EXPECT_EQ(parent_->total_pages, 3u);
}

TEST_F(ForkTest, ReadOnlyPagesAreCopyOnWriteAfterMprotect) {
  ASSERT_TRUE(parent_.Map(kAt, 1).ok());
  ASSERT_TRUE(parent_.Write(kAt, 1));
  ASSERT_TRUE(parent_->Protect(kAt, kPage, proto::kVmRead).ok());
  TestProcess child = parent_.Fork();
  ASSERT_TRUE(parent_->Protect(kAt, kPage, kReadWrite).ok());
  EXPECT_EQ(parent_.Pte(kAt) & kPteWritable, 0u);
  ASSERT_TRUE(parent_.Write(kAt, 2));
  EXPECT_EQ(child.Read(kAt), 1u);
}

TEST_F(ForkTest, ProtNonePagesAreKeptThroughFork) {
  ASSERT_TRUE(parent_.Map(kAt, 1).ok());
  ASSERT_TRUE(parent_.Write(kAt, 1));
  ASSERT_TRUE(parent_->Protect(kAt, kPage, 0).ok());
  EXPECT_EQ(parent_.Pte(kAt) & kPteUser, 0u);
  TestProcess child = parent_.Fork();
  EXPECT_EQ(child.Fault(kAt, FaultAccess::kRead), FaultResult::kSegvAccErr);
  ASSERT_TRUE(child->Protect(kAt, kPage, kReadWrite).ok());
  ASSERT_TRUE(child.Write(kAt, 2));
  ASSERT_TRUE(parent_->Protect(kAt, kPage, kReadWrite).ok());
  EXPECT_EQ(parent_.Read(kAt), 1u);
}

TEST_F(ForkTest, HotPagesFaultInNeither) {
  ASSERT_TRUE(parent_.Map(kAt, 2).ok());
  ASSERT_TRUE(parent_.Write(kAt, 1));
  ASSERT_TRUE(parent_.Write(kAt + kPage, 2));
  HotPages hot;
  hot.Add(kAt + 123);
  hot.Add(kAt + 100 * kPage);  // nothing there: ignored
  TestProcess child = parent_.Fork(hot);
  EXPECT_EQ(parent_.counts.hot_pages, 1u);
  EXPECT_EQ(machine_.CheckInvariants(), "");
  EXPECT_NE(parent_.Pte(kAt) & kPteWritable, 0u);
  EXPECT_NE(child.Pte(kAt) & kPteWritable, 0u);
  EXPECT_NE(parent_.Pfn(kAt), child.Pfn(kAt));
  EXPECT_EQ(child.Read(kAt), 1u);
  ASSERT_TRUE(parent_.Write(kAt, 3));
  EXPECT_EQ(child.Read(kAt), 1u);
  EXPECT_EQ(parent_->cow_faults, 0u);
  EXPECT_EQ(parent_.Pte(kAt + kPage) & kPteWritable, 0u);
}

TEST_F(ForkTest, HotPagesThatAnEarlierChildSharesAreLeftAlone) {
  ASSERT_TRUE(parent_.Map(kAt, 1).ok());
  ASSERT_TRUE(parent_.Write(kAt, 1));
  TestProcess first = parent_.Fork();
  HotPages hot;
  hot.Add(kAt);
  TestProcess second = parent_.Fork(hot);
  EXPECT_EQ(parent_.counts.hot_pages, 0u);
  EXPECT_EQ(FrameOf(parent_.Pfn(kAt)).refs, 3u);
  ASSERT_TRUE(second.Write(kAt, 2));
  EXPECT_EQ(first.Read(kAt), 1u);
}

TEST_F(ForkTest, F85_EveryFailedAllocationUnwinds) {
  Ref<MemoryObject> file = MemoryObject::Create(4 * kPage).take();
  ASSERT_TRUE(parent_.Map(kAt, 4).ok());
  ASSERT_TRUE(parent_.Map(kAt + 0x40000000, 4, kReadWrite, file).ok());
  ASSERT_TRUE(parent_.Map(kAt + 0x8000000000, 4, kReadWrite | proto::kVmShared, file).ok());
  for (uint64_t base : {kAt, kAt + 0x40000000, kAt + 0x8000000000}) {
    ASSERT_TRUE(parent_.Write(base, base));
  }
  const testing::Usage before = machine_.CurrentUsage();
  uint64_t failures = 0;
  for (uint64_t nth = 1;; ++nth) {
    ForkCounts counts;
    machine_.FailAllocation(nth);
    Result<Mm*> child = DupMm(parent_.mm(), counts);
    if (!machine_.failed()) {
      machine_.FailAllocation(0);
      ASSERT_TRUE(child.ok());
      child.value()->Put();
      break;
    }
    ASSERT_FALSE(child.ok());
    EXPECT_EQ(child.error(), Error(ENOMEM));
    EXPECT_EQ(machine_.CurrentUsage(), before) << "allocation " << nth;
    ASSERT_EQ(machine_.CheckInvariants(), "") << "allocation " << nth;
    ++failures;
  }
  // The structure, the root, three mappings, nine tables.
  EXPECT_GE(failures, 1u + 1 + 3 + 8);
  EXPECT_EQ(machine_.CurrentUsage(), before);
  for (uint64_t base : {kAt, kAt + 0x40000000, kAt + 0x8000000000}) {
    EXPECT_EQ(parent_.Read(base), base);
    EXPECT_TRUE(parent_.Write(base, 1)) << "the parent can write after all that";
  }
}

}  // namespace
}  // namespace fv::guest
