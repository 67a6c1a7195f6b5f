// SPDX-License-Identifier: Apache-2.0
//
// I17 to I20 on a synthetic guest: what is right is not accused, and each rule is broken once.
#include "src/oracle/lifecycle.h"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <linux/sched.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string>
#include <vector>

#include "src/oracle/checker.h"
#include "src/oracle/testing/sample_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using proto::kPageBytes;
using proto::SafepointKind;
using proto::TaskRecord;
using testing::GuestBuilder;
using testing::GuestPtr;
using testing::kHeapAt;

class LifecycleTest : public ::testing::Test {
 protected:
  LifecycleTest() : checker_(g().memory(), g().channel(), {}) {
    g().OpenFile(sample_.parent, 0, g().AddFile());
    EXPECT_EQ(Step(), "");
  }

  GuestBuilder& g() { return sample_.guest; }
  TaskRecord* Task(GuestPtr task) { return g().Ptr<TaskRecord>(task); }
  proto::SignalRecord* Group(GuestPtr task) {
    return g().Ptr<proto::SignalRecord>(Task(task)->signal);
  }
  proto::SighandRecord* Handlers(GuestPtr task) {
    return g().Ptr<proto::SighandRecord>(Task(task)->sighand);
  }
  proto::FdTableRecord* Files(GuestPtr task) {
    return g().Ptr<proto::FdTableRecord>(Task(task)->files);
  }
  proto::CpuRecord* Cpu() { return g().Ptr<proto::CpuRecord>(g().header().cpus); }
  void Run(GuestPtr task) {
    Cpu()->current = task;
    Cpu()->loaded_root = g().Peek<proto::MmRecord>(Task(task)->mm).root_gpa;
  }

  std::string Step() {
    std::string text;
    EXPECT_TRUE(checker_.WantsSafepoint(SafepointKind::kSyscall));
    Follow();
    last_ = checker_.OnSafepoint(SafepointKind::kSyscall, g().dirty());
    for (const Finding& finding : last_) {
      text += checker_.Text(finding);
    }
    g().ClearDirty();
    return text;
  }
  // What the guest's kernel has said comes before what the test says next.
  void Follow() {
    for (const proto::EventRecord& event : g().TakeEvents()) {
      checker_.OnEvent(event);
    }
  }
  // The next step finds `rule`.
  void Expect(Rule rule) {
    const std::string text = Step();
    for (const Finding& finding : last_) {
      if (finding.rule == rule) {
        return;
      }
    }
    ADD_FAILURE() << RuleName(rule) << " was not found, but\n" << text;
  }
  void Event(EventKind kind, uint32_t pid, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0,
             uint64_t d = 0, uint64_t e = 0) {
    Follow();
    checker_.OnEvent({next_event_++, 0, kind, 0, pid, a, b, c, d, e});
  }

  // pid 2 forks pid 9, with SIGCHLD.
  void Fork(uint64_t flags = 0, uint64_t child_tid = 0) {
    child_ = g().Fork(sample_.parent, 9);
    Task(child_)->exit_signal = SIGCHLD;
    Event(EventKind::kForkBegin, 2, flags, sample_.mm, 0, SIGCHLD, child_tid);
    Event(EventKind::kForkEnd, 2, 9);
  }
  // pid 2 begins to fork pid 9, which shares the memory and waits for it.
  void Vfork() {
    const GuestPtr mm = sample_.mm;
    child_ = g().AddTask(9, sample_.parent, mm);
    ++g().Ptr<proto::MmRecord>(mm)->users;
    Task(child_)->vfork_done = Task(sample_.parent)->stack + 2048;
    Event(EventKind::kForkBegin, 2, CLONE_VM | CLONE_VFORK, mm);
    Event(EventKind::kForkEnd, 2, 9);
    Run(child_);
  }
  void FailFork() {
    Event(EventKind::kForkBegin, 2, 0, sample_.mm);
    Event(EventKind::kForkEnd, 2, 0, 0, 0, 0, ENOMEM);
    ++Cpu()->syscalls;
  }
  // A thread of pid 2 dies: tid 4.
  void ThreadDies() {
    Event(EventKind::kExit, 4, 0, 0, 2, 1);
    g().RemoveTask(sample_.thread);
  }
  // pid 3 becomes a zombie; its parent is pid 2.
  void ChildDies() {
    auto* task = Task(sample_.child);
    const TaskRecord before = *task;
    g().RemoveTask(sample_.child);
    zombie_ = g().AddTask(3, sample_.parent, 0);
    task = Task(zombie_);
    task->state = proto::TaskState::kZombie;
    task->flags |= proto::kTaskExiting;
    task->exit_signal = SIGCHLD;
    --Files(zombie_)->users;  // dropped by hand, as exit does
    for (const uint64_t slot : Files(zombie_)->first.slots) {
      if (slot != 0) {
        --g().Ptr<proto::FileRecord>(slot + proto::kFileRecordOffset)->holders;
      }
    }
    g().ListRemove(task->files + offsetof(proto::FdTableRecord, fd_tables));
    g().ListRemove(task->fs + offsetof(proto::FsRecord, fs_contexts));
    task->files = task->fs = 0;
    --Group(zombie_)->live;
    Event(EventKind::kExit, 3, 0, SIGCHLD, 3, before.pid);
  }
  // A word of pid 2's heap.
  uint32_t* Word(uint64_t address) {
    const proto::Pte entry = g().PeekPte(sample_.mm, address & ~(kPageBytes - 1));
    return g().At<uint32_t>((entry & proto::kPteFrameMask) + address % kPageBytes);
  }
  // Pages of pid 2's own, which may be written without breaking another rule.
  uint64_t OwnPage() {
    const uint64_t at = kHeapAt + (testing::kPrivatePages + 2) * kPageBytes;
    g().Touch(sample_.mm, sample_.heap, at, true);
    return at;
  }

