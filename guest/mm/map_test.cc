// SPDX-License-Identifier: Apache-2.0
//
// mmap, munmap, mprotect, brk: placement, limits, merging and splitting, and Linux's errors.
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

class MapTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(machine_.CheckInvariants(), ""); }

  Result<uint64_t> MapAt(uint64_t address, uint64_t bytes, MapPlacement placement,
                         uint64_t flags = kReadWrite) {
    MapRequest request;
    request.address = address;
    request.length = bytes;
    request.flags = flags;
    request.placement = placement;
    return process_->Map(request);
  }
  int ErrorOf(const Result<uint64_t>& result) { return result.error().number(); }
  int ErrorOf(const Status& result) { return result.error().number(); }

  FakeMachine& machine_ = FakeMachine::Get();
  TestProcess process_;
};

TEST_F(MapTest, PlacesDownwardsFromTheTop) {
  const uint64_t first = MapAt(0, kPage, MapPlacement::kHint).take();
  EXPECT_EQ(first, proto::kMmapTop - kPage);
  const uint64_t second = MapAt(0, 3 * kPage, MapPlacement::kHint, proto::kVmRead).take();
  EXPECT_EQ(second, first - 3 * kPage);
  ASSERT_TRUE(process_->Unmap(first, kPage).ok());
  EXPECT_EQ(MapAt(0, kPage, MapPlacement::kHint).take(), first) << "the hole is found again";
}

TEST_F(MapTest, HolesPassedEarlierAreRemembered) {
  const uint64_t base = MapAt(0, 10 * kPage, MapPlacement::kHint).take();
  ASSERT_TRUE(process_->Unmap(base + 4 * kPage, 2 * kPage).ok());
  EXPECT_EQ(MapAt(0, 3 * kPage, MapPlacement::kHint).take(), base - 3 * kPage);
  EXPECT_EQ(MapAt(0, 2 * kPage, MapPlacement::kHint).take(), base + 4 * kPage);
}

TEST_F(MapTest, HintIsTakenIfFree) {
  EXPECT_EQ(MapAt(kAt + 5, kPage, MapPlacement::kHint).take(), kAt);
  EXPECT_NE(MapAt(kAt, kPage, MapPlacement::kHint).take(), kAt);
  EXPECT_EQ(MapAt(0x2000, kPage, MapPlacement::kHint).take(), proto::kUserStart)
      << "raised to the lowest address";
}

TEST_F(MapTest, BelowACeiling) {
  MapRequest request;
  request.length = 4 * kPage;
  request.flags = kReadWrite;
  request.ceiling = uint64_t{1} << 31;
  EXPECT_EQ(process_->Map(request).take(), (uint64_t{1} << 31) - 4 * kPage);
  EXPECT_EQ(process_->Map(request).take(), (uint64_t{1} << 31) - 8 * kPage);
}

TEST_F(MapTest, Errors) {
  EXPECT_EQ(ErrorOf(MapAt(0, 0, MapPlacement::kHint)), EINVAL);
  EXPECT_EQ(ErrorOf(MapAt(0, ~uint64_t{0}, MapPlacement::kHint)), ENOMEM);
  EXPECT_EQ(ErrorOf(MapAt(0, proto::kUserEnd + kPage, MapPlacement::kHint)), ENOMEM);
  EXPECT_EQ(ErrorOf(MapAt(kAt + 1, kPage, MapPlacement::kFixed)), EINVAL);
  EXPECT_EQ(ErrorOf(MapAt(proto::kUserEnd, kPage, MapPlacement::kFixed)), ENOMEM);
  EXPECT_EQ(ErrorOf(MapAt(0, kPage, MapPlacement::kFixed)), EPERM);
  ASSERT_TRUE(MapAt(kAt, kPage, MapPlacement::kFixed).ok());
  EXPECT_EQ(ErrorOf(MapAt(kAt - kPage, 2 * kPage, MapPlacement::kFixedNoReplace)), EEXIST);
  EXPECT_TRUE(MapAt(kAt + kPage, kPage, MapPlacement::kFixedNoReplace).ok());
  EXPECT_EQ(ErrorOf(MapAt(0, FakeMachine::kRamBytes + kPage, MapPlacement::kHint)), ENOMEM)
      << "more than all of RAM";
  EXPECT_TRUE(MapAt(0, FakeMachine::kRamBytes + kPage, MapPlacement::kHint,
                    kReadWrite | proto::kVmNoReserve)
                  .ok());
  EXPECT_EQ(ErrorOf(process_->Unmap(kAt + 1, kPage)), EINVAL);
  EXPECT_EQ(ErrorOf(process_->Unmap(kAt, 0)), EINVAL);
  EXPECT_EQ(ErrorOf(process_->Unmap(proto::kUserEnd, kPage)), EINVAL);
  EXPECT_TRUE(process_->Unmap(0x7000000, kPage).ok()) << "nothing there is no error";
}

