// SPDX-License-Identifier: Apache-2.0
//
// I20: whom an exit tells, and by what. Each rule is broken once; what is right is not accused.
#include "src/oracle/lifecycle.h"

#include <gtest/gtest.h>
#include <linux/futex.h>

#include <csignal>

#include "src/oracle/testing/lifecycle_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;

using ExitRulesTest = testing::LifecycleTest;

TEST_F(ExitRulesTest, I20TidIsCleared) {
  const uint64_t at = OwnPage();
  Task(sample_.thread)->clear_child_tid = at + 4;
  *Word(at + 4) = 4;
  EXPECT_EQ(Step(), "");
  ThreadDies();
  *Word(at + 4) = 0;
  EXPECT_EQ(Step(), "");
}

TEST_F(ExitRulesTest, I20TidStays) {
  const uint64_t at = OwnPage();
  Task(sample_.thread)->clear_child_tid = at + 4;
  *Word(at + 4) = 4;
  EXPECT_EQ(Step(), "");
  ThreadDies();
  Expect(Rule::kExitWord);
}

TEST_F(ExitRulesTest, I20RobustFutex) {
  const uint64_t head = OwnPage();
  const uint64_t entry = head + 64;
  const auto store = [&](uint64_t address, uint64_t value) {
    *Word(address) = static_cast<uint32_t>(value);
    *Word(address + 4) = static_cast<uint32_t>(value >> 32);
  };
  Task(sample_.thread)->robust_list = head;
  store(head, entry);
  store(head + 8, 16);  // the futex in an entry
  store(entry, head);
  *Word(entry + 16) = FUTEX_OWNER_DIED;
  EXPECT_EQ(Step(), "");
  ThreadDies();
  EXPECT_EQ(Step(), "");
}

TEST_F(ExitRulesTest, I20RobustFutexNamesTheDead) {
  const uint64_t head = OwnPage();
  Task(sample_.thread)->robust_list = head;
  *Word(head) = static_cast<uint32_t>(head + 64);
  *Word(head + 8) = 16;
  *Word(head + 64) = static_cast<uint32_t>(head);
  *Word(head + 80) = 4;
  EXPECT_EQ(Step(), "");
  ThreadDies();
  Expect(Rule::kExitRobust);
}

TEST_F(ExitRulesTest, I20ParentIsTold) {
  ChildDies();
  Event(EventKind::kSignal, 3, SIGCHLD, 2);
  EXPECT_EQ(Step(), "");
}

TEST_F(ExitRulesTest, I20ParentIsNotTold) {
  ChildDies();
  Expect(Rule::kExitTold);
}

// A child without an exit signal died, then its parent ran another program.
TEST_F(ExitRulesTest, I20ParentExecsLater) {
  ChildDies();
  Task(zombie_)->exit_signal = 0;
  Task(zombie_)->flags |= proto::kTaskParentExeced;
  Event(EventKind::kExec, 2, 0, 0, 2, sample_.mm);
  EXPECT_EQ(Step().find("ExitTold"), std::string::npos);
}

TEST_F(ExitRulesTest, I20ZombieThatNobodyWants) {
  Handlers(sample_.parent)->action[SIGCHLD - 1].flags = SA_NOCLDWAIT;
  ChildDies();
  Event(EventKind::kSignal, 3, SIGCHLD, 2);
  Expect(Rule::kExitTold);
}

}  // namespace
}  // namespace fv::oracle
