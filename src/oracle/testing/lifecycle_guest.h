// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests about the life of tasks (I17 to I20): what the sample guest's tasks share,
// and a fork, a vfork, a fork that fails and two deaths as a kernel does and tells them.
#pragma once

#include "proto/process_records.h"
#include "src/oracle/testing/checked_guest.h"

namespace fv::oracle::testing {

class LifecycleTest : public CheckedGuestTest {
 protected:
  // pid 2 has a file open as 0.
  LifecycleTest();

  proto::TaskRecord* Task(GuestPtr task) { return g().Ptr<proto::TaskRecord>(task); }
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
  void Run(GuestPtr task);

  // pid 2 forks pid 9, with SIGCHLD.
  void Fork(uint64_t flags = 0, uint64_t child_tid = 0);
  // pid 2 begins to fork pid 9, which shares the memory and waits for it.
  void Vfork();
  void FailFork();
  // A thread of pid 2 dies: tid 4.
  void ThreadDies();
  // pid 3 becomes a zombie; its parent is pid 2.
  void ChildDies();
  // A word of pid 2's heap.
  uint32_t* Word(uint64_t address);
  // A page of pid 2's own, which may be written without breaking another rule.
  uint64_t OwnPage();

  GuestPtr child_ = 0;   // that Fork() or Vfork() made
  GuestPtr zombie_ = 0;  // that ChildDies() made
};

}  // namespace fv::oracle::testing
