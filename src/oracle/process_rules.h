// SPDX-License-Identifier: Apache-2.0
//
// I15 and I16: what tasks share is counted by those who share it, and queues and timers hold only
// who waits. Works on copies; cost is linear in what was read, times the logarithm of it.
#pragma once

#include <span>

#include "proto/channel.h"
#include "src/inspect/process_tables.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/finding.h"

namespace fv::oracle {

struct ProcessView {
  const proto::ChannelHeader& header;
  std::span<const inspect::Task> tasks;
  std::span<const proto::CpuRecord> cpus;
  std::span<const inspect::SlabCache> slabs;
  const inspect::ProcessTables& tables;
};

// I15.
void CheckShares(const ProcessView& view, Findings& findings);
// I16. Depends on what the CPUs run.
void CheckWaiting(const ProcessView& view, Findings& findings);

}  // namespace fv::oracle
