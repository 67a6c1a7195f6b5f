// SPDX-License-Identifier: Apache-2.0
//
// I9 and I12: tasks, their links and their stacks, each broken once.
#include "src/oracle/task_rules.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "src/oracle/testing/full_check.h"

namespace fv::oracle {
namespace {

using TaskRulesTest = testing::FullCheckTest;

TEST_F(TaskRulesTest, I9Lists) {
  Task(sample_.child)->tasks.prev = 0;
  Expect(Rule::kTaskMalformed);
}

TEST_F(TaskRulesTest, I9DuplicatePid) {
  Task(sample_.child)->pid = 2;
  Expect(Rule::kDuplicatePid);
  Expect(Rule::kPidHash);
}

TEST_F(TaskRulesTest, I9NotHashed) {
  g().ListRemove(sample_.child + offsetof(proto::TaskRecord, pid_hash));
  EXPECT_EQ(Expect(Rule::kPidHash).pid, 3u);
}

TEST_F(TaskRulesTest, I9ThreadNotInRing) {
  g().ListRemove(sample_.thread + offsetof(proto::TaskRecord, group));
  Expect(Rule::kThreadGroup);
}

TEST_F(TaskRulesTest, I9WrongLeader) {
  Task(sample_.thread)->leader = sample_.child;
  EXPECT_EQ(Expect(Rule::kThreadGroup).pid, 4u);
}

TEST_F(TaskRulesTest, I9ChildNotListed) {
  g().ListRemove(sample_.child + offsetof(proto::TaskRecord, sibling));
  EXPECT_EQ(Expect(Rule::kChildren).pid, 3u);
}

TEST_F(TaskRulesTest, I9WrongParent) {
  Task(sample_.child)->parent = g().init_task();
  EXPECT_EQ(Expect(Rule::kChildren).pid, 3u);
}

TEST_F(TaskRulesTest, I9Count) {
  ++g().header().task_count;
  Expect(Rule::kTaskCount);
}

TEST_F(TaskRulesTest, I9MmUsers) {
  ++Mm()->users;
  EXPECT_EQ(Expect(Rule::kTaskMm).mm, sample_.mm);
}

TEST_F(TaskRulesTest, I9Cpu) {
  g().Ptr<proto::CpuRecord>(g().header().cpus)->loaded_root = 0x5000;
  Expect(Rule::kCpuCurrent);
}

TEST_F(TaskRulesTest, I12Canary) {
  *g().Ptr<uint64_t>(Task(sample_.child)->stack) = 0;
  EXPECT_EQ(Expect(Rule::kCanary).pid, 3u);
}

}  // namespace
}  // namespace fv::oracle
