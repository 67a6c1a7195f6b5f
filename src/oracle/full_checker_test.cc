// SPDX-License-Identifier: Apache-2.0
//
// Each rule of the state invariants has a test that breaks it in a valid synthetic guest and
// expects the full checker to name it, with the right place.
#include "src/oracle/full_checker.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <set>
#include <string>

#include "src/inspect/snapshot_reader.h"
#include "src/oracle/testing/sample_guest.h"

namespace fv::oracle {
namespace {

using proto::kPageBytes;
using testing::GuestPtr;
using testing::kHeapAt;
using testing::kSharedAt;
using testing::kTextAt;

class FullCheckerTest : public ::testing::Test {
 protected:
  std::vector<Finding> Check() {
    inspect::SnapshotReader reader(sample_.guest.memory(), sample_.guest.channel());
    inspect::Snapshot snapshot;
    EXPECT_TRUE(reader.ReadInto(snapshot).ok());
    Findings findings;
    FullChecker checker(sample_.guest.memory());
    checker.Check(snapshot, findings);
    walked_ = checker.walked_ptes();
    return findings.list();
  }

  static std::string Names(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& finding : findings) {
      text += FindingText(finding, {}) + "\n";
    }
    return text;
  }

  // Makes the child use the parent's page table of the heap, unmarked; returns the table's frame.
  uint64_t ShareParentTable() {
    const uint64_t parent_table =
        g().PteGpa(sample_.mm, kHeapAt, testing::GuestBuilder::Tables::kFind);
    uint64_t table = g().Peek<proto::MmRecord>(sample_.child_mm).root_gpa;
    for (unsigned level = 4; level > 2; --level) {
      table =
          g().Peek<proto::Pte>(proto::DirectMap(table + 8 * proto::TableIndex(kHeapAt, level))) &
          proto::kPteFrameMask;
    }
    auto* entry = g().At<proto::Pte>(table + 8 * proto::TableIndex(kHeapAt, 2));
    *entry = (*entry & ~proto::kPteFrameMask) | (parent_table & proto::kPteFrameMask);
    return parent_table >> proto::kPageShift;
  }

  // Expects `rule` among the findings; returns the first such finding.
  Finding Expect(Rule rule) {
    const std::vector<Finding> findings = Check();
    for (const Finding& finding : findings) {
      if (finding.rule == rule) {
        return finding;
      }
    }
    ADD_FAILURE() << "no finding " << RuleName(rule) << " among:\n" << Names(findings);
    return {};
  }

  proto::Pte* PteAt(GuestPtr mm, uint64_t va) {
    return g().At<proto::Pte>(g().PteGpa(mm, va, testing::GuestBuilder::Tables::kFind));
  }
  proto::MmRecord* Mm() { return g().Ptr<proto::MmRecord>(sample_.mm); }
  proto::TaskRecord* Task(GuestPtr task) { return g().Ptr<proto::TaskRecord>(task); }
  proto::VmaRecord* Vma(GuestPtr vma) { return g().Ptr<proto::VmaRecord>(vma); }
  testing::GuestBuilder& g() { return sample_.guest; }
  static uint64_t Pfn(proto::Pte pte) { return (pte & proto::kPteFrameMask) >> proto::kPageShift; }

