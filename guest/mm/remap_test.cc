// SPDX-License-Identifier: Apache-2.0
//
// mremap, madvise, mlock, msync, mincore: Linux's forms and errors.
#include <gtest/gtest.h>
#include <linux/mman.h>

#include "guest/mm/frames.h"
#include "guest/mm/testing/test_process.h"

namespace fv::guest {
namespace {

using testing::FakeMachine;
using testing::kAt;
using testing::kPage;
using testing::kReadWrite;
using testing::TestProcess;

class RemapTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(process_.Map(kAt, 4).ok());
    for (uint64_t i = 0; i < 4; ++i) {
      ASSERT_TRUE(process_.Write(kAt + i * kPage, i + 1));
    }
  }
  void TearDown() override { EXPECT_EQ(machine_.CheckInvariants(), ""); }
  Result<uint64_t> Remap(uint64_t from, uint64_t old_pages, uint64_t new_pages, uint64_t flags,
                         uint64_t to = 0) {
    return process_->Remap(from, old_pages * kPage, new_pages * kPage, flags, to);
  }
  int ErrorOf(const Result<uint64_t>& result) { return result.error().number(); }
  int ErrorOf(const Status& result) { return result.error().number(); }
  int ErrorOf(const Result<bool>& result) { return result.error().number(); }

  FakeMachine& machine_ = FakeMachine::Get();
  TestProcess process_;
  static constexpr uint64_t kTo = kAt + 0x40000000;
};

TEST_F(RemapTest, GrowsInPlace) {
  EXPECT_EQ(Remap(kAt, 4, 9, 0).take(), kAt);
  EXPECT_EQ(process_->total_pages, 9u);
  EXPECT_EQ(process_->vma_count, 1u);
  EXPECT_EQ(process_.Read(kAt + 8 * kPage), 0u);
}

TEST_F(RemapTest, ShrinksInPlace) {
  EXPECT_EQ(Remap(kAt, 4, 2, 0).take(), kAt);
  EXPECT_EQ(process_->total_pages, 2u);
  EXPECT_EQ(process_->anon_pages, 2u);
}

TEST_F(RemapTest, MovesWhenItMayAndMust) {
  ASSERT_TRUE(process_.Map(kAt + 4 * kPage, 1, proto::kVmRead).ok());
  EXPECT_EQ(ErrorOf(Remap(kAt, 4, 6, 0)), ENOMEM);
  const uint64_t frame = process_.Pfn(kAt);
  const uint64_t moved = Remap(kAt, 4, 6, MREMAP_MAYMOVE).take();
  EXPECT_NE(moved, kAt);
  EXPECT_EQ(process_.Pfn(moved), frame) << "pages move, they are not copied";
  for (uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(process_.Read(moved + i * kPage), i + 1);
  }
  EXPECT_EQ(process_.Fault(kAt, FaultAccess::kRead), FaultResult::kSegvMapErr);
  EXPECT_GE(process_->flush_generation, 1u);
}

TEST_F(RemapTest, FixedReplacesWhatIsThere) {
  ASSERT_TRUE(process_.Map(kTo, 2).ok());
  ASSERT_TRUE(process_.Write(kTo, 99));
  EXPECT_EQ(Remap(kAt + kPage, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, kTo).take(), kTo);
  EXPECT_EQ(process_.Read(kTo), 2u);
  EXPECT_EQ(process_.Read(kAt), 1u);
  EXPECT_EQ(process_.Read(kAt + 3 * kPage), 4u);
  EXPECT_EQ(process_.Fault(kAt + kPage, FaultAccess::kRead), FaultResult::kSegvMapErr);
}

TEST_F(RemapTest, DontUnmapLeavesAnEmptyMapping) {
  const uint64_t flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
  EXPECT_EQ(Remap(kAt, 4, 4, flags | MREMAP_FIXED, kTo).take(), kTo);
  EXPECT_EQ(process_.Read(kTo + kPage), 2u);
  EXPECT_EQ(process_.Read(kAt + kPage), 0u);
  EXPECT_EQ(ErrorOf(Remap(kAt, 4, 3, flags)), EINVAL);
  EXPECT_EQ(ErrorOf(Remap(kAt, 4, 4, MREMAP_DONTUNMAP)), EINVAL);
}

TEST_F(RemapTest, DontUnmapComparesLengthsInPages) {
  constexpr uint64_t kFlags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  EXPECT_EQ(process_->Remap(kAt, kPage - 1, kPage, kFlags, kTo).take(), kTo);
  EXPECT_EQ(ErrorOf(process_->Remap(kAt, kPage + 1, kPage, kFlags, kTo)), EINVAL);
}

