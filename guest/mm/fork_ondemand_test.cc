// SPDX-License-Identifier: Apache-2.0
//
// The ondemand strategy (row F95): what is shared, who parts it, and that every operation on one
// side leaves the other as it was. Random sequences are in model_test.cc.
#include "guest/mm/fork_ondemand.h"

#include <gtest/gtest.h>
#include <linux/mman.h>

#include "guest/mm/fork_registry.h"
#include "guest/mm/frames.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/testing/test_process.h"

namespace fv::guest {
namespace {

using proto::kPteCow;
using proto::kPteWritable;
using testing::FakeMachine;
using testing::kAt;
using testing::kPage;
using testing::kReadWrite;
using testing::TestProcess;

constexpr uint64_t kTable = 512;  // pages that one table maps
constexpr uint64_t kSpan = kTable * kPage;

class OndemandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    parent_->fork_strategy = FindForkStrategy("ondemand").value();
    ASSERT_TRUE(parent_.Map(kAt, 2 * kTable).ok());
    for (uint64_t page = 0; page < 2 * kTable; ++page) {
      ASSERT_TRUE(parent_.Write(kAt + page * kPage, page));
    }
  }
  void TearDown() override {
    EXPECT_EQ(machine_.CheckInvariants(), "");
    parent_.Exit();
    EXPECT_EQ(machine_.CheckInvariants(), "");
    machine_.events().clear();
  }
  // Both tables hold what the parent wrote at first.
  void ExpectOriginal(TestProcess& process, uint64_t from = 0, uint64_t to = 2 * kTable) {
    for (uint64_t page = from; page < to; ++page) {
      ASSERT_EQ(process.Read(kAt + page * kPage), page);
    }
  }
  uint64_t TablePfn(TestProcess& process, uint64_t address) {
    return PfnOfPte(*TableEntryOf(process.mm(), address));
  }

  FakeMachine& machine_ = FakeMachine::Get();
  TestProcess parent_;
};

TEST_F(OndemandTest, F95_SharesTablesAndCopiesNoEntry) {
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.shared_tables, 2u);
  EXPECT_EQ(parent_.counts.ptes, 0u);
  EXPECT_EQ(parent_.counts.protected_ptes, 2u) << "one entry a table";
  EXPECT_EQ(TablePfn(parent_, kAt), TablePfn(child, kAt));
  EXPECT_EQ(FrameOf(TablePfn(parent_, kAt)).refs, 2u);
  EXPECT_EQ(FrameOf(child.Pfn(kAt)).refs, 1u) << "a frame counts its entry, not who reaches it";
  EXPECT_EQ(child->anon_pages, 2 * kTable);
  EXPECT_EQ(child->fork_strategy, parent_->fork_strategy);
  EXPECT_EQ(parent_->flush_generation, 1u);
  ExpectOriginal(child);
}

TEST_F(OndemandTest, F95_AWriteOfTheChildPartsOneTable) {
  TestProcess child = parent_.Fork();
  ASSERT_TRUE(child.Write(kAt + 5 * kPage, 99));
  EXPECT_NE(TablePfn(parent_, kAt), TablePfn(child, kAt));
  EXPECT_EQ(TablePfn(parent_, kAt + kSpan), TablePfn(child, kAt + kSpan));
  EXPECT_EQ(child->shared_tables, 1u);
  EXPECT_EQ(parent_->shared_tables, 2u) << "the parent learns of it when it writes";
  EXPECT_EQ(FrameOf(child.Pfn(kAt)).refs, 2u);
  EXPECT_EQ(child.Pte(kAt) & (kPteCow | kPteWritable), kPteCow);
  EXPECT_EQ(machine_.CheckInvariants(), "");
  ExpectOriginal(parent_);
  EXPECT_EQ(child.Read(kAt + 5 * kPage), 99u);
}

TEST_F(OndemandTest, F95_TheLastOneTakesTheTableAsItIs) {
  parent_.Fork().Exit();
  const uint64_t table = TablePfn(parent_, kAt);
  const uint64_t frame = parent_.Pfn(kAt);
  ASSERT_TRUE(parent_.Write(kAt, 77));
  EXPECT_EQ(TablePfn(parent_, kAt), table);
  EXPECT_EQ(parent_.Pfn(kAt), frame);
  EXPECT_EQ(parent_->cow_faults, 0u) << "no page was shared, so none is copied or taken over";
  EXPECT_EQ(parent_->shared_tables, 1u);
}

TEST_F(OndemandTest, F95_AReadOfAnEmptyEntryPartsTheTable) {
  ASSERT_TRUE(parent_->Advise(kAt, 2 * kPage, MADV_DONTNEED).ok());
  TestProcess child = parent_.Fork();
  EXPECT_EQ(child.Read(kAt), 0u);
  EXPECT_NE(TablePfn(parent_, kAt), TablePfn(child, kAt));
  EXPECT_EQ(parent_.Pte(kAt), 0u);
}

