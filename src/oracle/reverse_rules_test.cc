// SPDX-License-Identifier: Apache-2.0
//
// I14: from a frame to its page and from a page's object to its mappings, each broken once.
#include "src/oracle/reverse_rules.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "src/oracle/testing/full_check.h"

namespace fv::oracle {
namespace {

using proto::kPageBytes;
using testing::GuestPtr;
using testing::kHeapAt;
using testing::kTextAt;

using ReverseRulesTest = testing::FullCheckTest;

TEST_F(ReverseRulesTest, I14FrameNamesAnotherPage) {
  const uint64_t pfn = Pfn(sample_.mm, kHeapAt + kPageBytes);
  ++g().Frame(pfn).aux;
  EXPECT_EQ(Expect(Rule::kOrigin).address, kHeapAt + kPageBytes);
}

TEST_F(ReverseRulesTest, I14FileFrameNamesAnotherObject) {
  const uint64_t pfn = Pfn(sample_.mm, kTextAt);
  g().Frame(pfn).aux = proto::OriginOf(sample_.shared, 0);
  EXPECT_EQ(Expect(Rule::kOrigin).address, kTextAt);
}

TEST_F(ReverseRulesTest, I14ChildIsInNoLineage) {
  const GuestPtr heap = g().Vmas(sample_.child_mm)[2];
  const GuestPtr lineage = Vma(heap)->lineage;
  g().ListRemove(heap + offsetof(proto::VmaRecord, lineage_link));
  --g().Ptr<proto::LineageRecord>(lineage)->count;
  EXPECT_EQ(Expect(Rule::kMappers).address, lineage);
  Vma(heap)->lineage = 0;
  EXPECT_EQ(Expect(Rule::kOrigin).mm, sample_.child_mm);
}

TEST_F(ReverseRulesTest, I14MappingOnTheWrongList) {
  g().ListRemove(sample_.shm + offsetof(proto::VmaRecord, object_link));
  g().ListAdd(sample_.file + offsetof(proto::ObjectRecord, mappings),
              sample_.shm + offsetof(proto::VmaRecord, object_link));
  Expect(Rule::kMappers);
}

}  // namespace
}  // namespace fv::oracle
