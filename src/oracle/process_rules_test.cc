// SPDX-License-Identifier: Apache-2.0
//
// Each rule of I15 and I16 has a test that breaks it in a valid synthetic guest and expects the
// full checker to name it, with the right place.
#include "src/oracle/process_rules.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "proto/process_records.h"
#include "src/inspect/process_tables.h"
#include "src/oracle/testing/full_check.h"

namespace fv::oracle {
namespace {

using testing::GuestPtr;

class ProcessRulesTest : public testing::FullCheckTest {
 protected:
  ProcessRulesTest() {
    file_ = g().AddFile();
    g().OpenFile(sample_.parent, 0, file_);
    g().OpenFile(sample_.parent, 1, file_);
    entry_ = g().QueueSignal(sample_.child, 34);
  }

  proto::SignalRecord* Group(GuestPtr task) {
    return g().Ptr<proto::SignalRecord>(Task(task)->signal);
  }
  proto::FdTableRecord* Files(GuestPtr task) {
    return g().Ptr<proto::FdTableRecord>(Task(task)->files);
  }
  proto::FileRecord* File() { return g().Ptr<proto::FileRecord>(inspect::FileRecordOf(file_)); }
  proto::CredentialsRecord* Credentials() {
    return g().Ptr<proto::CredentialsRecord>(Task(sample_.parent)->credentials);
  }
  proto::UserRecord* User() { return g().Ptr<proto::UserRecord>(Credentials()->user); }
  void Run(GuestPtr task) {
    auto* cpu = g().Ptr<proto::CpuRecord>(g().header().cpus);
    cpu->current = task;
    cpu->loaded_root = g().Peek<proto::MmRecord>(g().Peek<proto::TaskRecord>(task).mm).root_gpa;
  }
  // An entry in the queue `head` that belongs to `task`.
  template <typename Waiter>
  GuestPtr AddWaiter(GuestPtr head, GuestPtr task) {
    const GuestPtr at = g().Peek<proto::TaskRecord>(sample_.thread).stack + 1024;
    *g().Ptr<Waiter>(at) = {};
    g().Ptr<Waiter>(at)->task = task;
    g().ListAdd(head, at);
    return at;
  }

