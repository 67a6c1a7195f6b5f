// SPDX-License-Identifier: Apache-2.0
//
// I22: memory changes only by those who may write it, and which frames are watched for that.
#include "src/oracle/attribution.h"

#include <gtest/gtest.h>

#include "src/oracle/testing/model_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using proto::kPageBytes;
using testing::GuestBuilder;
using testing::kDataAt;
using testing::kPageAt;
using testing::kSharedAt;

class AttributionTest : public testing::ModelTest {
 protected:
  AttributionTest() {
    // The child has run and written; now the parent runs, and all hashes are known.
    Run(sample_.child_mm);
    g().Touch(sample_.child_mm, ChildHeap(), kPageAt, testing::Access::kWrite);
    EXPECT_EQ(Step(), "");
    Run(sample_.mm);
    Dirty(Pfn(sample_.child_mm, kPageAt));
    Dirty(Pfn(sample_.mm, kDataAt + kPageBytes));
    Dirty(Pfn(sample_.mm, kSharedAt));
    EXPECT_EQ(Step(), "");
    EXPECT_EQ(Step(), "");
  }
  void Dirty(uint64_t pfn) { *g().At<uint64_t>(pfn << proto::kPageShift) += 0; }
};

TEST_F(AttributionTest, WhoDidNotRunDidNotWrite) {
  Scribble(Pfn(sample_.child_mm, kPageAt));
  EXPECT_EQ(Step(), "WrittenByNobody");
}

TEST_F(AttributionTest, TheDirtyLogMayCryWolf) {
  Dirty(Pfn(sample_.child_mm, kPageAt));
  EXPECT_EQ(Step(), "");
}

TEST_F(AttributionTest, WhoRanMayHaveWritten) {
  Run(sample_.child_mm);
  Scribble(Pfn(sample_.child_mm, kPageAt));
  Run(sample_.mm);
  EXPECT_EQ(Step(), "");
  Scribble(Pfn(sample_.child_mm, kPageAt));
  EXPECT_EQ(Step(), "WrittenByNobody") << "its new content is known again";
}

TEST_F(AttributionTest, TheKernelWritesForSomebody) {
  Scribble(Pfn(sample_.child_mm, kPageAt));
  Say(EventKind::kUserWrite, sample_.child_mm, kPageAt + 56, 8);
  EXPECT_EQ(Step(), "");
  Scribble(Pfn(sample_.child_mm, kPageAt));
  Say(EventKind::kUserWrite, sample_.child_mm, kPageAt + kPageBytes, 8);
  EXPECT_EQ(Step(), "WrittenByNobody") << "it says that it wrote elsewhere";
}

TEST_F(AttributionTest, ASharedPageIsWrittenByNobodyEvenIfAllRan) {
  const uint64_t pfn = Pfn(sample_.mm, kPageAt + kPageBytes);
  ASSERT_EQ(pfn, Pfn(sample_.child_mm, kPageAt + kPageBytes));
  Dirty(pfn);
  EXPECT_EQ(Step(), "");
  Run(sample_.child_mm);
  Scribble(pfn);
  EXPECT_EQ(Step(), "WrittenByNobody");
}

TEST_F(AttributionTest, APageOfAFileThatNobodyMayWrite) {
  Scribble(Pfn(sample_.mm, kDataAt + kPageBytes));
  EXPECT_EQ(Step(), "WrittenByNobody");
  Scribble(Pfn(sample_.mm, kDataAt + kPageBytes));
  Say(EventKind::kObjectWrite, sample_.file, 513 * kPageBytes, 1);
  EXPECT_EQ(Step(), "") << "write(2)";
}

TEST_F(AttributionTest, SharedMemoryIsWrittenByWhoMapsIt) {
  Scribble(Pfn(sample_.mm, kSharedAt));
  EXPECT_EQ(Step(), "");
  Run(0);
  EXPECT_EQ(Step(), "");
  EXPECT_EQ(Step(), "");
  Scribble(Pfn(sample_.mm, kSharedAt));
  EXPECT_EQ(Step(), "WrittenByNobody");
}

TEST_F(AttributionTest, NobodyIsAccusedAcrossAGap) {
  Scribble(Pfn(sample_.child_mm, kPageAt));
  EXPECT_EQ(Step(ContentGuard::Gap::kUnknown), "");
}

TEST_F(AttributionTest, APageIsOpenFromItsFirstWriteToItsHash) {
  const uint64_t pfn = Pfn(sample_.child_mm, kPageAt);

  const auto is_hashed = [&] { return (watched().hashed()[pfn / 64] >> (pfn % 64) & 1) != 0; };
  EXPECT_FALSE(watched().IsOpen(pfn)) << "its hash is known";
  EXPECT_TRUE(is_hashed());
  Run(sample_.child_mm);
  for (int write = 0; write < 3; ++write) {
    Scribble(pfn);
    EXPECT_EQ(Step(), "");
    EXPECT_TRUE(watched().IsOpen(pfn));
    EXPECT_FALSE(is_hashed());
  }
  Scribble(pfn);
  Run(sample_.mm);
  EXPECT_EQ(Step(), "") << "the child ran";
  EXPECT_FALSE(watched().IsOpen(pfn)) << "its writer stopped, so there is a hash";
  EXPECT_TRUE(is_hashed());
  Scribble(pfn);
  EXPECT_EQ(Step(), "WrittenByNobody");
}

TEST_F(AttributionTest, APageThatCameToBeSharedIsWatched) {
  const uint64_t pfn = Pfn(sample_.child_mm, kPageAt);
  Run(sample_.child_mm);
  Scribble(pfn);
  EXPECT_EQ(Step(), "");
  EXPECT_TRUE(watched().IsOpen(pfn));
  (void)g().Fork(sample_.child, 9);
  EXPECT_EQ(Step(), "");
  EXPECT_FALSE(watched().IsOpen(pfn));
}

TEST_F(AttributionTest, APageTableIsNeverOpen) {
  const uint64_t table =
      g().PteGpa(sample_.mm, kPageAt, GuestBuilder::Tables::kFind) >> proto::kPageShift;
  Dirty(table);
  EXPECT_EQ(Step(), "");
  EXPECT_FALSE(watched().IsOpen(table));
}

}  // namespace
}  // namespace fv::oracle
