// SPDX-License-Identifier: Apache-2.0
//
// Record locks against a model that keeps an owner and a type for every byte; flock; what is left
// when owners go.
#include "guest/fs/file_lock.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "guest/fs/anonymous.h"
#include "guest/fs/testing/fake_kernel.h"
#include "guest/mm/testing/fake_machine.h"

namespace fv::guest {
namespace {

using testing::FakeKernel;
using testing::FakeMachine;

constexpr uint64_t kBytes = 24;
constexpr int kOwners = 3;
int owner_objects[kOwners];

class FileLockTest : public ::testing::Test {
 protected:
  FileLockTest() {
    FakeKernel::Get();
    dentry_ = MakeAnonymousDentry("locked").take();
  }
  Inode& inode() { return dentry_->inode(); }
  int Set(int owner, LockType type, uint64_t start, uint64_t end,
          LockKind kind = LockKind::kRecord) {
    const LockRequest request{.kind = kind,
                              .type = type,
                              .owner = &owner_objects[owner],
                              .pid = static_cast<uint32_t>(owner + 1),
                              .start = start,
                              .end = end};
    const Status status = SetLock(inode(), request, LockWait::kNo);
    return status.ok() ? 0 : status.error().number();
  }
  // What stands in the way of an exclusive lock on one byte: the owner, or -1.
  int HolderOf(uint64_t byte, int asker) {
    LockRequest held;
    const LockRequest request{.type = LockType::kExclusive,
                              .owner = asker < 0 ? nullptr : &owner_objects[asker],
                              .start = byte,
                              .end = byte};
    return FindConflict(inode(), request, held) ? static_cast<int>(held.pid) - 1 : -1;
  }
  Ref<Dentry> dentry_;
};

TEST_F(FileLockTest, AgreesWithAByteMap) {
  // type by owner and byte
  std::array<std::array<LockType, kBytes>, kOwners> model;
  for (auto& bytes : model) {
    bytes.fill(LockType::kNone);
  }
  std::mt19937 random(11);
  for (int step = 0; step < 20000; ++step) {
    const int owner = static_cast<int>(random() % kOwners);
    const auto type = static_cast<LockType>(random() % 3);
    const uint64_t start = random() % kBytes;
    const uint64_t end = start + random() % (kBytes - start);
    bool allowed = true;
    for (uint64_t b = start; b <= end && type != LockType::kNone; ++b) {
      for (int other = 0; other < kOwners; ++other) {
        const LockType held = model[static_cast<size_t>(other)][b];
        allowed = allowed && (other == owner || held == LockType::kNone ||
                              (held == LockType::kShared && type == LockType::kShared));
      }
    }
    ASSERT_EQ(Set(owner, type, start, end), allowed ? 0 : EAGAIN) << step;
    for (uint64_t b = start; b <= end && allowed; ++b) {
      model[static_cast<size_t>(owner)][b] = type;
    }
    for (uint64_t b = 0; b < kBytes; ++b) {
      for (int asker = 0; asker < kOwners; ++asker) {
        bool others = false;
        for (int other = 0; other < kOwners; ++other) {
          others =
              others || (other != asker && model[static_cast<size_t>(other)][b] != LockType::kNone);
        }
        ASSERT_EQ(HolderOf(b, asker) >= 0, others) << "step " << step << " byte " << b;
      }
    }
  }
}

TEST_F(FileLockTest, ClosingDropsOneOwnersRecordLocks) {
  EXPECT_EQ(Set(0, LockType::kExclusive, 0, 9), 0);
  EXPECT_EQ(Set(1, LockType::kExclusive, 10, 19), 0);
  ReleaseRecordLocks(inode(), &owner_objects[0]);
  EXPECT_EQ(HolderOf(5, 2), -1);
  EXPECT_EQ(HolderOf(15, 2), 1);
}

TEST_F(FileLockTest, FlocksAndRecordLocksIgnoreEachOther) {
  EXPECT_EQ(Set(0, LockType::kExclusive, 0, ~uint64_t{0}, LockKind::kFlock), 0);
  EXPECT_EQ(Set(1, LockType::kExclusive, 0, ~uint64_t{0}), 0);
  EXPECT_EQ(Set(1, LockType::kShared, 0, ~uint64_t{0}, LockKind::kFlock), EAGAIN);
  EXPECT_EQ(Set(0, LockType::kShared, 0, ~uint64_t{0}, LockKind::kFlock), 0);
  EXPECT_EQ(Set(1, LockType::kShared, 0, ~uint64_t{0}, LockKind::kFlock), 0);
}

TEST_F(FileLockTest, AWaiterIsInterruptedByASignal) {
  EXPECT_EQ(Set(0, LockType::kExclusive, 0, 0), 0);
  const LockRequest request{
      .type = LockType::kShared, .owner = &owner_objects[1], .start = 0, .end = 0};
  EXPECT_EQ(SetLock(inode(), request, LockWait::kYes).error().number(), kErestartSys);
}

TEST_F(FileLockTest, NothingIsLeftBehindAndFailuresChangeNothing) {
  Set(0, LockType::kExclusive, 0, 9);
  ReleaseRecordLocks(inode(), &owner_objects[0]);
  const testing::Usage before = FakeMachine::Get().CurrentUsage();
  EXPECT_EQ(Set(0, LockType::kExclusive, 0, 9), 0);
  for (uint64_t nth = 1; nth < 4; ++nth) {
    FakeMachine::Get().FailAllocation(nth);
    const int result = Set(0, LockType::kNone, 3, 5);
    FakeMachine::Get().FailAllocation(0);
    EXPECT_TRUE(result == 0 || (result == ENOLCK && HolderOf(4, 1) == 0));
    Set(0, LockType::kExclusive, 0, 9);
  }
  ReleaseRecordLocks(inode(), &owner_objects[0]);
  EXPECT_EQ(ToString(before), ToString(FakeMachine::Get().CurrentUsage()));
}

}  // namespace
}  // namespace fv::guest