TEST_F(RemapTest, DontUnmapRightBesideTheOldMapping) {
  const uint64_t flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED;
  EXPECT_EQ(Remap(kAt, 4, 4, flags, kAt + 4 * kPage).take(), kAt + 4 * kPage);
  EXPECT_EQ(process_->vma_count, 2u);  // the frames keep their page indices: no joining
  EXPECT_EQ(process_.Read(kAt + 4 * kPage), 1u);
  EXPECT_EQ(process_.Read(kAt), 0u);
}

TEST_F(RemapTest, OldLengthZeroDuplicatesSharedMappingsOnly) {
  EXPECT_EQ(ErrorOf(Remap(kAt, 0, 2, MREMAP_MAYMOVE)), EINVAL);
  ASSERT_TRUE(process_.Map(kTo, 2, kReadWrite | proto::kVmShared).ok());
  ASSERT_TRUE(process_.Write(kTo, 5));
  const uint64_t twin = Remap(kTo, 0, 2, MREMAP_MAYMOVE).take();
  EXPECT_NE(twin, kTo);
  EXPECT_EQ(process_.Read(twin), 5u);
  ASSERT_TRUE(process_.Write(twin, 6));
  EXPECT_EQ(process_.Read(kTo), 6u);
}

TEST_F(RemapTest, Errors) {
  const uint64_t fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
  EXPECT_EQ(ErrorOf(process_->Remap(kAt + 1, kPage, kPage, 0, 0)), EINVAL);
  EXPECT_EQ(ErrorOf(Remap(kAt, 4, 0, 0)), EINVAL);
  EXPECT_EQ(ErrorOf(Remap(kAt, 4, 4, 8)), EINVAL);
  EXPECT_EQ(ErrorOf(Remap(kAt, 4, 4, MREMAP_FIXED, kTo)), EINVAL);
  EXPECT_EQ(ErrorOf(Remap(kAt, 4, 4, fixed, kTo + 1)), EINVAL);
  EXPECT_EQ(ErrorOf(Remap(kAt, 4, 4, fixed, kAt + kPage)), EINVAL) << "they overlap";
  EXPECT_EQ(ErrorOf(Remap(kAt + 0x1000000, 1, 2, MREMAP_MAYMOVE)), EFAULT);
  EXPECT_EQ(ErrorOf(Remap(kAt, 5, 6, MREMAP_MAYMOVE)), EFAULT) << "beyond the mapping";
  process_->limits.address_space = 5 * kPage;
  EXPECT_EQ(ErrorOf(Remap(kAt, 4, 6, MREMAP_MAYMOVE)), ENOMEM);
}

TEST_F(RemapTest, FailedAllocationsLeaveNothing) {
  ASSERT_TRUE(process_.Map(kTo + 0x40000000, 1).ok());
  const testing::Usage before = machine_.CurrentUsage();
  for (uint64_t nth = 1;; ++nth) {
    machine_.FailAllocation(nth);
    Result<uint64_t> moved = Remap(kAt + kPage, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, kTo);
    if (!machine_.failed()) {
      machine_.FailAllocation(0);
      EXPECT_TRUE(moved.ok());
      EXPECT_GE(nth, 5u) << "the mapping, two tables, two splits";
      break;
    }
    EXPECT_EQ(ErrorOf(moved), ENOMEM);
    EXPECT_EQ(machine_.CurrentUsage(), before) << nth;
    EXPECT_EQ(process_.Read(kAt + kPage), 2u);
    ASSERT_EQ(machine_.CheckInvariants(), "");
  }
}

TEST_F(RemapTest, DontNeedDropsPrivatePages) {
  ASSERT_TRUE(process_->Advise(kAt + kPage, 2 * kPage, MADV_DONTNEED).ok());
  EXPECT_EQ(process_.Read(kAt), 1u);
  EXPECT_EQ(process_.Read(kAt + kPage), 0u);
  EXPECT_EQ(process_.Read(kAt + 3 * kPage), 4u);
  ASSERT_TRUE(process_->Lock(kAt, kPage, LockMode::kNow).ok());
  EXPECT_EQ(ErrorOf(process_->Advise(kAt, kPage, MADV_DONTNEED)), EINVAL);
  EXPECT_TRUE(process_->Advise(kAt, kPage, MADV_DONTNEED_LOCKED).ok());
}