TEST_F(OndemandTest, F95_UnmappingAWholeTableGivesItUp) {
  TestProcess child = parent_.Fork();
  ASSERT_TRUE(child->Unmap(kAt, kSpan).ok());
  EXPECT_EQ(child->anon_pages, kTable);
  EXPECT_EQ(FrameOf(TablePfn(parent_, kAt)).refs, 1u);
  EXPECT_EQ(machine_.CheckInvariants(), "");
  ExpectOriginal(parent_);
}

TEST_F(OndemandTest, F95_UnmappingAPartLeavesTheOtherSide) {
  TestProcess child = parent_.Fork();
  ASSERT_TRUE(parent_->Unmap(kAt + 10 * kPage, kSpan).ok());
  EXPECT_EQ(parent_->anon_pages, kTable);
  EXPECT_EQ(machine_.CheckInvariants(), "");
  ExpectOriginal(child);
}

TEST_F(OndemandTest, F95_DontNeedLeavesTheOtherSide) {
  TestProcess child = parent_.Fork();
  ASSERT_TRUE(parent_->Advise(kAt + kPage, kSpan, MADV_DONTNEED).ok());
  EXPECT_EQ(parent_.Read(kAt + kPage), 0u);
  ExpectOriginal(child);
}

TEST_F(OndemandTest, F95_ProtectionIsEachOnesOwn) {
  TestProcess child = parent_.Fork();
  ASSERT_TRUE(child->Protect(kAt, 3 * kPage, proto::kVmRead).ok());
  EXPECT_FALSE(child.Write(kAt, 1));
  EXPECT_TRUE(parent_.Write(kAt, 1));
  ExpectOriginal(child);
}

TEST_F(OndemandTest, F95_MovingLeavesTheOtherSide) {
  TestProcess child = parent_.Fork();
  const uint64_t to = kAt + 8 * kSpan;
  ASSERT_TRUE(child->Remap(kAt, kSpan, kSpan, MREMAP_MAYMOVE | MREMAP_FIXED, to).ok());
  EXPECT_EQ(child.Read(to + 7 * kPage), 7u);
  ASSERT_TRUE(child.Write(to + 7 * kPage, 70));
  EXPECT_EQ(machine_.CheckInvariants(), "");
  ExpectOriginal(parent_);
}

TEST_F(OndemandTest, F95_GenerationsShareOneTable) {
  TestProcess child = parent_.Fork();
  TestProcess grandchild = child.Fork();
  EXPECT_EQ(FrameOf(TablePfn(parent_, kAt)).refs, 3u);
  ASSERT_TRUE(child.Write(kAt, 1000));
  ASSERT_TRUE(grandchild.Write(kAt, 2000));
  ASSERT_TRUE(parent_.Write(kAt, 3000));
  EXPECT_EQ(machine_.CheckInvariants(), "");
  EXPECT_EQ(child.Read(kAt), 1000u);
  EXPECT_EQ(grandchild.Read(kAt), 2000u);
  EXPECT_EQ(parent_.Read(kAt), 3000u);
  ExpectOriginal(child, 1);
  ExpectOriginal(grandchild, 1);
  ExpectOriginal(parent_, 1);
}

// CVE-2020-29374: a reference of the kernel, taken by the child, outlives the child's mapping; the
// parent must not take the page for its own again.
TEST_F(OndemandTest, F99_APageThatTheKernelHoldsIsNotWrittenByTheOther) {
  TestProcess child = parent_.Fork();
  Result<uint64_t> held = UserFrame(child.mm(), kAt, FaultAccess::kRead);
  ASSERT_TRUE(held.ok());
  PinFrame(held.value());
  child.Exit();
  ASSERT_TRUE(parent_.Write(kAt, 4711));
  EXPECT_EQ(*static_cast<uint64_t*>(FrameData(held.value())), 0u);
  UnpinFrame(held.value());
}

TEST_F(OndemandTest, TablesWithFewEntriesAreCopied) {
  ASSERT_TRUE(parent_.Map(kAt + 4 * kSpan, OndemandFork::kFewestEntries - 1).ok());
  for (uint64_t page = 0; page + 1 < OndemandFork::kFewestEntries; ++page) {
    ASSERT_TRUE(parent_.Write(kAt + 4 * kSpan + page * kPage, page));
  }
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.shared_tables, 2u);
  EXPECT_EQ(parent_.counts.ptes, OndemandFork::kFewestEntries - 1);
}

