// SPDX-License-Identifier: Apache-2.0
//
// Descriptor tables: lowest free number, growth, limits, reservation, copies, and what an
// allocation failure at any point leaves behind.
#include "guest/fs/fd_table.h"

#include <gtest/gtest.h>

#include "guest/fs/anonymous.h"
#include "guest/fs/object.h"
#include "guest/fs/testing/archive_builder.h"
#include "guest/fs/testing/fake_kernel.h"
#include "guest/mm/testing/fake_machine.h"

namespace fv::guest {
namespace {

using testing::FakeKernel;
using testing::FakeMachine;

int live_files = 0;

class TestFile final : public File {
 public:
  explicit TestFile(Ref<Dentry> dentry) : File(std::move(dentry), 2) { ++live_files; }

 private:
  void Destroy() override {
    --live_files;
    DestroyObject(this);
  }
};

constexpr uint64_t kLimit = 1024;
constexpr auto kNo = CloseOnExecFlag::kNo;
constexpr auto kYes = CloseOnExecFlag::kYes;

class FdTableTest : public ::testing::Test {
 protected:
  FdTableTest() {
    FakeKernel::Get();
    live_files = 0;
    name_ = MakeAnonymousDentry("test").take();
    table_ = FdTable::Create().take();
  }
  Ref<File> NewFile() { return Ref<File>::Adopt(MakeObject<TestFile>(name_)); }
  int Add(uint64_t limit = kLimit, uint32_t minimum = 0, CloseOnExecFlag cloexec = kNo) {
    Result<int> fd = table_->Add(NewFile(), cloexec, limit, minimum);
    return fd.ok() ? fd.value() : -fd.error().number();
  }
  Ref<Dentry> name_;
  Ref<FdTable> table_;
};

TEST_F(FdTableTest, GivesTheLowestFreeNumber) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Add(), i);
  }
  EXPECT_TRUE(table_->Close(1).ok());
  EXPECT_TRUE(table_->Close(3).ok());
  EXPECT_EQ(live_files, 3);
  EXPECT_EQ(Add(), 1);
  EXPECT_EQ(Add(), 3);
  EXPECT_EQ(Add(), 5);
  EXPECT_EQ(table_->open_count(), 6u);
}

TEST_F(FdTableTest, MinimumIsRespectedAndDoesNotHideLowerNumbers) {
  EXPECT_EQ(Add(kLimit, 100), 100);
  EXPECT_EQ(Add(kLimit, 100), 101);
  EXPECT_EQ(Add(), 0);
  EXPECT_EQ(Add(kLimit, 1023), 1023);
  EXPECT_EQ(Add(kLimit, 1023), -EMFILE);
}

TEST_F(FdTableTest, GrowsOverManyChunksUpToTheLimit) {
  constexpr uint64_t kMany = 5000;
  for (uint64_t i = 0; i < kMany; ++i) {
    ASSERT_EQ(Add(kMany), static_cast<int>(i));
  }
  EXPECT_EQ(Add(kMany), -EMFILE);
  EXPECT_GE(table_->capacity(), kMany);
  EXPECT_TRUE(table_->Close(4321).ok());
  EXPECT_EQ(Add(kMany), 4321);
  table_ = nullptr;
  EXPECT_EQ(live_files, 0);
}

TEST_F(FdTableTest, HighestNumberOfAll) {
  EXPECT_EQ(Add(FdTable::kMaxFds, FdTable::kMaxFds - 1), static_cast<int>(FdTable::kMaxFds - 1));
  EXPECT_EQ(Add(~uint64_t{0}, FdTable::kMaxFds - 1), -EMFILE);
  EXPECT_EQ(table_->Next(0), static_cast<int>(FdTable::kMaxFds - 1));
}

