// SPDX-License-Identifier: Apache-2.0
//
// The recent strategy: which pages are copied, which tables are shared. Random sequences are in
// model_test.cc.
#include <gtest/gtest.h>

#include <optional>

#include "guest/mm/fork_registry.h"
#include "guest/mm/frames.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/testing/test_process.h"

namespace fv::guest {
namespace {

using proto::kPteCow;
using proto::kPteWritable;
using testing::FakeMachine;
using testing::kAt;
using testing::kPage;
using testing::TestProcess;

constexpr uint64_t kTable = 512;  // pages that one table maps

class RecentTest : public ::testing::Test {
 protected:
  // Two tables, all written, and a child that shares them: nothing is recent then.
  void SetUp() override {
    parent_->fork_strategy = FindForkStrategy("recent").value();
    ASSERT_TRUE(parent_.Map(kAt, 2 * kTable).ok());
    for (uint64_t page = 0; page < 2 * kTable; ++page) {
      ASSERT_TRUE(parent_.Write(kAt + page * kPage, page));
    }
    first_.emplace(parent_.Fork());
    EXPECT_EQ(parent_.counts.shared_tables, 2u) << "too many pages to copy";
  }
  void TearDown() override {
    first_.reset();
    EXPECT_EQ(machine_.CheckInvariants(), "");
    parent_.Exit();
    EXPECT_EQ(machine_.CheckInvariants(), "");
    machine_.events().clear();
  }
  void Write(TestProcess& process, uint64_t page, uint64_t value) {
    ASSERT_TRUE(process.Write(kAt + page * kPage, value));
  }
  uint64_t CowFaults() { return parent_->cow_faults; }

  FakeMachine& machine_ = FakeMachine::Get();
  TestProcess parent_;
  std::optional<TestProcess> first_;
};

TEST_F(RecentTest, WhatWasWrittenSinceIsCopied) {
  Write(parent_, 3, 33);
  Write(parent_, 500, 55);
  const uint64_t faults = CowFaults();
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.shared_tables, 1u) << "nobody wrote to the second table";
  EXPECT_EQ(parent_.counts.ptes, kTable - 2);
  EXPECT_EQ(child->anon_pages, 2 * kTable);
  for (const uint64_t page : {3u, 500u}) {
    EXPECT_NE(child.Pfn(kAt + page * kPage), parent_.Pfn(kAt + page * kPage));
    EXPECT_EQ(child.Pte(kAt + page * kPage) & (kPteCow | kPteWritable), kPteWritable);
    EXPECT_EQ(parent_.Pte(kAt + page * kPage) & (kPteCow | kPteWritable), kPteWritable);
    EXPECT_EQ(FrameOf(parent_.Pfn(kAt + page * kPage)).refs, 1u);
  }
  EXPECT_EQ(child.Pfn(kAt), parent_.Pfn(kAt));
  EXPECT_EQ(FrameOf(child.Pfn(kAt)).refs, 3u) << "the first child's too";
  Write(parent_, 3, 34);
  Write(child, 3, 35);
  EXPECT_EQ(CowFaults(), faults) << "neither faulted";
  EXPECT_EQ(child->cow_faults, 0u);
  EXPECT_EQ(parent_.Read(kAt + 3 * kPage), 34u);
  EXPECT_EQ(child.Read(kAt + 3 * kPage), 35u);
  EXPECT_EQ(child.Read(kAt + 500 * kPage), 55u);
}

TEST_F(RecentTest, ManyAreShared) {
  for (uint64_t page = 0; page <= 32; ++page) {
    Write(parent_, page, page + 7);
  }
  TestProcess child = parent_.Fork();
  EXPECT_EQ(parent_.counts.shared_tables, 2u);
  EXPECT_EQ(child.Read(kAt), 7u);
}

TEST_F(RecentTest, FirstForkCopiesTheFewPagesThatThereAre) {
  TestProcess small;
  small->fork_strategy = parent_->fork_strategy;
  ASSERT_TRUE(small.Map(kAt, 4).ok());
  ASSERT_TRUE(small.Write(kAt + kPage, 5));
  ASSERT_EQ(small.Read(kAt), 0u);  // the zero frame
  TestProcess child = small.Fork();
  EXPECT_EQ(child->anon_pages, 1u);
  EXPECT_NE(child.Pfn(kAt + kPage), small.Pfn(kAt + kPage));
  EXPECT_EQ(child.Pfn(kAt), small.Pfn(kAt));
  EXPECT_EQ(small->flush_generation, 0u) << "no entry of the parent changed";
}

TEST_F(RecentTest, EveryFailedAllocationUnwinds) {
  for (const uint64_t page : {0u, 1u, 511u}) {
    Write(parent_, page, page + 9);
  }
  const testing::Usage before = machine_.CurrentUsage();
  uint64_t failed = 0;
  for (uint64_t nth = 1;; ++nth) {
    ForkCounts counts;
    machine_.FailAllocation(nth);
    Result<Mm*> child = DupMm(parent_.mm(), counts);
    machine_.FailAllocation(0);
    ASSERT_EQ(machine_.CheckInvariants(), "") << nth;
    if (child.ok()) {
      child.value()->Put();
      break;
    }
    ++failed;
    DropSpareTrees();
    ASSERT_EQ(machine_.CurrentUsage(), before) << nth;
  }
  EXPECT_GE(failed, 3u) << "the pages at least";
  for (const uint64_t page : {0u, 1u, 511u}) {
    EXPECT_EQ(parent_.Read(kAt + page * kPage), page + 9);
  }
}

}  // namespace
}  // namespace fv::guest
