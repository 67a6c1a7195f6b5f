// SPDX-License-Identifier: Apache-2.0
#include "src/oracle/testing/lifecycle_guest.h"

#include <linux/sched.h>

#include <cerrno>
#include <csignal>
#include <cstddef>

namespace fv::oracle::testing {

using proto::EventKind;
using proto::kPageBytes;
using proto::TaskRecord;

LifecycleTest::LifecycleTest() {
  g().OpenFile(sample_.parent, 0, g().AddFile());
  EXPECT_EQ(Step(), "");
}

void LifecycleTest::Run(GuestPtr task) {
  Cpu()->current = task;
  Cpu()->loaded_root = g().Peek<proto::MmRecord>(Task(task)->mm).root_gpa;
}

void LifecycleTest::Fork(uint64_t flags, uint64_t child_tid) {
  child_ = g().Fork(sample_.parent, 9);
  Task(child_)->exit_signal = SIGCHLD;
  Event(EventKind::kForkBegin, 2, flags, sample_.mm, 0, SIGCHLD, child_tid);
  Event(EventKind::kForkEnd, 2, 9);
}

void LifecycleTest::Vfork() {
  const GuestPtr mm = sample_.mm;
  child_ = g().AddTask(9, sample_.parent, mm);
  ++g().Ptr<proto::MmRecord>(mm)->users;
  Task(child_)->vfork_done = Task(sample_.parent)->stack + 2048;
  Event(EventKind::kForkBegin, 2, CLONE_VM | CLONE_VFORK, mm);
  Event(EventKind::kForkEnd, 2, 9);
  Run(child_);
}

void LifecycleTest::FailFork() {
  Event(EventKind::kForkBegin, 2, 0, sample_.mm);
  Event(EventKind::kForkEnd, 2, 0, 0, 0, 0, ENOMEM);
  ++Cpu()->syscalls;
}

void LifecycleTest::ThreadDies() {
  Event(EventKind::kExit, 4, 0, 0, 2, 1);
  g().RemoveTask(sample_.thread);
}

void LifecycleTest::ChildDies() {
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

uint32_t* LifecycleTest::Word(uint64_t address) {
  const proto::Pte entry = g().PeekPte(sample_.mm, address & ~(kPageBytes - 1));
  return g().At<uint32_t>((entry & proto::kPteFrameMask) + address % kPageBytes);
}

uint64_t LifecycleTest::OwnPage() {
  const uint64_t at = kHeapAt + (kPrivatePages + 2) * kPageBytes;
  g().Touch(sample_.mm, sample_.heap, at, Access::kWrite);
  return at;
}

}  // namespace fv::oracle::testing