  testing::SampleGuest sample_;
  Checker checker_;
  std::vector<Finding> last_;
  uint64_t next_event_ = 0;
  GuestPtr child_ = 0;
  GuestPtr zombie_ = 0;
};

// ---- I17
// -----------------------------------------------------------------------------------------

TEST_F(LifecycleTest, I17GoodFork) {
  Fork();
  EXPECT_EQ(Step(), "");
}

TEST_F(LifecycleTest, I17ExitSignal) {
  Fork();
  Task(child_)->exit_signal = SIGUSR1;
  Expect(Rule::kForkIdentity);
}

TEST_F(LifecycleTest, I17AddressForTheTid) {
  Fork(CLONE_CHILD_CLEARTID, 0x1234);
  Expect(Rule::kForkIdentity);
}

TEST_F(LifecycleTest, I17StillBeingMade) {
  Fork();
  Task(child_)->state = proto::TaskState::kNew;
  Expect(Rule::kForkIdentity);
}

TEST_F(LifecycleTest, I17SharesWhatItShouldCopy) {
  Fork();
  Task(child_)->fs = Task(sample_.parent)->fs;
  Expect(Rule::kForkShares);
}

TEST_F(LifecycleTest, I17CopiesWhatItShouldShare) {
  Fork(CLONE_FILES);
  Expect(Rule::kForkShares);
}

TEST_F(LifecycleTest, I17Umask) {
  Fork();
  g().Ptr<proto::FsRecord>(Task(child_)->fs)->mask = 077;
  Expect(Rule::kForkInherits);
}

TEST_F(LifecycleTest, I17Descriptors) {
  Fork();
  Files(child_)->first.slots[0] |= proto::kFdCloseOnExec;
  Expect(Rule::kForkInherits);
}

TEST_F(LifecycleTest, I17PidfdIsTheParents) {
  Fork(CLONE_PIDFD);
  g().OpenFile(sample_.parent, 3, g().AddFile());
  EXPECT_EQ(Step(), "");
  g().OpenFile(sample_.parent, 4, g().AddFile());
  Event(EventKind::kForkBegin, 2, CLONE_PIDFD, sample_.mm, 0, SIGCHLD);
  Event(EventKind::kForkEnd, 2, 9);
  Expect(Rule::kForkInherits);
}

TEST_F(LifecycleTest, I17Limits) {
  Fork();
  Group(child_)->rlimits[7].soft = 3;
  Expect(Rule::kForkInherits);
}

TEST_F(LifecycleTest, I17HandlersAreCopied) {
  Handlers(sample_.parent)->action[9].handler = 0x401000;
  Fork();
  Expect(Rule::kForkInherits);
}

TEST_F(LifecycleTest, I17HandlersAreCleared) {
  Handlers(sample_.parent)->action[9].handler = 0x401000;
  Handlers(sample_.parent)->action[10].handler = 1;
  Fork(CLONE_CLEAR_SIGHAND);
  Handlers(child_)->action[10].handler = 1;
  EXPECT_EQ(Step(), "");
}

TEST_F(LifecycleTest, I17SignalMask) {
  Task(sample_.parent)->blocked = 2;
  Fork();
  Expect(Rule::kForkInherits);
}

TEST_F(LifecycleTest, I17PendingSignal) {
  Fork();
  g().QueueSignal(child_, 34);
  Expect(Rule::kForkFresh);
}

TEST_F(LifecycleTest, I17SignalThatCameLater) {
  Fork();
  Event(EventKind::kSignal, 0, 34, 9);
  g().QueueSignal(child_, 34);
  EXPECT_EQ(Step(), "");
}

TEST_F(LifecycleTest, I17Timer) {
  Fork();
  g().ArmTimer(Group(child_)->real_timer_at, 1000);
  Expect(Rule::kForkFresh);
}

