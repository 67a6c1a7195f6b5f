// SPDX-License-Identifier: Apache-2.0
//
// The guest as a debugger looks at it: tasks, whose address space an address belongs to, and where
// in physical memory its byte lies. Reads only, and believes nothing: every address is checked,
// every walk bounded, and what makes no sense is as if it were not there.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "proto/records.h"
#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "vmm/machine_interface.h"

namespace fv::gdb {

class GuestView {
 public:
  explicit GuestView(const vmm::MachineInterface& machine);

  // Reads the list of tasks anew. While the guest stands still.
  void Refresh();
  const std::vector<inspect::Task>& tasks() const { return tasks_; }
  // The task on the CPU; nullptr: none, or the idle task.
  const inspect::Task* current() const { return Find(current_pid_); }
  // nullptr: no such task. Pids are those of the initial namespace, from 1 on.
  const inspect::Task* Find(uint64_t pid) const;

  // A byte in guest-physical memory, and whether the task may write it itself.
  struct Place {
    uint64_t gpa;
    bool writable;
  };
  // By the page tables of the task's address space, below the kernel's window; in the window by the
  // direct map. `task` may be null: the window only.
  std::optional<Place> Locate(const inspect::Task* task, uint64_t address) const;
  // The same by the address space alone.
  std::optional<Place> LocateIn(proto::GuestPtr mm, uint64_t address) const;
  // Where the page of a file that is mapped at `address` lies, whether or not a table points to it.
  std::optional<uint64_t> LocateInFile(proto::GuestPtr mm, uint64_t address) const;
  // The object that the lowest mapping of a file shows: the executable. 0: none.
  proto::GuestPtr ExecutableOf(proto::GuestPtr mm) const;
  // Of the frame that holds a guest-physical address; all zero if it cannot be read.
  proto::FrameRecord FrameOf(uint64_t gpa) const;

  const inspect::MemoryReader& memory() const { return memory_; }

 private:
  std::vector<inspect::Vma> VmasOf(proto::GuestPtr mm) const;

  inspect::MemoryReader memory_;
  uint64_t channel_gpa_;
  uint64_t channel_bytes_;
  proto::GuestPtr frame_table_ = 0;
  std::vector<inspect::Task> tasks_;
  uint64_t current_pid_ = 0;
};

}  // namespace fv::gdb