TEST_F(RemapTest, AdviceErrors) {
  EXPECT_EQ(ErrorOf(process_->Advise(kAt + 1, kPage, MADV_DONTNEED)), EINVAL);
  EXPECT_EQ(ErrorOf(process_->Advise(kAt, kPage, 1234)), EINVAL);
  EXPECT_EQ(ErrorOf(process_->Advise(kAt, 8 * kPage, MADV_DONTNEED)), ENOMEM);
  EXPECT_EQ(process_.Read(kAt), 0u) << "what is mapped is done all the same";
  EXPECT_TRUE(process_->Advise(kAt, 0, MADV_DONTNEED).ok());
  EXPECT_TRUE(process_->Advise(kAt, kPage, MADV_NOHUGEPAGE).ok());
  EXPECT_TRUE(process_->Advise(kAt, kPage, MADV_FREE).ok());
  ASSERT_TRUE(process_.Map(kTo, 2, kReadWrite | proto::kVmShared).ok());
  EXPECT_EQ(ErrorOf(process_->Advise(kTo, kPage, MADV_FREE)), EINVAL);
  EXPECT_EQ(ErrorOf(process_->Advise(kTo, kPage, MADV_WIPEONFORK)), EINVAL);
  EXPECT_EQ(ErrorOf(process_->Advise(kAt, kPage, MADV_REMOVE)), EINVAL);
  ASSERT_TRUE(process_.Write(kTo, 3));
  ASSERT_TRUE(process_->Advise(kTo, kPage, MADV_REMOVE).ok());
  EXPECT_EQ(process_.Read(kTo), 0u);
  ASSERT_TRUE(process_->Advise(kTo, 2 * kPage, MADV_POPULATE_WRITE).ok());
  EXPECT_EQ(process_->file_pages, 2u);
}

TEST_F(RemapTest, NothingIsClearedForASecondViewOfPrivateMemory) {
  EXPECT_EQ(ErrorOf(Remap(kAt, 0, 1, MREMAP_MAYMOVE | MREMAP_FIXED, kAt)), EINVAL);
  EXPECT_EQ(process_.Read(kAt), 1u);
}

TEST_F(RemapTest, LockLimits) {
  process_->limits.locked = 2 * kPage;
  EXPECT_EQ(ErrorOf(process_->Lock(kAt, 3 * kPage, LockMode::kNow)), ENOMEM);
  EXPECT_EQ(ErrorOf(process_->Lock(kAt, ~uint64_t{0} - 3 * kPage, LockMode::kNow)), ENOMEM)
      << "the limit is looked at before the range";
  EXPECT_TRUE(process_->Lock(kAt, kPage + 1, LockMode::kNow).ok());
  EXPECT_EQ(process_->locked_pages, 2u);
  EXPECT_TRUE(process_->Unlock(kAt, kPage).ok());
  EXPECT_EQ(process_->locked_pages, 1u);
  EXPECT_EQ(ErrorOf(process_->Lock(kAt + 4 * kPage, kPage, LockMode::kNow)), ENOMEM)
      << "not mapped";
  EXPECT_TRUE(process_->LockAll(0).ok());
  EXPECT_EQ(process_->locked_pages, 0u);
  EXPECT_EQ(process_->vma_count, 1u);
  process_->limits.locked = kNoLimit;
  EXPECT_EQ(ErrorOf(process_->Lock(kAt, ~uint64_t{0} - 3 * kPage, LockMode::kNow)), EINVAL);
  process_->limits.locked = 0;
  EXPECT_EQ(ErrorOf(process_->Lock(kAt, kPage, LockMode::kNow)), EPERM);
}

TEST_F(RemapTest, LockAllFutureLocksWhatComes) {
  ASSERT_TRUE(process_->LockAll(MCL_CURRENT | MCL_FUTURE).ok());
  EXPECT_EQ(process_->locked_pages, 4u);
  ASSERT_TRUE(process_.Map(kTo, 3).ok());
  EXPECT_EQ(process_->locked_pages, 7u);
  EXPECT_EQ(process_->anon_pages, 7u);
}

TEST_F(RemapTest, SyncAndResidency) {
  EXPECT_TRUE(process_->Sync(kAt, 4 * kPage, SyncMode::kInvalidate).ok());
  EXPECT_EQ(ErrorOf(process_->Sync(kAt, 5 * kPage, SyncMode::kWrite)), ENOMEM);
  EXPECT_EQ(ErrorOf(process_->Sync(kAt - kPage, 2 * kPage, SyncMode::kWrite)), ENOMEM);
  EXPECT_TRUE(process_->Sync(kAt, 0, SyncMode::kWrite).ok());
  ASSERT_TRUE(process_->Lock(kAt + kPage, kPage, LockMode::kNow).ok());
  EXPECT_EQ(ErrorOf(process_->Sync(kAt, 4 * kPage, SyncMode::kInvalidate)), EBUSY);
  EXPECT_TRUE(process_->IsResident(kAt).value());
  ASSERT_TRUE(process_->Advise(kAt, kPage, MADV_DONTNEED).ok());
  EXPECT_FALSE(process_->IsResident(kAt).value());
  EXPECT_EQ(ErrorOf(process_->IsResident(kAt + 4 * kPage)), ENOMEM);
}

}  // namespace
}  // namespace fv::guest
