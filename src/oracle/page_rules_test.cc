// SPDX-License-Identifier: Apache-2.0
//
// I1 to I5 and I8: entries, frames and page tables of an address space, each broken once.
#include "src/oracle/page_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "src/oracle/testing/full_check.h"

namespace fv::oracle {
namespace {

using proto::kPageBytes;
using testing::GuestBuilder;
using testing::kDataAt;
using testing::kHeapAt;
using testing::kSharedAt;
using testing::kTextAt;

class PageRulesTest : public testing::FullCheckTest {
 protected:
  // Makes the child use the parent's page table of the heap, unmarked; returns the table's frame.
  uint64_t ShareParentTable() {
    const proto::Pte table = *TableEntryAt(sample_.mm, kHeapAt) & proto::kPteFrameMask;
    proto::Pte* entry = TableEntryAt(sample_.child_mm, kHeapAt);
    *entry = (*entry & ~proto::kPteFrameMask) | table;
    return table >> proto::kPageShift;
  }
};

TEST_F(PageRulesTest, I1ForgottenWriteProtection) {
  *PteAt(sample_.mm, kHeapAt + kPageBytes) |= proto::kPteWritable;
  const Finding finding = Expect(Rule::kWritableShared);
  EXPECT_EQ(finding.address, kHeapAt + kPageBytes);
  EXPECT_EQ(finding.pid, 2u);
  EXPECT_EQ(finding.comm, "task");
  Expect(Rule::kCowWritable);
}

TEST_F(PageRulesTest, I1ForgottenCowMark) {
  *PteAt(sample_.mm, kHeapAt + kPageBytes) &= ~proto::kPteCow;
  Expect(Rule::kSharedNotCow);
}

TEST_F(PageRulesTest, I1WritableZeroFrame) {
  *PteAt(sample_.mm, kHeapAt + 8 * kPageBytes) |= proto::kPteWritable;
  Expect(Rule::kZeroWritable);
}

TEST_F(PageRulesTest, I1WritableFilePage) {
  *PteAt(sample_.mm, kDataAt + kPageBytes) |= proto::kPteWritable;
  *PteAt(sample_.mm, kDataAt + kPageBytes) &= ~proto::kPteCow;
  Expect(Rule::kPrivateFileWritable);
}

TEST_F(PageRulesTest, I2LostAndExtraReference) {
  const uint64_t pfn = Pfn(sample_.mm, kHeapAt + kPageBytes);
  --g().Frame(pfn).refs;
  EXPECT_EQ(Expect(Rule::kFrameRefs).pfn, pfn);
  g().Frame(pfn).refs += 2;
  EXPECT_EQ(Expect(Rule::kFrameRefs).pfn, pfn);
}

TEST_F(PageRulesTest, I2PinsExplainReferences) {
  const uint64_t pfn = Pfn(sample_.mm, kHeapAt + kPageBytes);
  ++g().Frame(pfn).refs;
  ++g().Frame(pfn).pins;
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(PageRulesTest, I2TableReferencesAndLostTable) {
  const uint64_t root = Mm()->root_gpa >> proto::kPageShift;
  g().Frame(root).refs = 2;
  EXPECT_EQ(Expect(Rule::kTableRefs).pfn, root);
  g().Frame(root).refs = 1;
  const uint64_t lost = g().AllocateFrame(proto::FrameState::kPageTable, 1);
  EXPECT_EQ(Expect(Rule::kTableRefs).pfn, lost);
}

TEST_F(PageRulesTest, I2ZeroMark) {
  *PteAt(sample_.mm, kHeapAt + 8 * kPageBytes) &= ~proto::kPteZero;
  Expect(Rule::kZeroMark);
}

TEST_F(PageRulesTest, I3MappingOutsideVma) {
  g().SetPte(sample_.mm, kHeapAt + 64 * kPageBytes, *PteAt(sample_.mm, kHeapAt));
  EXPECT_EQ(Expect(Rule::kNoVma).address, kHeapAt + 64 * kPageBytes);
}

TEST_F(PageRulesTest, I3MoreThanVma) {
  g().Touch(sample_.mm, sample_.heap, kHeapAt, testing::Access::kWrite);
  Vma(sample_.heap)->flags &= ~uint64_t{proto::kVmWrite};
  EXPECT_NE(Expect(Rule::kMoreThanVma).sentence.find("write"), std::string::npos);
  Vma(sample_.heap)->flags &= ~uint64_t{proto::kVmRead};
  EXPECT_NE(Expect(Rule::kMoreThanVma).sentence.find("read"), std::string::npos);
}

TEST_F(PageRulesTest, I3ExecuteWithoutVma) {
  *PteAt(sample_.mm, kHeapAt) &= ~proto::kPteNoExecute;
  EXPECT_NE(Expect(Rule::kMoreThanVma).sentence.find("execute"), std::string::npos);
}

TEST_F(PageRulesTest, I4SharedMappingWithPrivateFrame) {
  *PteAt(sample_.mm, kSharedAt) = *PteAt(sample_.mm, kHeapAt);
  Expect(Rule::kSharedPrivateFrame);
}

TEST_F(PageRulesTest, I4SharedMarkedCow) {
  *PteAt(sample_.mm, kSharedAt + kPageBytes) |= proto::kPteCow;
  Expect(Rule::kSharedCow);
}

TEST_F(PageRulesTest, I4WrongFilePage) {
  std::swap(*PteAt(sample_.mm, kTextAt), *PteAt(sample_.mm, kTextAt + kPageBytes));
  EXPECT_EQ(Expect(Rule::kWrongFilePage).address, kTextAt);
}

TEST_F(PageRulesTest, I4OrphanFilePage) {
  auto* object = g().Ptr<proto::ObjectRecord>(sample_.shared);
  object->root = 0;
  object->pages = 0;
  object->height = 0;
  Expect(Rule::kOrphanFilePage);
}

TEST_F(PageRulesTest, I5ForeignFrame) {
  const uint64_t root = Mm()->root_gpa >> proto::kPageShift;
  *PteAt(sample_.mm, kHeapAt) =
      (*PteAt(sample_.mm, kHeapAt) & ~proto::kPteFrameMask) | root << proto::kPageShift;
  EXPECT_EQ(Expect(Rule::kForeignFrame).pfn, root);
}

TEST_F(PageRulesTest, I5FreedWhileMapped) {
  g().FreeFrame(Pfn(sample_.mm, kHeapAt));
  EXPECT_EQ(Expect(Rule::kForeignFrame).address, kHeapAt);
}

TEST_F(PageRulesTest, I5OutsideRam) {
  *PteAt(sample_.mm, kHeapAt) |= uint64_t{1} << 45;
  Expect(Rule::kOutsideRam);
}

TEST_F(PageRulesTest, I5KernelWindowOpen) {
  *g().At<proto::Pte>(Mm()->root_gpa + sizeof(proto::Pte) * proto::kKernelPml4Slot) =
      g().Peek<proto::Pte>(proto::DirectMap(Mm()->root_gpa));
  Expect(Rule::kWindowOpen);
}

TEST_F(PageRulesTest, I5TableIsNotATable) {
  g().Frame(Mm()->root_gpa >> proto::kPageShift).state = proto::FrameState::kAnon;
  Expect(Rule::kTableState);
}

TEST_F(PageRulesTest, I5MalformedTables) {
  *g().At<proto::Pte>(Mm()->root_gpa + 8) =
      Mm()->root_gpa | proto::kPtePresent;  // the root as its own child
  Expect(Rule::kTableMalformed);
}

TEST_F(PageRulesTest, I8SharedTable) {
  const uint64_t table = ShareParentTable();
  EXPECT_EQ(Expect(Rule::kSharedTableWritable).pfn, table);
  Expect(Rule::kSharedTableUnmarked);
}

TEST_F(PageRulesTest, I8Counts) {
  const uint64_t pfn =
      g().PteGpa(sample_.mm, kHeapAt, GuestBuilder::Tables::kFind) >> proto::kPageShift;
  g().Frame(pfn).aux = proto::TableAux(1, 3, 0);
  EXPECT_EQ(Expect(Rule::kSharedTableCounts).pfn, pfn);
}

}  // namespace
}  // namespace fv::oracle
