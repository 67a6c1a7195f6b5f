// SPDX-License-Identifier: Apache-2.0
//
// I18: a fork that failed leaves nothing behind. Rules about children, exec and exit have tests of
// their own.
#include "src/oracle/lifecycle.h"

#include <gtest/gtest.h>

#include "src/oracle/testing/lifecycle_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using testing::kHeapAt;

using LifecycleTest = testing::LifecycleTest;

TEST_F(LifecycleTest, I18NothingIsLeft) {
  FailFork();
  EXPECT_EQ(Step(), "");
}

TEST_F(LifecycleTest, I18ReferenceIsLeft) {
  FailFork();
  ++g().Ptr<proto::FileRecord>(Files(sample_.parent)->first.slots[0] + proto::kFileRecordOffset)
        ->holders;
  Expect(Rule::kFailedFork);
}

// The kernel could not store what the call was to store: no page came of it.
TEST_F(LifecycleTest, I18RefusedAccessChangesNothing) {
  Event(EventKind::kFault, 2, 8, 2, 1);
  FailFork();
  ++g().Ptr<proto::FileRecord>(Files(sample_.parent)->first.slots[0] + proto::kFileRecordOffset)
        ->holders;
  Expect(Rule::kFailedFork);
}

TEST_F(LifecycleTest, I18AFaultOtherwiseMayTakeSomething) {
  Event(EventKind::kFault, 2, kHeapAt, 2, 0);
  FailFork();
  g().AllocateObject("fs");
  EXPECT_EQ(Step(), "");
}

TEST_F(LifecycleTest, I18ObjectIsLeft) {
  g().AllocateObject("fs");
  FailFork();
  Expect(Rule::kFailedFork);
}

TEST_F(LifecycleTest, I18OtherCallsMayHold) {
  ++Cpu()->syscalls;
  g().AllocateObject("fs");
  FailFork();
  EXPECT_EQ(Step(), "");
}

}  // namespace
}  // namespace fv::oracle
