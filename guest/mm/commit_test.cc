// SPDX-License-Identifier: Apache-2.0
//
// F54: every operation charges what it promises, gives back what it took, and takes nothing when it
// fails; the three policies.
#include "guest/mm/commit.h"

#include <gtest/gtest.h>
#include <linux/mman.h>

#include "guest/mm/testing/test_process.h"

namespace fv::guest {
namespace {

using testing::FakeMachine;
using testing::kAt;
using testing::kPage;
using testing::kReadWrite;
using testing::TestProcess;

class CommitTest : public ::testing::Test {
 protected:
  CommitTest() : saved_((FakeMachine::Get(), overcommit)), start_(CommittedPages()) {}
  ~CommitTest() override {
    overcommit = saved_;
    EXPECT_EQ(CommittedPages(), start_);
  }
  uint64_t Charged() const { return CommittedPages() - start_; }
  // Only `pages` more may be promised.
  void LeaveRoomFor(uint64_t pages) {
    overcommit.policy = OvercommitPolicy::kNever;
    overcommit.admin_reserve_kbytes = overcommit.user_reserve_kbytes = 0;
    overcommit.kbytes = (CommittedPages() + pages + 1) * (kPage / 1024);
  }

 private:
  OvercommitSettings saved_;
  uint64_t start_;
};

TEST_F(CommitTest, F54_PrivateWritableMappingsAreCharged) {
  TestProcess process;
  ASSERT_TRUE(process.Map(kAt, 8).ok());
  EXPECT_EQ(Charged(), 8u);
  ASSERT_TRUE(process.Map(kAt + 16 * kPage, 8, proto::kVmRead).ok());
  ASSERT_TRUE(process.Map(kAt + 32 * kPage, 8, kReadWrite | proto::kVmNoReserve).ok());
  EXPECT_EQ(Charged(), 8u);
  EXPECT_TRUE(process->Unmap(kAt + 2 * kPage, 3 * kPage).ok());
  EXPECT_EQ(Charged(), 5u);
  process.Exit();
  EXPECT_EQ(Charged(), 0u);
}

TEST_F(CommitTest, F54_AFixedMappingPaysTheDifference) {
  TestProcess process;
  ASSERT_TRUE(process.Map(kAt, 8).ok());
  LeaveRoomFor(2);
  ASSERT_TRUE(process.Map(kAt + 4 * kPage, 6).ok());
  EXPECT_EQ(Charged(), 10u);
  EXPECT_EQ(process.Map(kAt, 11).error(), Error(ENOMEM));
  EXPECT_EQ(Charged(), 10u);
  ASSERT_TRUE(process.Map(kAt, 10, proto::kVmRead).ok());
  EXPECT_EQ(Charged(), 0u);
}

TEST_F(CommitTest, F54_MprotectChargesOnceAndForGood) {
  TestProcess process;
  ASSERT_TRUE(process.Map(kAt, 4, proto::kVmRead).ok());
  ASSERT_TRUE(process->Protect(kAt, 2 * kPage, kReadWrite).ok());
  EXPECT_EQ(Charged(), 2u);
  ASSERT_TRUE(process->Protect(kAt, 2 * kPage, proto::kVmRead).ok());
  ASSERT_TRUE(process->Protect(kAt, 2 * kPage, kReadWrite).ok());
  EXPECT_EQ(Charged(), 2u);
  LeaveRoomFor(1);
  EXPECT_EQ(process->Protect(kAt, 4 * kPage, kReadWrite).error(), Error(ENOMEM));
  EXPECT_EQ(Charged(), 2u);
}

TEST_F(CommitTest, F54_MremapChargesWhatItAdds) {
  TestProcess process;
  ASSERT_TRUE(process.Map(kAt, 4).ok());
  ASSERT_TRUE(process->Remap(kAt, 4 * kPage, 6 * kPage, 0, 0).ok());
  EXPECT_EQ(Charged(), 6u);
  const uint64_t to = kAt + 64 * kPage;
  constexpr uint64_t kMove = MREMAP_MAYMOVE | MREMAP_FIXED;
  ASSERT_TRUE(process->Remap(kAt, 6 * kPage, 8 * kPage, kMove, to).ok());
  EXPECT_EQ(Charged(), 8u);
  ASSERT_TRUE(process->Remap(to, 8 * kPage, 8 * kPage, kMove | MREMAP_DONTUNMAP, kAt).ok());
  EXPECT_EQ(Charged(), 16u);
  ASSERT_TRUE(process->Remap(kAt, 8 * kPage, 1 * kPage, 0, 0).ok());
  EXPECT_EQ(Charged(), 9u);
  LeaveRoomFor(3);
  EXPECT_EQ(process->Remap(kAt, kPage, 5 * kPage, MREMAP_MAYMOVE, 0).error(), Error(ENOMEM));
  EXPECT_EQ(Charged(), 9u);
}

TEST_F(CommitTest, F54_ForkChargesTheChildOrFails) {
  TestProcess process;
  ASSERT_TRUE(process.Map(kAt, 8).ok());
  ASSERT_TRUE(process.Map(kAt + 64 * kPage, 8).ok());
  {
    TestProcess child = process.Fork();
    EXPECT_EQ(Charged(), 32u);
  }
  EXPECT_EQ(Charged(), 16u);
  LeaveRoomFor(12);
  ForkCounts counts;
  EXPECT_EQ(DupMm(process.mm(), counts).error(), Error(ENOMEM));
  EXPECT_EQ(Charged(), 16u);
}

TEST_F(CommitTest, F54_SharedMemoryIsChargedOnceByItsSize) {
  TestProcess process;
  ASSERT_TRUE(process.Map(kAt, 8, kReadWrite | proto::kVmShared).ok());
  EXPECT_EQ(Charged(), 8u);
  TestProcess child = process.Fork();
  EXPECT_TRUE(child.Write(kAt, 1));
  process.Exit();
  EXPECT_EQ(Charged(), 8u);
  child.Exit();
  EXPECT_EQ(Charged(), 0u);
}

TEST_F(CommitTest, F54_FilePagesAreChargedAsTheyComeAndRefused) {
  Ref<MemoryObject> file = MemoryObject::Create(8 * kPage).take();
  EXPECT_EQ(Charged(), 0u);
  ASSERT_TRUE(file->GetPage(3).ok());
  EXPECT_EQ(Charged(), 1u);
  LeaveRoomFor(1);
  ASSERT_TRUE(file->GetPage(4).ok());
  EXPECT_EQ(file->GetPage(5).error(), Error(ENOSPC));
  TestProcess process;
  overcommit.policy = OvercommitPolicy::kAlways;
  ASSERT_TRUE(process.Map(kAt, 8, kReadWrite | proto::kVmShared, file).ok());
  overcommit.policy = OvercommitPolicy::kNever;
  EXPECT_EQ(process.Fault(kAt, FaultAccess::kWrite), FaultResult::kBusAdrErr);
  ASSERT_TRUE(file->Resize(4 * kPage).ok());
  EXPECT_EQ(Charged(), 1u);
}

TEST_F(CommitTest, F54_StacksAreChargedAsTheyGrow) {
  TestProcess process;
  const uint64_t top = kAt + 1024 * kPage;
  ASSERT_TRUE(process.Map(top - kPage, 1, kReadWrite | proto::kVmGrowsDown).ok());
  ASSERT_TRUE(process.Write(top - 10 * kPage, 1));
  EXPECT_EQ(Charged(), 10u);
  LeaveRoomFor(3);
  EXPECT_FALSE(process.Write(top - 15 * kPage, 1));
  EXPECT_EQ(Charged(), 10u);
}

TEST_F(CommitTest, F54_PolicyAlwaysAndHeuristic) {
  TestProcess process;
  const uint64_t absurd = TotalFrames() + 1;
  EXPECT_EQ(process.Map(kAt, absurd).error(), Error(ENOMEM));
  EXPECT_TRUE(process.Map(kAt, absurd, kReadWrite | proto::kVmNoReserve).ok());
  overcommit.policy = OvercommitPolicy::kAlways;
  EXPECT_TRUE(process.Map(kAt, absurd).ok());
}

TEST_F(CommitTest, F54_ReservesAreKept) {
  TestProcess process;
  LeaveRoomFor(8);
  overcommit.admin_reserve_kbytes = 4 * (kPage / 1024);
  EXPECT_EQ(process.Map(kAt, 8).error(), Error(ENOMEM));
  process->limits.privilege = CommitPrivilege::kAdmin;
  EXPECT_TRUE(process.Map(kAt, 8).ok());
}

TEST_F(CommitTest, F54_FailedAllocationsTakeNothing) {
  TestProcess process;
  ASSERT_TRUE(process.Map(kAt, 8).ok());
  const uint64_t before = Charged();
  for (uint64_t nth = 1; nth <= 4; ++nth) {
    FakeMachine::Get().FailAllocation(nth);
    const bool mapped = process.Map(kAt + 64 * kPage, 4, kReadWrite | proto::kVmShared).ok();
    FakeMachine::Get().FailAllocation(0);
    if (mapped) {
      EXPECT_TRUE(process->Unmap(kAt + 64 * kPage, 4 * kPage).ok());
    }
    EXPECT_EQ(Charged(), before);
  }
}

}  // namespace
}  // namespace fv::guest
