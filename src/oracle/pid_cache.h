// SPDX-License-Identifier: Apache-2.0
//
// Process ids and pid namespaces as last read. They change with tasks, groups and sessions: then
// all are read and checked again. A step in which none was written costs a look at the dirty bits.
#pragma once

#include <cstdint>
#include <span>

#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/finding.h"

namespace fv::oracle {

enum class TasksChanged { kNo, kYes };  // in anything that I9 looks at

class PidCache {
 public:
  explicit PidCache(const inspect::MemoryReader& memory) : memory_(memory) {}

  // `tasks` are those of this moment.
  void Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty,
               std::span<const inspect::Task> tasks, TasksChanged changed, Findings& findings);

  const inspect::PidTables& tables() const { return tables_; }

 private:
  // Where the kernel's lists begin; not their content, as other data of the kernel lies around it.
  struct Roots {
    proto::GuestPtr numbers;
    uint64_t buckets;
    proto::Link pids;
    proto::Link spaces;
  };
  Roots ReadRoots(const proto::ChannelHeader& header) const;
  bool Touched(const DirtyBits& dirty) const;

  inspect::MemoryReader memory_;
  inspect::PidTables tables_;
  Roots roots_{};
  bool broken_ = true;
};

}  // namespace fv::oracle
