// SPDX-License-Identifier: Apache-2.0
//
// Holes in a memory object: what becomes of its frames, of the entries that map them, and of page
// tables that a fork shares.
#include <gtest/gtest.h>

#include <vector>

#include "guest/mm/commit.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/frames.h"
#include "guest/mm/testing/test_process.h"

namespace fv::guest {
namespace {

using testing::FakeMachine;
using testing::kAt;
using testing::kPage;
using testing::kReadWrite;
using testing::TestProcess;

constexpr uint64_t kPages = 512;
constexpr uint64_t kPrivateAt = 4 * kAt;

class PunchHoleTest : public ::testing::Test {
 protected:
  // Page i holds i, in the parent's shared mapping and in its private one, which has an own copy of
  // every page but those that 8 divides.
  void SetUp() override {
    parent_->fork_strategy = FindForkStrategy("ondemand").value();
    ASSERT_TRUE(parent_.Map(kAt, kPages, kReadWrite | proto::kVmShared, file_).ok());
    ASSERT_TRUE(parent_.Map(kPrivateAt, kPages, kReadWrite, file_).ok());
    for (uint64_t page = 0; page < kPages; ++page) {
      ASSERT_TRUE(parent_.Write(kAt + page * kPage, page));
      ASSERT_EQ(parent_.Read(kPrivateAt + page * kPage), page);
      if (page % 8 != 0) {
        ASSERT_TRUE(parent_.Write(kPrivateAt + page * kPage, page));
      }
    }
  }
  void TearDown() override {
    EXPECT_EQ(machine_.CheckInvariants(), "");
    parent_.Exit();
    EXPECT_EQ(machine_.CheckInvariants(), "");
    machine_.events().clear();
  }
  void ExpectHole(TestProcess& process, uint64_t from, uint64_t to) {
    for (uint64_t page = from; page < to; ++page) {
      EXPECT_EQ(process.Pte(kAt + page * kPage), 0u);
      const bool copied = page % 8 != 0;
      EXPECT_EQ(process.Pte(kPrivateAt + page * kPage) != 0, copied) << page;
    }
    for (uint64_t page = from; page < to; ++page) {  // which brings what is near, too
      const bool copied = page % 8 != 0;
      ASSERT_EQ(process.Read(kAt + page * kPage), 0u);
      ASSERT_EQ(process.Read(kPrivateAt + page * kPage), copied ? page : 0);
    }
  }

  FakeMachine& machine_ = FakeMachine::Get();
  Ref<MemoryObject> file_ = MemoryObject::Create(kPages * kPage).take();
  TestProcess parent_;
};

TEST_F(PunchHoleTest, FramesGoFromAllWhoMapThem) {
  TestProcess child = parent_.Fork();
  const uint64_t frames = FreeFrameCount();
  const uint64_t charged = CommittedPages();
  ASSERT_TRUE(file_->PunchHole(100 * kPage - 7, 64 * kPage + 7).ok());
  EXPECT_EQ(file_->pages, kPages - 64);
  EXPECT_EQ(CommittedPages(), charged - 64);
  // Both got tables of their own, as far as their copies were in shared ones.
  EXPECT_GE(FreeFrameCount() + 2, frames + 64);
  EXPECT_EQ(machine_.CheckInvariants(), "");
  ExpectHole(parent_, 100, 164);
  ExpectHole(child, 100, 164);
  EXPECT_EQ(child.Read(kAt + 99 * kPage), 99u);
  EXPECT_EQ(child.Read(kAt + 100 * kPage - 8) >> 8, 0u);
  EXPECT_EQ(child.Read(kAt + 164 * kPage), 164u);
  ASSERT_TRUE(child.Write(kAt + 120 * kPage, 5));
  EXPECT_EQ(parent_.Read(kAt + 120 * kPage), 5u);
}

TEST_F(PunchHoleTest, WhatFailsChangesNothing) {
  TestProcess child = parent_.Fork();
  uint64_t nth = 1;
  for (bool punched = false; !punched; ++nth) {
    machine_.FailAllocation(nth);
    punched = file_->PunchHole(100 * kPage, 64 * kPage).ok();
    EXPECT_NE(punched, machine_.failed());
    EXPECT_EQ(file_->pages, punched ? kPages - 64 : kPages);
    ASSERT_EQ(machine_.CheckInvariants(), "") << "allocation " << nth;
  }
  machine_.FailAllocation(0);
  EXPECT_GT(nth, 2u);
  ExpectHole(child, 100, 164);
}

TEST_F(PunchHoleTest, WhatTheBackingHasBecomesZeroAndStays) {
  std::vector<uint8_t> content(2 * kPage + 10, 0x11);
  Ref<MemoryObject> file = MemoryObject::Create(0).take();
  file->SetBacking(content.data(), content.size());
  ASSERT_TRUE(file->Resize(5 * kPage).ok());
  ASSERT_TRUE(file->GetPage(3).ok());
  ASSERT_TRUE(file->PunchHole(kPage, 3 * kPage).ok());
  EXPECT_EQ(file->pages, 2u) << "pages 1 and 2 stand before the backing; 3 is gone";
  uint8_t byte = 1;
  ASSERT_TRUE(file->ReadKernel(2 * kPage, &byte, 1).ok());
  EXPECT_EQ(byte, 0);
  ASSERT_TRUE(file->ReadKernel(0, &byte, 1).ok());
  EXPECT_EQ(byte, 0x11);
}

TEST_F(PunchHoleTest, AHoleOfAnySizeIsMadeAtOnce) {
  ASSERT_TRUE(file_->Resize(uint64_t{1} << 62).ok());
  ASSERT_TRUE(file_->PunchHole(1, uint64_t{1} << 61).ok());
  EXPECT_EQ(file_->pages, 1u);
  ASSERT_TRUE(file_->PunchHole(0, uint64_t{1} << 62).ok());
  EXPECT_EQ(file_->pages, 0u);
}

}  // namespace
}  // namespace fv::guest