TEST_F(MapTest, AddressSpaceLimitCountsWhatIsReplacedOnce) {
  ASSERT_TRUE(MapAt(kAt, 8 * kPage, MapPlacement::kFixed).ok());
  process_->limits.address_space = 10 * kPage;
  EXPECT_EQ(ErrorOf(MapAt(0, 3 * kPage, MapPlacement::kHint)), ENOMEM);
  EXPECT_TRUE(MapAt(0, 2 * kPage, MapPlacement::kHint).ok());
  EXPECT_TRUE(MapAt(kAt, 8 * kPage, MapPlacement::kFixed, proto::kVmRead).ok());
}

TEST_F(MapTest, NeighboursMergeIfTheyAgree) {
  ASSERT_TRUE(process_.Map(kAt, 1).ok());
  ASSERT_TRUE(process_.Map(kAt + 2 * kPage, 1).ok());
  EXPECT_EQ(process_->vma_count, 2u);
  ASSERT_TRUE(process_.Map(kAt + kPage, 1).ok());
  EXPECT_EQ(process_->vma_count, 1u);
  ASSERT_TRUE(process_.Map(kAt + 3 * kPage, 1, proto::kVmRead).ok());
  EXPECT_EQ(process_->vma_count, 2u);
  ASSERT_TRUE(process_->Unmap(kAt + kPage, kPage).ok());
  EXPECT_EQ(process_->vma_count, 3u);
  Ref<MemoryObject> file = MemoryObject::Create(8 * kPage).take();
  ASSERT_TRUE(process_.Map(kAt + 0x10000, 1, kReadWrite, file, 2).ok());
  ASSERT_TRUE(process_.Map(kAt + 0x11000, 1, kReadWrite, file, 3).ok());
  EXPECT_EQ(process_->vma_count, 4u) << "consecutive pages of a file";
  ASSERT_TRUE(process_.Map(kAt + 0x12000, 1, kReadWrite, file, 5).ok());
  EXPECT_EQ(process_->vma_count, 5u) << "not consecutive";
  EXPECT_EQ(file->refs, 3u);
}

TEST_F(MapTest, ProtectSplitsAndMergesBack) {
  ASSERT_TRUE(process_.Map(kAt, 6).ok());
  for (uint64_t i = 0; i < 6; ++i) {
    ASSERT_TRUE(process_.Write(kAt + i * kPage, i + 1));
  }
  ASSERT_TRUE(process_->Protect(kAt + 2 * kPage, 2 * kPage, proto::kVmRead).ok());
  EXPECT_EQ(process_->vma_count, 3u);
  EXPECT_EQ(process_->flush_generation, 1u);
  EXPECT_FALSE(process_.Write(kAt + 2 * kPage, 9));
  EXPECT_EQ(process_.Fault(kAt + 2 * kPage, FaultAccess::kWrite), FaultResult::kSegvAccErr);
  EXPECT_EQ(process_.Read(kAt + 2 * kPage), 3u);
  ASSERT_TRUE(process_->Protect(kAt + 2 * kPage, 2 * kPage, kReadWrite).ok());
  EXPECT_EQ(process_->vma_count, 1u);
  EXPECT_EQ(process_->flush_generation, 1u) << "gaining needs no flush";
  EXPECT_NE(process_.Pte(kAt + 2 * kPage) & proto::kPteWritable, 0u);
}

TEST_F(MapTest, ProtectErrors) {
  ASSERT_TRUE(process_.Map(kAt, 2).ok());
  EXPECT_EQ(ErrorOf(process_->Protect(kAt + 1, kPage, 1)), EINVAL);
  EXPECT_TRUE(process_->Protect(kAt, 0, 1).ok());
  EXPECT_EQ(ErrorOf(process_->Protect(kAt - kPage, kPage, 1)), ENOMEM);
  EXPECT_EQ(ErrorOf(process_->Protect(kAt, 3 * kPage, 1)), ENOMEM);
  EXPECT_FALSE(process_.Write(kAt, 1)) << "what came before the gap is changed";
  MapRequest request;
  request.address = kAt + 0x100000;
  request.length = kPage;
  request.flags = proto::kVmRead | proto::kVmShared;
  request.may = proto::kVmRead | proto::kVmExec;
  request.object = MemoryObject::Create(kPage).take();
  request.placement = MapPlacement::kFixed;
  ASSERT_TRUE(process_->Map(request).ok());
  EXPECT_EQ(ErrorOf(process_->Protect(kAt + 0x100000, kPage, kReadWrite)), EACCES);
}

TEST_F(MapTest, ExecutableOrNot) {
  ASSERT_TRUE(process_.Map(kAt, 1).ok());
  EXPECT_EQ(process_.Fault(kAt, FaultAccess::kExec), FaultResult::kSegvAccErr);
  ASSERT_TRUE(process_.Write(kAt, 1));
  EXPECT_NE(process_.Pte(kAt) & proto::kPteNoExecute, 0u);
  ASSERT_TRUE(process_->Protect(kAt, kPage, proto::kVmRead | proto::kVmExec).ok());
  EXPECT_EQ(process_.Pte(kAt) & (proto::kPteNoExecute | proto::kPteWritable), 0u);
  EXPECT_EQ(process_.Fault(kAt, FaultAccess::kExec), FaultResult::kHandled);
}