TEST_F(FdTableTest, BadNumbersAreRefused) {
  EXPECT_EQ(table_->Get(-1).error().number(), EBADF);
  EXPECT_EQ(table_->Get(0).error().number(), EBADF);
  EXPECT_EQ(table_->Get(1 << 30).error().number(), EBADF);
  EXPECT_EQ(table_->Close(63).error().number(), EBADF);
  EXPECT_EQ(table_->Close(64).error().number(), EBADF);
}

TEST_F(FdTableTest, AReservedSlotIsNoFileYet) {
  EXPECT_EQ(table_->Allocate(kLimit).value(), 0);
  EXPECT_EQ(table_->Get(0).error().number(), EBADF);
  EXPECT_EQ(table_->Replace(0, NewFile(), kNo, kLimit).error().number(), EBUSY);
  EXPECT_EQ(Add(), 1);
  const Ref<FdTable> copy = table_->Copy().take();
  EXPECT_EQ(copy->open_count(), 1u) << "a reservation is not copied";
  table_->Cancel(0);
  EXPECT_EQ(Add(), 0);
}

TEST_F(FdTableTest, ReplaceClosesWhatWasThere) {
  EXPECT_EQ(Add(), 0);
  EXPECT_EQ(table_->Replace(0, NewFile(), kYes, kLimit).value(), 0);
  EXPECT_EQ(live_files, 1);
  EXPECT_EQ(table_->GetCloseOnExec(0).value(), kYes);
  EXPECT_EQ(table_->Replace(200, NewFile(), kNo, kLimit).value(), 200);
  EXPECT_EQ(table_->Replace(1024, NewFile(), kNo, kLimit).error().number(), EBADF);
  EXPECT_EQ(table_->Replace(-1, NewFile(), kNo, kLimit).error().number(), EBADF);
  EXPECT_EQ(live_files, 2);
  EXPECT_EQ(Add(), 1);
}

TEST_F(FdTableTest, CopySharesFilesAndKeepsFlags) {
  Add();
  Add(kLimit, 70, kYes);
  const Ref<FdTable> copy = table_->Copy().take();
  EXPECT_EQ(copy->Get(0).value().get(), table_->Get(0).value().get());
  EXPECT_EQ(copy->GetCloseOnExec(70).value(), kYes);
  EXPECT_TRUE(table_->Close(0).ok());
  EXPECT_TRUE(copy->Get(0).ok());
  EXPECT_EQ(copy->Add(NewFile(), kNo, kLimit).value(), 1);
  copy->CloseOnExec();
  EXPECT_FALSE(copy->Get(70).ok());
  EXPECT_TRUE(table_->Get(70).ok());
}

TEST_F(FdTableTest, CloseRangeTakesInclusiveBounds) {
  for (int i = 0; i < 200; ++i) {
    Add();
  }
  table_->CloseRange(10, 149);
  EXPECT_EQ(table_->open_count(), 60u);
  EXPECT_TRUE(table_->Get(9).ok());
  EXPECT_FALSE(table_->Get(10).ok());
  EXPECT_FALSE(table_->Get(149).ok());
  EXPECT_TRUE(table_->Get(150).ok());
  table_->CloseRange(0, ~0u);
  EXPECT_EQ(live_files, 0);
}

TEST_F(FdTableTest, CopyFailsCleanlyWhereverMemoryRunsOut) {
  for (uint32_t minimum : {0u, 64u, 128u, 40000u}) {
    Add(FdTable::kMaxFds, minimum);
  }
  for (uint64_t nth = 1;; ++nth) {
    FakeMachine::Get().FailAllocation(nth);
    Result<Ref<FdTable>> copy = table_->Copy();
    const bool failed = FakeMachine::Get().failed();
    FakeMachine::Get().FailAllocation(0);
    if (!failed) {
      ASSERT_TRUE(copy.ok());
      break;
    }
    // A slab may have had room in spite of the failure of a larger step before.
    if (!copy.ok()) {
      EXPECT_EQ(copy.error().number(), ENOMEM);
    }
    ASSERT_LT(nth, 100u);
  }
  EXPECT_EQ(live_files, 4);
}

}  // namespace
}  // namespace fv::guest
