// SPDX-License-Identifier: Apache-2.0
//
// I11 and I13: counts of frames, pages, objects and commitment, each wrong once.
#include "src/oracle/account_rules.h"

#include <gtest/gtest.h>

#include "src/oracle/testing/full_check.h"

namespace fv::oracle {
namespace {

using proto::kPageBytes;
using testing::kHeapAt;

using AccountRulesTest = testing::FullCheckTest;

TEST_F(AccountRulesTest, I8CountOfTheAddressSpace) {
  Mm()->shared_tables = 1;
  Expect(Rule::kMmPages);
}

TEST_F(AccountRulesTest, I11FreeFrames) {
  --g().header().free_frames;
  Expect(Rule::kFreeFrames);
}

TEST_F(AccountRulesTest, I11MmPages) {
  ++Mm()->anon_pages;
  Expect(Rule::kMmPages);
}

TEST_F(AccountRulesTest, I11ObjectPages) {
  ++g().Ptr<proto::ObjectRecord>(sample_.file)->pages;
  Expect(Rule::kObjectPages);
}

TEST_F(AccountRulesTest, I11SlabLeak) {
  g().AllocateObject("vma");
  Expect(Rule::kSlabObjects);
}

TEST_F(AccountRulesTest, I11SlabFrames) {
  g().AllocateFrame(proto::FrameState::kSlab);
  Expect(Rule::kSlabFrames);
}

TEST_F(AccountRulesTest, I13CommittedDrifts) {
  ++g().header().committed_pages;
  Expect(Rule::kCommitted);
}

TEST_F(AccountRulesTest, I13ObjectChargedBySize) {
  auto* shared = g().Ptr<proto::ObjectRecord>(sample_.shared);
  shared->accounting = proto::ObjectAccounting::kBySize;
  Expect(Rule::kCommitted);
  g().header().committed_pages += shared->bytes / kPageBytes - shared->pages;
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(AccountRulesTest, I13WritableMappingNotCharged) {
  Vma(sample_.heap)->flags &= ~uint64_t{proto::kVmAccount};
  EXPECT_EQ(Expect(Rule::kNotCharged).address, kHeapAt);
  Expect(Rule::kCommitted);
}

}  // namespace
}  // namespace fv::oracle