  testing::SampleGuest sample_;
  uint64_t walked_ = 0;
};

TEST_F(FullCheckerTest, CleanGuestIsNotAccused) {
  EXPECT_EQ(Names(Check()), "");
  EXPECT_EQ(walked_, 2 * (4 + 4 + 4 + 8 + 1 + 1));
}

// A saved guest is as good as a live one: memory is read through an address and a size.
TEST_F(FullCheckerTest, SavedGuestIsReadTheSame) {
  *PteAt(sample_.mm, kHeapAt + kPageBytes) |= proto::kPteWritable;
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  const uint64_t bytes = g().ram_bytes();
  ASSERT_EQ(std::fwrite(g().ram(), 1, bytes, file), bytes);
  std::fflush(file);
  void* mapped = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fileno(file), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  const inspect::MemoryReader memory(mapped, bytes);
  const auto channel =
      inspect::ChannelView::Open(memory, testing::kTestChannelGpa, proto::kChannelBytes);
  ASSERT_TRUE(channel.ok());
  inspect::Snapshot snapshot;
  ASSERT_TRUE(inspect::SnapshotReader(memory, *channel).ReadInto(snapshot).ok());
  Findings findings;
  FullChecker(memory).Check(snapshot, findings);
  EXPECT_EQ(Names(findings.list()), Names(Check()));
  EXPECT_FALSE(findings.list().empty());
  munmap(mapped, bytes);
  std::fclose(file);
}

TEST_F(FullCheckerTest, CleanAfterEverybodyDied) {
  g().RemoveTask(sample_.thread);
  g().RemoveTask(sample_.parent);
  g().RemoveTask(sample_.child);
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(FullCheckerTest, I1ForgottenWriteProtection) {
  *PteAt(sample_.mm, kHeapAt + kPageBytes) |= proto::kPteWritable;
  const Finding finding = Expect(Rule::kWritableShared);
  EXPECT_EQ(finding.address, kHeapAt + kPageBytes);
  EXPECT_EQ(finding.pid, 2u);
  EXPECT_EQ(finding.comm, "task");
  Expect(Rule::kCowWritable);
}

TEST_F(FullCheckerTest, I1ForgottenCowMark) {
  *PteAt(sample_.mm, kHeapAt + kPageBytes) &= ~proto::kPteCow;
  Expect(Rule::kSharedNotCow);
}

TEST_F(FullCheckerTest, I1WritableZeroFrame) {
  *PteAt(sample_.mm, kHeapAt + 8 * kPageBytes) |= proto::kPteWritable;
  Expect(Rule::kZeroWritable);
}

TEST_F(FullCheckerTest, I1WritableFilePage) {
  *PteAt(sample_.mm, testing::kDataAt + kPageBytes) |= proto::kPteWritable;
  *PteAt(sample_.mm, testing::kDataAt + kPageBytes) &= ~proto::kPteCow;
  Expect(Rule::kPrivateFileWritable);
}

TEST_F(FullCheckerTest, I2LostAndExtraReference) {
  const uint64_t pfn = Pfn(*PteAt(sample_.mm, kHeapAt + kPageBytes));
  --g().Frame(pfn).refs;
  EXPECT_EQ(Expect(Rule::kFrameRefs).pfn, pfn);
  g().Frame(pfn).refs += 2;
  EXPECT_EQ(Expect(Rule::kFrameRefs).pfn, pfn);
}

TEST_F(FullCheckerTest, I2PinsExplainReferences) {
  const uint64_t pfn = Pfn(*PteAt(sample_.mm, kHeapAt + kPageBytes));
  ++g().Frame(pfn).refs;
  ++g().Frame(pfn).pins;
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(FullCheckerTest, I2TableReferencesAndLostTable) {
  const uint64_t root = Mm()->root_gpa >> proto::kPageShift;
  g().Frame(root).refs = 2;
  EXPECT_EQ(Expect(Rule::kTableRefs).pfn, root);
  g().Frame(root).refs = 1;
  const uint64_t lost = g().AllocateFrame(proto::FrameState::kPageTable, 1);
  EXPECT_EQ(Expect(Rule::kTableRefs).pfn, lost);
}

TEST_F(FullCheckerTest, I2ZeroMark) {
  *PteAt(sample_.mm, kHeapAt + 8 * kPageBytes) &= ~proto::kPteZero;
  Expect(Rule::kZeroMark);
}

TEST_F(FullCheckerTest, I3MappingOutsideVma) {
  g().SetPte(sample_.mm, kHeapAt + 64 * kPageBytes, *PteAt(sample_.mm, kHeapAt));
  EXPECT_EQ(Expect(Rule::kNoVma).address, kHeapAt + 64 * kPageBytes);
}

TEST_F(FullCheckerTest, I3MoreThanVma) {
  g().Touch(sample_.mm, sample_.heap, kHeapAt, true);
  Vma(sample_.heap)->flags &= ~uint64_t{proto::kVmWrite};
  EXPECT_NE(Expect(Rule::kMoreThanVma).sentence.find("write"), std::string::npos);
  Vma(sample_.heap)->flags &= ~uint64_t{proto::kVmRead};
  EXPECT_NE(Expect(Rule::kMoreThanVma).sentence.find("read"), std::string::npos);
}

TEST_F(FullCheckerTest, I3ExecuteWithoutVma) {
  *PteAt(sample_.mm, kHeapAt) &= ~proto::kPteNoExecute;
  EXPECT_NE(Expect(Rule::kMoreThanVma).sentence.find("execute"), std::string::npos);
}

TEST_F(FullCheckerTest, I4SharedMappingWithPrivateFrame) {
  *PteAt(sample_.mm, kSharedAt) = *PteAt(sample_.mm, kHeapAt);
  Expect(Rule::kSharedPrivateFrame);
}

TEST_F(FullCheckerTest, I4SharedMarkedCow) {
  *PteAt(sample_.mm, kSharedAt + kPageBytes) |= proto::kPteCow;
  Expect(Rule::kSharedCow);
}

TEST_F(FullCheckerTest, I4WrongFilePage) {
  std::swap(*PteAt(sample_.mm, kTextAt), *PteAt(sample_.mm, kTextAt + kPageBytes));
  EXPECT_EQ(Expect(Rule::kWrongFilePage).address, kTextAt);
}

TEST_F(FullCheckerTest, I4OrphanFilePage) {
  auto* object = g().Ptr<proto::ObjectRecord>(sample_.shared);
  object->root = 0;
  object->pages = 0;
  object->height = 0;
  Expect(Rule::kOrphanFilePage);
}

TEST_F(FullCheckerTest, I5ForeignFrame) {
  const uint64_t root = Mm()->root_gpa >> proto::kPageShift;
  *PteAt(sample_.mm, kHeapAt) =
      (*PteAt(sample_.mm, kHeapAt) & ~proto::kPteFrameMask) | root << proto::kPageShift;
  EXPECT_EQ(Expect(Rule::kForeignFrame).pfn, root);
}

TEST_F(FullCheckerTest, I5FreedWhileMapped) {
  g().FreeFrame(Pfn(*PteAt(sample_.mm, kHeapAt)));
  EXPECT_EQ(Expect(Rule::kForeignFrame).address, kHeapAt);
}

TEST_F(FullCheckerTest, I5OutsideRam) {
  *PteAt(sample_.mm, kHeapAt) |= uint64_t{1} << 45;
  Expect(Rule::kOutsideRam);
}

TEST_F(FullCheckerTest, I5KernelWindowOpen) {
  *g().At<proto::Pte>(Mm()->root_gpa + 8 * proto::kKernelPml4Slot) =
      g().Peek<proto::Pte>(proto::DirectMap(Mm()->root_gpa));
  Expect(Rule::kWindowOpen);
}

TEST_F(FullCheckerTest, I5TableIsNotATable) {
  g().Frame(Mm()->root_gpa >> proto::kPageShift).state = proto::FrameState::kAnon;
  Expect(Rule::kTableState);
}

TEST_F(FullCheckerTest, I5MalformedTables) {
  *g().At<proto::Pte>(Mm()->root_gpa + 8) =
      Mm()->root_gpa | proto::kPtePresent;  // the root as its own child
  Expect(Rule::kTableMalformed);
}

TEST_F(FullCheckerTest, I8SharedTable) {
  const uint64_t table = ShareParentTable();
  EXPECT_EQ(Expect(Rule::kSharedTableWritable).pfn, table);
  Expect(Rule::kSharedTableUnmarked);
}

TEST_F(FullCheckerTest, I8Counts) {
  const uint64_t pfn =
      g().PteGpa(sample_.mm, kHeapAt, testing::GuestBuilder::Tables::kFind) >> proto::kPageShift;
  g().Frame(pfn).aux = proto::TableAux(1, 3, 0);
  EXPECT_EQ(Expect(Rule::kSharedTableCounts).pfn, pfn);
}

TEST_F(FullCheckerTest, I8CountOfTheAddressSpace) {
  Mm()->shared_tables = 1;
  Expect(Rule::kMmPages);
}

TEST_F(FullCheckerTest, I9Lists) {
  Task(sample_.child)->tasks.prev = 0;
  Expect(Rule::kTaskMalformed);
}

TEST_F(FullCheckerTest, I9DuplicatePid) {
  Task(sample_.child)->pid = 2;
  Expect(Rule::kDuplicatePid);
  Expect(Rule::kPidHash);
}

TEST_F(FullCheckerTest, I9NotHashed) {
  g().ListRemove(sample_.child + offsetof(proto::TaskRecord, pid_hash));
  EXPECT_EQ(Expect(Rule::kPidHash).pid, 3u);
}

TEST_F(FullCheckerTest, I9ThreadNotInRing) {
  g().ListRemove(sample_.thread + offsetof(proto::TaskRecord, group));
  Expect(Rule::kThreadGroup);
}

TEST_F(FullCheckerTest, I9WrongLeader) {
  Task(sample_.thread)->leader = sample_.child;
  EXPECT_EQ(Expect(Rule::kThreadGroup).pid, 4u);
}

TEST_F(FullCheckerTest, I9ChildNotListed) {
  g().ListRemove(sample_.child + offsetof(proto::TaskRecord, sibling));
  EXPECT_EQ(Expect(Rule::kChildren).pid, 3u);
}

TEST_F(FullCheckerTest, I9WrongParent) {
  Task(sample_.child)->parent = g().init_task();
  EXPECT_EQ(Expect(Rule::kChildren).pid, 3u);
}

TEST_F(FullCheckerTest, I9Count) {
  ++g().header().task_count;
  Expect(Rule::kTaskCount);
}

TEST_F(FullCheckerTest, I9MmUsers) {
  ++Mm()->users;
  EXPECT_EQ(Expect(Rule::kTaskMm).mm, sample_.mm);
}

TEST_F(FullCheckerTest, I9Cpu) {
  g().Ptr<proto::CpuRecord>(g().header().cpus)->loaded_root = 0x5000;
  Expect(Rule::kCpuCurrent);
}

TEST_F(FullCheckerTest, I10Order) {
  Vma(sample_.heap)->end = kSharedAt + kPageBytes;
  Expect(Rule::kVmaOrder);
  Expect(Rule::kVmaTotals);
}

TEST_F(FullCheckerTest, I10TreeAndList) {
  g().ListRemove(sample_.rodata + offsetof(proto::VmaRecord, list));
  Expect(Rule::kVmaTree);
}

TEST_F(FullCheckerTest, I10TreeParent) {
  Vma(sample_.text)->parent = sample_.rodata;
  Expect(Rule::kVmaMalformed);
}

TEST_F(FullCheckerTest, I10Totals) {
  ++Mm()->total_pages;
  EXPECT_EQ(Expect(Rule::kVmaTotals).mm, sample_.mm);
}

TEST_F(FullCheckerTest, I11FreeFrames) {
  --g().header().free_frames;
  Expect(Rule::kFreeFrames);
}

TEST_F(FullCheckerTest, I11MmPages) {
  ++Mm()->anon_pages;
  Expect(Rule::kMmPages);
}

TEST_F(FullCheckerTest, I11ObjectPages) {
  ++g().Ptr<proto::ObjectRecord>(sample_.file)->pages;
  Expect(Rule::kObjectPages);
}

TEST_F(FullCheckerTest, I11SlabLeak) {
  g().AllocateObject("vma");
  Expect(Rule::kSlabObjects);
}

TEST_F(FullCheckerTest, I11SlabFrames) {
  g().AllocateFrame(proto::FrameState::kSlab);
  Expect(Rule::kSlabFrames);
}

TEST_F(FullCheckerTest, I12Canary) {
  *g().Ptr<uint64_t>(Task(sample_.child)->stack) = 0;
  EXPECT_EQ(Expect(Rule::kCanary).pid, 3u);
}

TEST_F(FullCheckerTest, I13CommittedDrifts) {
  ++g().header().committed_pages;
  Expect(Rule::kCommitted);
}

TEST_F(FullCheckerTest, I13ObjectChargedBySize) {
  auto* shared = g().Ptr<proto::ObjectRecord>(sample_.shared);
  shared->accounting = proto::ObjectAccounting::kBySize;
  Expect(Rule::kCommitted);
  g().header().committed_pages += shared->bytes / kPageBytes - shared->pages;
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(FullCheckerTest, I13WritableMappingNotCharged) {
  Vma(sample_.heap)->flags &= ~uint64_t{proto::kVmAccount};
  EXPECT_EQ(Expect(Rule::kNotCharged).address, kHeapAt);
  Expect(Rule::kCommitted);
}

TEST_F(FullCheckerTest, I14FrameNamesAnotherPage) {
  const uint64_t pfn = Pfn(g().PeekPte(sample_.mm, kHeapAt + kPageBytes));
  ++g().Frame(pfn).aux;
  EXPECT_EQ(Expect(Rule::kOrigin).address, kHeapAt + kPageBytes);
}

TEST_F(FullCheckerTest, I14FileFrameNamesAnotherObject) {
  const uint64_t pfn = Pfn(g().PeekPte(sample_.mm, kTextAt));
  g().Frame(pfn).aux = proto::OriginOf(sample_.shared, 0);
  EXPECT_EQ(Expect(Rule::kOrigin).address, kTextAt);
}

TEST_F(FullCheckerTest, I14ChildIsInNoLineage) {
  const GuestPtr heap = g().Vmas(sample_.child_mm)[2];
  const GuestPtr lineage = Vma(heap)->lineage;
  g().ListRemove(heap + offsetof(proto::VmaRecord, lineage_link));
  --g().Ptr<proto::LineageRecord>(lineage)->count;
  EXPECT_EQ(Expect(Rule::kMappers).address, lineage);
  Vma(heap)->lineage = 0;
  EXPECT_EQ(Expect(Rule::kOrigin).mm, sample_.child_mm);
}

TEST_F(FullCheckerTest, I14MappingOnTheWrongList) {
  g().ListRemove(sample_.shm + offsetof(proto::VmaRecord, object_link));
  g().ListAdd(sample_.file + offsetof(proto::ObjectRecord, mappings),
              sample_.shm + offsetof(proto::VmaRecord, object_link));
  Expect(Rule::kMappers);
}

TEST_F(FullCheckerTest, FindingNamesEverything) {
  *PteAt(sample_.mm, kHeapAt + kPageBytes) |= proto::kPteWritable;
  const Finding finding = Expect(Rule::kWritableShared);
  proto::EventRecord event = {};
  event.kind = proto::EventKind::kCowBreak;
  event.pid = 3;
  event.a = kHeapAt;
  const std::string text = FindingText(finding, {&event, 1});
  for (const char* part : {"I1 broken", "pid 2 (task)", "0x10001000", "PWC--U", "anon refs 2",
                           "cow-break address=0x10000000"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in\n" << text;
  }
}

}  // namespace
}  // namespace fv::oracle
