// SPDX-License-Identifier: Apache-2.0
//
// I9 and I12: the task list against everything else that names tasks. Works on copies; cost is
// n log n in the number of tasks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "proto/channel.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/finding.h"

namespace fv::oracle {

// An address space as the task rules need it.
struct MmUse {
  proto::GuestPtr address;
  uint32_t users;
  uint64_t root_gpa;
};

struct TaskView {
  const proto::ChannelHeader& header;
  std::span<const inspect::Task> tasks;
  std::span<const inspect::HashedTask> pid_hash;
  std::span<const MmUse> mms;
  std::span<const proto::CpuRecord> cpus;
};

// I9.
void CheckTasks(const TaskView& view, Findings& findings);
// The part of I9 that a context switch changes: what each CPU runs.
void CheckCpus(const TaskView& view, Findings& findings);
// I12 for one task.
void CheckStack(const inspect::Task& task, Findings& findings);

// Fills in pid and name of findings that name an address space only.
void NameTasks(std::span<const inspect::Task> tasks, std::vector<Finding>& findings);

}  // namespace fv::oracle