TEST_F(OndemandTest, ATableThatTheChildGetsInPartIsCopied) {
  ASSERT_TRUE(parent_->Advise(kAt, kPage, MADV_DONTFORK).ok());
  ASSERT_TRUE(parent_->Advise(kAt + kSpan, kPage, MADV_WIPEONFORK).ok());
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.shared_tables, 0u);
  EXPECT_EQ(parent_.counts.ptes, 2 * kTable - 2);
  EXPECT_EQ(child.Read(kAt + kSpan), 0u);
  ExpectOriginal(child, 1, kTable);
}

TEST_F(OndemandTest, SeveralMappingsMayShareATable) {
  ASSERT_TRUE(parent_->Protect(kAt + 100 * kPage, kPage, proto::kVmRead).ok());
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.shared_tables, 2u);
  EXPECT_EQ(machine_.CheckInvariants(), "");
  ExpectOriginal(child);
}

TEST_F(OndemandTest, FilesAreCutForEverybody) {
  Ref<MemoryObject> file = MemoryObject::Create(kTable * kPage).take();
  const uint64_t at = kAt + 16 * kSpan;
  ASSERT_TRUE(parent_.Map(at, kTable, kReadWrite | proto::kVmShared, file).ok());
  for (uint64_t page = 0; page < kTable; ++page) {
    ASSERT_TRUE(parent_.Write(at + page * kPage, page));
  }
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.shared_tables, 3u);
  ASSERT_TRUE(file->Resize(100 * kPage).ok());
  EXPECT_EQ(child.Fault(at + 100 * kPage, FaultAccess::kRead), FaultResult::kBusAdrErr);
  EXPECT_EQ(parent_.Fault(at + 100 * kPage, FaultAccess::kRead), FaultResult::kBusAdrErr);
  ASSERT_TRUE(child.Write(at, 5));
  EXPECT_EQ(parent_.Read(at), 5u) << "shared stays shared";
}

TEST_F(OndemandTest, TheFlushCoversAllMappingsOfATable) {
  const uint64_t at = kAt + 8 * kSpan;
  ASSERT_TRUE(parent_.Map(at + kPage, 1, proto::kVmRead).ok());
  ASSERT_TRUE(parent_.Map(at + 2 * kPage, 100).ok());
  for (uint64_t page = 2; page < 102; ++page) {
    ASSERT_TRUE(parent_.Write(at + page * kPage, page));
  }
  TestProcess first = parent_.Fork();  // the tables that SetUp wrote are shared from here on
  ASSERT_TRUE(first.Write(at + 5 * kPage, 1));
  ASSERT_TRUE(parent_.Write(at + 5 * kPage, 2));
  machine_.events().clear();
  TestProcess second = parent_.Fork();
  bool covered = false;
  for (const testing::FakeEvent& event : machine_.events()) {
    if (event.kind == proto::EventKind::kFlush) {
      covered |= event.b <= at + 5 * kPage && event.c >= at + 102 * kPage;
    }
  }
  EXPECT_TRUE(covered);
}

TEST_F(OndemandTest, OtherStrategiesCanFollow) {
  TestProcess child = parent_.Fork();
  child->fork_strategy = FindForkStrategy("classic").value();
  TestProcess classic = child.Fork();
  EXPECT_EQ(child.counts.ptes, 2 * kTable);
  child->fork_strategy = FindForkStrategy("eager").value();
  TestProcess eager = child.Fork();
  EXPECT_EQ(eager->shared_tables, 0u);
  EXPECT_EQ(FrameOf(eager.Pfn(kAt)).refs, 1u);
  EXPECT_NE(eager.Pte(kAt) & kPteWritable, 0u);
  EXPECT_EQ(machine_.CheckInvariants(), "");
  ASSERT_TRUE(eager.Write(kAt, 8));
  ExpectOriginal(parent_);
  ExpectOriginal(classic);
}

TEST_F(OndemandTest, EveryFailedAllocationUnwinds) {
  const testing::Usage before = machine_.CurrentUsage();
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
    EXPECT_EQ(machine_.CurrentUsage(), before) << "allocation " << nth;
    ASSERT_EQ(machine_.CheckInvariants(), "") << "allocation " << nth;
  }
  EXPECT_EQ(machine_.CurrentUsage(), before);
}

TEST_F(OndemandTest, PartingATableThatFailsChangesNothing) {
  TestProcess child = parent_.Fork();
  const testing::Usage before = machine_.CurrentUsage();
  machine_.FailAllocation(1);
  EXPECT_EQ(child.Fault(kAt, FaultAccess::kWrite), FaultResult::kOutOfMemory);
  machine_.FailAllocation(1);
  EXPECT_EQ(child->Unmap(kAt, kPage).error(), Error(ENOMEM));
  machine_.FailAllocation(1);
  EXPECT_EQ(child->Protect(kAt, kPage, proto::kVmRead).error(), Error(ENOMEM));
  EXPECT_EQ(machine_.CurrentUsage(), before);
  ExpectOriginal(child);
}

}  // namespace
}  // namespace fv::guest
