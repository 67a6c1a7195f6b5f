// SPDX-License-Identifier: Apache-2.0
//
// I10: the mappings of an address space, each broken once.
#include "src/oracle/vma_rules.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "src/oracle/testing/full_check.h"

namespace fv::oracle {
namespace {

using proto::kPageBytes;
using testing::kSharedAt;

using VmaRulesTest = testing::FullCheckTest;

TEST_F(VmaRulesTest, I10Order) {
  Vma(sample_.heap)->end = kSharedAt + kPageBytes;
  Expect(Rule::kVmaOrder);
  Expect(Rule::kVmaTotals);
}

TEST_F(VmaRulesTest, I10TreeAndList) {
  g().ListRemove(sample_.rodata + offsetof(proto::VmaRecord, list));
  Expect(Rule::kVmaTree);
}

TEST_F(VmaRulesTest, I10TreeParent) {
  Vma(sample_.text)->parent = sample_.rodata;
  Expect(Rule::kVmaMalformed);
}

TEST_F(VmaRulesTest, I10Totals) {
  ++Mm()->total_pages;
  EXPECT_EQ(Expect(Rule::kVmaTotals).mm, sample_.mm);
}

}  // namespace
}  // namespace fv::oracle