TEST_F(MapTest, TooManyMappings) {
  // Every second page of a large mapping read-only: two more mappings each.
  constexpr uint64_t kMost = 65530;
  ASSERT_TRUE(process_.Map(kAt, 2 * kMost, kReadWrite | proto::kVmNoReserve).ok());
  uint64_t at = kAt + kPage;
  while (process_->Protect(at, kPage, proto::kVmRead).ok()) {
    at += 2 * kPage;
  }
  EXPECT_GE(process_->vma_count, kMost - 1);
  EXPECT_LE(process_->vma_count, kMost);
  EXPECT_EQ(ErrorOf(process_->Protect(at, kPage, proto::kVmRead)), ENOMEM);
  uint64_t hole = kAt + 2 * kMost * kPage - 3 * kPage;
  while (process_->Unmap(hole, kPage).ok()) {
    hole -= 2 * kPage;
  }
  EXPECT_EQ(process_->vma_count, kMost) << "a hole in a mapping is one mapping more";
  EXPECT_TRUE(process_->Unmap(kAt + 2 * kMost * kPage - kPage, kPage).ok()) << "an end does not";
}

TEST_F(MapTest, TablesGoWithTheLastMapping) {
  const uint32_t before = process_->table_frames;
  ASSERT_TRUE(process_.Map(kAt, 1024).ok());
  ASSERT_TRUE(process_.Write(kAt, 1));
  ASSERT_TRUE(process_.Write(kAt + 600 * kPage, 1));
  EXPECT_EQ(process_->table_frames, before + 4);
  ASSERT_TRUE(process_->Unmap(kAt, 512 * kPage).ok());
  EXPECT_EQ(process_->table_frames, before + 3);
  ASSERT_TRUE(process_->Unmap(kAt + 512 * kPage, 512 * kPage).ok());
  EXPECT_EQ(process_->table_frames, before);
  EXPECT_EQ(process_->anon_pages, 0u);
}

TEST_F(MapTest, PopulateMakesPagesPresent) {
  MapRequest request;
  request.address = kAt;
  request.length = 700 * kPage;
  request.flags = kReadWrite;
  request.placement = MapPlacement::kFixed;
  request.populate = MapPopulate::kYes;
  ASSERT_TRUE(process_->Map(request).ok());
  EXPECT_EQ(process_->anon_pages, 700u);
  EXPECT_EQ(process_->faults, 0u);
}

TEST_F(MapTest, Brk) {
  process_->start_brk = process_->brk = 0x8000100;
  EXPECT_EQ(process_->SetBrk(0), 0x8000100u);
  EXPECT_EQ(process_->SetBrk(0x8003000), 0x8003000u);
  EXPECT_EQ(process_->vma_count, 1u);
  ASSERT_TRUE(process_.Write(0x8002ff8, 5));
  EXPECT_EQ(process_->SetBrk(0x8010000), 0x8010000u);
  EXPECT_EQ(process_->vma_count, 1u);
  EXPECT_NE(process_->FindVma(0x8002000)->flags & proto::kVmHeap, 0u);
  ASSERT_TRUE(process_.Map(0x8020000, 1).ok());
  EXPECT_EQ(process_->SetBrk(0x8021000), 0x8010000u) << "something is in the way";
  EXPECT_EQ(process_->SetBrk(0x8001000), 0x8001000u);
  EXPECT_EQ(process_->SetBrk(0x8003000), 0x8003000u);
  EXPECT_EQ(process_.Read(0x8002ff8), 0u);
  process_->limits.data = 0x4000;
  EXPECT_EQ(process_->SetBrk(0x8008000), 0x8003000u) << "RLIMIT_DATA";
}

TEST_F(MapTest, FailedAllocationsLeaveNothing) {
  ASSERT_TRUE(process_.Map(kAt, 5).ok());
  ASSERT_TRUE(process_.Write(kAt + 2 * kPage, 7));
  const testing::Usage before = machine_.CurrentUsage();
  for (uint64_t nth = 1;; ++nth) {
    machine_.FailAllocation(nth);
    Result<uint64_t> mapped = process_.Map(kAt + kPage, 3, proto::kVmRead | proto::kVmShared);
    if (!machine_.failed()) {
      machine_.FailAllocation(0);
      EXPECT_TRUE(mapped.ok());
      EXPECT_EQ(nth, 5u) << "an object, a mapping, and two for the splits";
      break;
    }
    EXPECT_EQ(ErrorOf(mapped), ENOMEM);
    EXPECT_EQ(machine_.CurrentUsage(), before);
    EXPECT_EQ(process_.Read(kAt + 2 * kPage), 7u);
    EXPECT_EQ(machine_.CheckInvariants(), "");
  }
}

}  // namespace
}  // namespace fv::guest
