// SPDX-License-Identifier: Apache-2.0
//
// What tasks own and share as last read. Read again when a frame of it was written, a root moved or
// a task changed what it names; queues and timers are judged at each step, since a task that slept
// in them may have been switched to.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/finding.h"
#include "src/oracle/pid_cache.h"

namespace fv::oracle {

class ProcessCache {
 public:
  explicit ProcessCache(const inspect::MemoryReader& memory) : memory_(memory) {}

  struct Input {
    const proto::ChannelHeader& header;
    const DirtyBits& dirty;
    std::span<const inspect::Task> tasks;  // of this moment
    std::span<const proto::CpuRecord> cpus;
    std::span<const inspect::SlabCache> slabs;
    TasksChanged changed;
  };
  void Refresh(const Input& input, Findings& findings);

  const inspect::ProcessTables& tables() const { return tables_; }

 private:
  // First and last members of the kernel's lists: other data of the kernel lies around the heads.
  std::vector<uint64_t> ReadRoots(const proto::ChannelHeader& header) const;
  bool Written(const DirtyBits& dirty) const;

  inspect::MemoryReader memory_;
  inspect::ProcessTables tables_;
  std::vector<uint64_t> roots_;
  bool broken_ = true;
};

}  // namespace fv::oracle
