// SPDX-License-Identifier: Apache-2.0
//
// Each rule about process ids has a test that breaks it in a valid synthetic guest and expects the
// full checker to name it, with the right place.
#include "src/oracle/pid_rules.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "src/oracle/testing/full_check.h"

namespace fv::oracle {
namespace {

using testing::GuestPtr;

class PidRulesTest : public testing::FullCheckTest {
 protected:
  proto::PidRecord* IdOf(GuestPtr task) { return g().Ptr<proto::PidRecord>(Task(task)->id); }
  proto::PidNamespaceRecord* Space() { return g().Ptr<proto::PidNamespaceRecord>(sample_.space); }
};

TEST_F(PidRulesTest, HealthyGuest) { EXPECT_EQ(Names(Check()), ""); }

TEST_F(PidRulesTest, IdOfNobody) {
  const GuestPtr id = Task(sample_.child)->id;
  Task(sample_.child)->id = Task(sample_.parent)->id;
  EXPECT_EQ(Expect(Rule::kTaskId).address, id);
}

TEST_F(PidRulesTest, IdWithoutItsTask) {
  IdOf(sample_.child)->task = 0;
  EXPECT_EQ(Expect(Rule::kTaskId).pid, 3u);
}

TEST_F(PidRulesTest, IdOfAnotherNumber) {
  Task(sample_.child)->id = Task(sample_.inner)->id;
  IdOf(sample_.child)->task = sample_.child;
  Expect(Rule::kTaskId);
}

TEST_F(PidRulesTest, IdOffTheList) {
  g().ListRemove(Task(sample_.child)->id + offsetof(proto::PidRecord, pids));
  EXPECT_EQ(Expect(Rule::kTaskId).pid, 3u);
  Expect(Rule::kIdHash);       // holds numbers of no listed id
  Expect(Rule::kSlabObjects);  // and the id is lost
}

TEST_F(PidRulesTest, ThreadInAnotherSession) {
  ++Task(sample_.thread)->sid;
  EXPECT_EQ(Expect(Rule::kTaskId).pid, 4u);
}

TEST_F(PidRulesTest, NumberNotHashed) {
  g().ListRemove(Task(sample_.child)->id + offsetof(proto::PidRecord, root));
  EXPECT_EQ(Expect(Rule::kIdHash).address, Task(sample_.child)->id);
}

TEST_F(PidRulesTest, InnerNumberNotHashed) {
  g().ListRemove(IdOf(sample_.inner)->deeper);
  EXPECT_EQ(Expect(Rule::kIdHash).address, Task(sample_.inner)->id);
}

TEST_F(PidRulesTest, WrongBucket) {
  ++g().Ptr<proto::PidNumberRecord>(IdOf(sample_.inner)->deeper)->number;
  EXPECT_EQ(Expect(Rule::kIdHash).address, Task(sample_.inner)->id);
}

TEST_F(PidRulesTest, NumberOfTwoIds) {
  IdOf(sample_.child)->root.number = 2;
  Expect(Rule::kIdHash);
}

TEST_F(PidRulesTest, NumberOfAnotherId) {
  IdOf(sample_.child)->root.pid = Task(sample_.parent)->id;
  EXPECT_EQ(Expect(Rule::kIdHash).address, Task(sample_.child)->id);
}

TEST_F(PidRulesTest, NumberOutsideItsNamespace) {
  g().Ptr<proto::PidNumberRecord>(IdOf(sample_.inner)->deeper)->space = g().initial_space();
  Expect(Rule::kPidSpace);
}

TEST_F(PidRulesTest, NotInItsGroup) {
  g().ListRemove(sample_.child + offsetof(proto::TaskRecord, group_link));
  EXPECT_EQ(Expect(Rule::kIdChains).pid, 3u);
}

TEST_F(PidRulesTest, NamesAnotherGroup) {
  Task(sample_.child)->pgid = 3;
  EXPECT_EQ(Expect(Rule::kIdChains).pid, 3u);
}

TEST_F(PidRulesTest, NamesAnotherSession) {
  Task(sample_.inner)->sid = 1;
  EXPECT_EQ(Expect(Rule::kIdChains).pid, 5u);
}

TEST_F(PidRulesTest, BrokenChain) {
  Task(sample_.child)->session_link.prev = 0;
  Expect(Rule::kIdChains);
}

TEST_F(PidRulesTest, GroupLivesOnWithoutItsLeader) {
  g().AddTask(6, sample_.inner, 0, g().initial_space());
  g().RemoveTask(sample_.inner);
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(PidRulesTest, IdLeftWithoutUser) {
  const GuestPtr id = Task(sample_.inner)->id;
  g().AddTask(6, sample_.inner, 0);
  g().RemoveTask(sample_.inner);
  for (const uint64_t head :
       {offsetof(proto::PidRecord, group), offsetof(proto::PidRecord, session)}) {
    *g().Ptr<proto::Link>(id + head) = {id + head, id + head};
  }
  EXPECT_EQ(Expect(Rule::kIdUnused).address, id);
}

TEST_F(PidRulesTest, IdWithoutReference) {
  IdOf(sample_.child)->refs = 0;
  EXPECT_EQ(Expect(Rule::kIdUnused).address, Task(sample_.child)->id);
}

TEST_F(PidRulesTest, NamespaceCountsIds) {
  ++Space()->ids;
  EXPECT_EQ(Expect(Rule::kPidSpace).address, sample_.space);
}

TEST_F(PidRulesTest, NamespaceCountsReferences) {
  Space()->refs = 0;
  EXPECT_EQ(Expect(Rule::kPidSpace).address, sample_.space);
}

TEST_F(PidRulesTest, NamespaceWithoutItsInit) {
  Space()->reaper = sample_.child;
  EXPECT_EQ(Expect(Rule::kPidSpace).address, sample_.space);
}

TEST_F(PidRulesTest, NamespaceOfAnotherLevel) {
  Space()->level = 2;
  Expect(Rule::kPidSpace);
}

TEST_F(PidRulesTest, ListOfIds) {
  IdOf(sample_.child)->pids.prev = 0;
  Expect(Rule::kTaskMalformed);
}

TEST_F(PidRulesTest, ListOfNamespaces) {
  Space()->magic = 0;
  Expect(Rule::kTaskMalformed);
}

}  // namespace
}  // namespace fv::oracle