  GuestPtr file_ = 0;
  GuestPtr entry_ = 0;
};

TEST_F(ProcessRulesTest, HealthyGuest) { EXPECT_EQ(Names(Check()), ""); }

// ---- I15
// -----------------------------------------------------------------------------------------

TEST_F(ProcessRulesTest, HandlersCountTasks) {
  ++g().Ptr<proto::SighandRecord>(Task(sample_.parent)->sighand)->refs;
  EXPECT_EQ(Expect(Rule::kShareCount).address, Task(sample_.parent)->sighand);
}

TEST_F(ProcessRulesTest, SignalStructureCountsTasks) {
  --Group(sample_.parent)->refs;
  EXPECT_EQ(Expect(Rule::kShareCount).address, Task(sample_.parent)->signal);
}

TEST_F(ProcessRulesTest, DescriptorTableCountsTasks) {
  ++Files(sample_.child)->users;
  EXPECT_EQ(Expect(Rule::kShareCount).address, Task(sample_.child)->files);
}

TEST_F(ProcessRulesTest, DirectoryCountsTasks) {
  ++g().Ptr<proto::FsRecord>(Task(sample_.child)->fs)->users;
  EXPECT_EQ(Expect(Rule::kShareCount).address, Task(sample_.child)->fs);
}

TEST_F(ProcessRulesTest, CredentialsCountTasks) {
  ++Credentials()->refs;
  EXPECT_EQ(Expect(Rule::kShareCount).address, Task(sample_.parent)->credentials);
}

TEST_F(ProcessRulesTest, TableThatNobodyHas) {
  const GuestPtr table = Task(sample_.child)->files;
  Task(sample_.child)->files = 0;
  EXPECT_EQ(Expect(Rule::kShareCount).address, table);
}

TEST_F(ProcessRulesTest, TableOffItsList) {
  const GuestPtr table = Task(sample_.child)->files;
  g().ListRemove(table + offsetof(proto::FdTableRecord, fd_tables));
  EXPECT_EQ(Expect(Rule::kShareCount).address, table);
}

TEST_F(ProcessRulesTest, ThreadThatExits) {
  Task(sample_.thread)->flags |= proto::kTaskExiting;
  EXPECT_EQ(Expect(Rule::kLiveThreads).address, Task(sample_.parent)->signal);
}

TEST_F(ProcessRulesTest, ZombieWithFiles) {
  Task(sample_.child)->state = proto::TaskState::kZombie;
  EXPECT_EQ(Expect(Rule::kZombieHolds).pid, 3u);
}

TEST_F(ProcessRulesTest, DescriptorsAreCounted) {
  ++Files(sample_.parent)->open;
  EXPECT_EQ(Expect(Rule::kDescriptors).address, Task(sample_.parent)->files);
}

TEST_F(ProcessRulesTest, LowestFreeDescriptor) {
  Files(sample_.parent)->lowest_free = 3;
  EXPECT_EQ(Expect(Rule::kDescriptors).address, Task(sample_.parent)->files);
}

TEST_F(ProcessRulesTest, DescriptorOfNoFile) {
  Files(sample_.parent)->first.slots[1] += 64;
  EXPECT_EQ(Expect(Rule::kDescriptors).address, Task(sample_.parent)->files);
}

TEST_F(ProcessRulesTest, FileCountsDescriptors) {
  --File()->holders;
  EXPECT_EQ(Expect(Rule::kFileHolders).address, inspect::FileRecordOf(file_));
}

TEST_F(ProcessRulesTest, FileIsHeldByMore) {
  ++File()->holders;  // a call in progress
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(ProcessRulesTest, QueuedSignalIsPending) {
  g().Ptr<proto::PendingRecord>(Task(sample_.child)->pending_at)->set = 0;
  EXPECT_EQ(Expect(Rule::kPendingQueue).address, sample_.child);
}

TEST_F(ProcessRulesTest, UserCountsProcesses) {
  ++User()->processes;
  EXPECT_EQ(Expect(Rule::kUserCount).address, Credentials()->user);
}

TEST_F(ProcessRulesTest, UserCountsSignals) {
  --User()->signals;
  EXPECT_EQ(Expect(Rule::kUserCount).address, Credentials()->user);
}

TEST_F(ProcessRulesTest, UserCountsReferences) {
  ++User()->refs;
  EXPECT_EQ(Expect(Rule::kUserCount).address, Credentials()->user);
}

TEST_F(ProcessRulesTest, CredentialsOfNothing) {
  Credentials()->magic = 0;
  EXPECT_EQ(Expect(Rule::kProcessMalformed).address, Task(sample_.parent)->credentials);
}

TEST_F(ProcessRulesTest, ListOfFiles) {
  File()->open_files.prev = 0;
  Expect(Rule::kProcessMalformed);
}

// ---- I16
// -----------------------------------------------------------------------------------------

TEST_F(ProcessRulesTest, SleepersWait) {
  AddWaiter<proto::WaiterRecord>(Group(sample_.parent)->child_exit_at, sample_.thread);
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(ProcessRulesTest, RunningTaskInAQueue) {
  const GuestPtr at =
      AddWaiter<proto::WaiterRecord>(Group(sample_.parent)->child_exit_at, sample_.thread);
  Run(sample_.thread);
  const Finding finding = Expect(Rule::kQueueEntry);
  EXPECT_EQ(finding.address, at);
  EXPECT_EQ(finding.pid, 4u);
}

TEST_F(ProcessRulesTest, DeadTaskInAFutexQueue) {
  const GuestPtr at =
      AddWaiter<proto::FutexWaiterRecord>(g().header().futex_buckets, sample_.thread);
  EXPECT_EQ(Names(Check()), "");
  Task(sample_.thread)->state = proto::TaskState::kZombie;
  EXPECT_EQ(Expect(Rule::kFutexEntry).address, at);
}

TEST_F(ProcessRulesTest, FutexEntryOfNobody) {
  AddWaiter<proto::FutexWaiterRecord>(g().header().futex_buckets, file_);
  Expect(Rule::kFutexEntry);
}

TEST_F(ProcessRulesTest, TimersInOrder) {
  g().ArmTimer(Group(sample_.parent)->real_timer_at, 300);
  g().ArmTimer(Group(sample_.child)->real_timer_at, 200);
  g().ArmTimer(Task(sample_.thread)->sleep_timer_at, 100);
  EXPECT_EQ(Names(Check()), "");
  const GuestPtr late = Group(sample_.child)->real_timer_at;
  g().Ptr<proto::TimerRecord>(late)->deadline_ns = 50;
  EXPECT_EQ(Expect(Rule::kTimerHeap).address, late);
}

TEST_F(ProcessRulesTest, TimerNotMarked) {
  const GuestPtr timer = Group(sample_.parent)->real_timer_at;
  g().ArmTimer(timer, 300);
  g().Ptr<proto::TimerRecord>(timer)->armed = 0;
  EXPECT_EQ(Expect(Rule::kTimerHeap).address, timer);
}

TEST_F(ProcessRulesTest, DeadlineNotTold) {
  g().ArmTimer(Group(sample_.parent)->real_timer_at, 300);
  g().header().timer_deadline_tsc = 0;
  Expect(Rule::kTimerHeap);
}

TEST_F(ProcessRulesTest, TimerOfADeadGroup) {
  const GuestPtr timer = Group(sample_.child)->real_timer_at;
  g().ArmTimer(timer, 300);
  Group(sample_.child)->live = 0;
  EXPECT_EQ(Expect(Rule::kTimerOwner).address, timer);
}

TEST_F(ProcessRulesTest, SleepOfTheRunningTask) {
  const GuestPtr timer = Task(sample_.thread)->sleep_timer_at;
  g().ArmTimer(timer, 300);
  Run(sample_.thread);
  EXPECT_EQ(Expect(Rule::kTimerOwner).address, timer);
}

TEST_F(ProcessRulesTest, TimerOfNobody) {
  const GuestPtr timer = g().Peek<proto::TaskRecord>(sample_.thread).stack + 1024;
  g().ArmTimer(timer, 300);
  EXPECT_EQ(Expect(Rule::kTimerOwner).address, timer);
}

TEST_F(ProcessRulesTest, TimerOfAFile) {
  const GuestPtr timer = g().Peek<proto::TaskRecord>(sample_.thread).stack + 1024;
  File()->timer_at = timer;
  g().ArmTimer(timer, 300);
  EXPECT_EQ(Names(Check()), "");
}

TEST_F(ProcessRulesTest, HeapThatLeadsNowhere) {
  *g().Ptr<GuestPtr>(g().header().timers) = 8;
  Expect(Rule::kQueueMalformed);
}

TEST_F(ProcessRulesTest, BucketThatLeadsNowhere) {
  g().Ptr<proto::Link>(g().header().futex_buckets)->next = 8;
  Expect(Rule::kQueueMalformed);
}

}  // namespace
}  // namespace fv::oracle
