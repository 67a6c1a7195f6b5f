// SPDX-License-Identifier: Apache-2.0
//
// I17: what a child has of its parent. Each rule is broken once; what is right is not accused.
#include "src/oracle/lifecycle.h"

#include <gtest/gtest.h>
#include <linux/sched.h>

#include <csignal>

#include "src/oracle/testing/lifecycle_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using testing::kHeapAt;

using ForkChildRulesTest = testing::LifecycleTest;

TEST_F(ForkChildRulesTest, I17GoodFork) {
  Fork();
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkChildRulesTest, I17ExitSignal) {
  Fork();
  Task(child_)->exit_signal = SIGUSR1;
  Expect(Rule::kForkIdentity);
}

TEST_F(ForkChildRulesTest, I17AddressForTheTid) {
  Fork(CLONE_CHILD_CLEARTID, 0x1234);
  Expect(Rule::kForkIdentity);
}

TEST_F(ForkChildRulesTest, I17StillBeingMade) {
  Fork();
  Task(child_)->state = proto::TaskState::kNew;
  Expect(Rule::kForkIdentity);
}

TEST_F(ForkChildRulesTest, I17SharesWhatItShouldCopy) {
  Fork();
  Task(child_)->fs = Task(sample_.parent)->fs;
  Expect(Rule::kForkShares);
}

TEST_F(ForkChildRulesTest, I17CopiesWhatItShouldShare) {
  Fork(CLONE_FILES);
  Expect(Rule::kForkShares);
}

TEST_F(ForkChildRulesTest, I17Umask) {
  Fork();
  g().Ptr<proto::FsRecord>(Task(child_)->fs)->mask = 077;
  Expect(Rule::kForkInherits);
}

TEST_F(ForkChildRulesTest, I17Descriptors) {
  Fork();
  Files(child_)->first.slots[0] |= proto::kFdCloseOnExec;
  Expect(Rule::kForkInherits);
}

TEST_F(ForkChildRulesTest, I17PidfdIsTheParents) {
  Fork(CLONE_PIDFD);
  g().OpenFile(sample_.parent, 3, g().AddFile());
  EXPECT_EQ(Step(), "");
  g().OpenFile(sample_.parent, 4, g().AddFile());
  Event(EventKind::kForkBegin, 2, CLONE_PIDFD, sample_.mm, 0, SIGCHLD);
  Event(EventKind::kForkEnd, 2, 9);
  Expect(Rule::kForkInherits);
}

TEST_F(ForkChildRulesTest, I17Limits) {
  Fork();
  Group(child_)->rlimits[7].soft = 3;
  Expect(Rule::kForkInherits);
}

TEST_F(ForkChildRulesTest, I17HandlersAreCopied) {
  Handlers(sample_.parent)->action[9].handler = 0x401000;
  Fork();
  Expect(Rule::kForkInherits);
}

TEST_F(ForkChildRulesTest, I17HandlersAreCleared) {
  Handlers(sample_.parent)->action[9].handler = 0x401000;
  Handlers(sample_.parent)->action[10].handler = 1;
  Fork(CLONE_CLEAR_SIGHAND);
  Handlers(child_)->action[10].handler = 1;
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkChildRulesTest, I17SignalMask) {
  Task(sample_.parent)->blocked = 2;
  Fork();
  Expect(Rule::kForkInherits);
}

TEST_F(ForkChildRulesTest, I17PendingSignal) {
  Fork();
  g().QueueSignal(child_, 34);
  Expect(Rule::kForkFresh);
}

TEST_F(ForkChildRulesTest, I17SignalThatCameLater) {
  Fork();
  Event(EventKind::kSignal, 0, 34, 9);
  g().QueueSignal(child_, 34);
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkChildRulesTest, I17Timer) {
  Fork();
  g().ArmTimer(Group(child_)->real_timer_at, 1000);
  Expect(Rule::kForkFresh);
}

TEST_F(ForkChildRulesTest, I17RobustList) {
  Fork();
  Task(child_)->robust_list = kHeapAt;
  Expect(Rule::kForkFresh);
}

TEST_F(ForkChildRulesTest, I17VforkParentSleeps) {
  Vfork();
  EXPECT_EQ(Step(), "");
  EXPECT_EQ(Step(), "");
  Run(sample_.parent);
  Expect(Rule::kVforkWaits);
}

TEST_F(ForkChildRulesTest, I17VforkParentGoesOn) {
  Vfork();
  EXPECT_EQ(Step(), "");
  Event(EventKind::kExit, 9, 0, 0, 9, 2);
  Event(EventKind::kReap, 9);
  --g().Ptr<proto::MmRecord>(sample_.mm)->users;
  Task(child_)->mm = 0;
  g().RemoveTask(child_);
  Run(sample_.parent);
  EXPECT_EQ(Step(), "");
}

}  // namespace
}  // namespace fv::oracle
