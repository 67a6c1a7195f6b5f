// SPDX-License-Identifier: Apache-2.0
//
// The tasks as last read. I9 is checked again in full when a link, a pid or a membership changed;
// counters and sleeping states change all the time and mean nothing to it.
#pragma once

#include <span>
#include <vector>

#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/finding.h"
#include "src/oracle/mm_cache.h"
#include "src/oracle/pid_cache.h"

namespace fv::oracle {

class TaskCache {
 public:
  explicit TaskCache(const inspect::MemoryReader& memory) : memory_(memory), ids_(memory) {}

  // Reads again what lies in written frames; checks I9 and I12 as far as that changed.
  void Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty, const MmCache& mms,
               Findings& findings);

  const std::vector<inspect::Task>& tasks() const { return tasks_; }
  const inspect::Task* FindPid(uint32_t pid) const;
  // Tasks in the slab cache: those of the list and idle tasks that are not on it.
  uint64_t allocated() const;
  const inspect::PidTables& ids() const { return ids_.tables(); }
  const std::vector<proto::CpuRecord>& cpus() const { return cpus_; }
  // Whether the last Refresh found a task that came, went or names something else.
  TasksChanged changed() const { return changed_; }

 private:
  bool RefreshKnown(const DirtyBits& dirty, Findings& findings);
  bool HashTouched(const proto::ChannelHeader& header, const DirtyBits& dirty) const;

  inspect::MemoryReader memory_;
  std::vector<inspect::Task> tasks_;
  std::vector<inspect::HashedTask> hash_;
  std::vector<proto::CpuRecord> cpus_;
  PidCache ids_;
  proto::Link head_{1, 1};
  uint64_t task_count_ = 0;
  bool broken_ = true;
  TasksChanged changed_ = TasksChanged::kYes;
};

}  // namespace fv::oracle