TEST_F(LifecycleTest, I17RobustList) {
  Fork();
  Task(child_)->robust_list = kHeapAt;
  Expect(Rule::kForkFresh);
}

TEST_F(LifecycleTest, I17VforkParentSleeps) {
  Vfork();
  EXPECT_EQ(Step(), "");
  EXPECT_EQ(Step(), "");
  Run(sample_.parent);
  Expect(Rule::kVforkWaits);
}

TEST_F(LifecycleTest, I17VforkParentGoesOn) {
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

// ---- I18
// -----------------------------------------------------------------------------------------

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

// ---- I19
// -----------------------------------------------------------------------------------------

class ExecTest : public LifecycleTest {
 protected:
  ExecTest() {
    mm_ = g().AddMm();
    g().AddVma(mm_, kHeapAt, 4, proto::kVmRead | proto::kVmWrite);
    g().RemoveMm(sample_.child_mm);
    Task(sample_.child)->mm = mm_;
    Task(sample_.child)->exit_signal = SIGCHLD;
    Event(EventKind::kExec, 3, 0, 0, 3, mm_);
  }

  GuestPtr mm_ = 0;
};

TEST_F(ExecTest, I19GoodExec) { EXPECT_EQ(Step(), ""); }

TEST_F(ExecTest, I19AnotherAddressSpace) {
  Event(EventKind::kExec, 3, 0, 0, 3, sample_.mm);
  Expect(Rule::kExecFresh);
}

TEST_F(ExecTest, I19MappingOfTheOldProgram) {
  const GuestPtr vma = g().Vmas(mm_)[0];
  g().Ptr<proto::VmaRecord>(vma)->lineage = g().Peek<proto::VmaRecord>(sample_.heap).lineage;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecTest, I19RobustList) {
  Task(sample_.child)->robust_list = kHeapAt;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecTest, I19ExitSignal) {
  Task(sample_.child)->exit_signal = SIGUSR1;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecTest, I19Handler) {
  Handlers(sample_.child)->action[3].handler = 0x401000;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecTest, I19IgnoredStays) {
  Handlers(sample_.child)->action[3].handler = 1;
  EXPECT_EQ(Step(), "");
}

TEST_F(ExecTest, I19DescriptorToBeClosed) {
  g().OpenFile(sample_.child, 5, g().AddFile());
  Files(sample_.child)->first.slots[5] |= proto::kFdCloseOnExec;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecTest, I19Timer) {
  const GuestPtr timer = g().AllocateObject("posix_timers_cache");
  const GuestPtr entry = g().QueueSignal(sample_.child, 34);
  g().Ptr<proto::PosixTimerRecord>(timer)->entry = entry;
  g().Ptr<proto::SignalEntryRecord>(entry)->of_timer = 1;
  g().ListAdd(Task(sample_.child)->signal + offsetof(proto::SignalRecord, posix_timers), timer);
  Expect(Rule::kExecFresh);
}

// ---- I20
// -----------------------------------------------------------------------------------------

TEST_F(LifecycleTest, I20TidIsCleared) {
  const uint64_t at = OwnPage();
  Task(sample_.thread)->clear_child_tid = at + 4;
  *Word(at + 4) = 4;
  EXPECT_EQ(Step(), "");
  ThreadDies();
  *Word(at + 4) = 0;
  EXPECT_EQ(Step(), "");
}

TEST_F(LifecycleTest, I20TidStays) {
  const uint64_t at = OwnPage();
  Task(sample_.thread)->clear_child_tid = at + 4;
  *Word(at + 4) = 4;
  EXPECT_EQ(Step(), "");
  ThreadDies();
  Expect(Rule::kExitWord);
}

TEST_F(LifecycleTest, I20RobustFutex) {
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

TEST_F(LifecycleTest, I20RobustFutexNamesTheDead) {
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

TEST_F(LifecycleTest, I20ParentIsTold) {
  ChildDies();
  Event(EventKind::kSignal, 3, SIGCHLD, 2);
  EXPECT_EQ(Step(), "");
}

TEST_F(LifecycleTest, I20ParentIsNotTold) {
  ChildDies();
  Expect(Rule::kExitTold);
}

// A child without an exit signal died, then its parent ran another program.
TEST_F(LifecycleTest, I20ParentExecsLater) {
  ChildDies();
  Task(zombie_)->exit_signal = 0;
  Task(zombie_)->flags |= proto::kTaskParentExeced;
  Event(EventKind::kExec, 2, 0, 0, 2, sample_.mm);
  EXPECT_EQ(Step().find("ExitTold"), std::string::npos);
}

TEST_F(LifecycleTest, I20ZombieThatNobodyWants) {
  Handlers(sample_.parent)->action[SIGCHLD - 1].flags = SA_NOCLDWAIT;
  ChildDies();
  Event(EventKind::kSignal, 3, SIGCHLD, 2);
  Expect(Rule::kExitTold);
}

}  // namespace
}  // namespace fv::oracle
