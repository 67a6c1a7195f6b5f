// SPDX-License-Identifier: Apache-2.0
//
// The reference: checks one snapshot completely, from nothing. Knows no history, so I6, I7 and the
// fork model are not here but in transition.h. Keeps its scratch arrays between calls.
#pragma once

#include <vector>

#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/account_rules.h"
#include "src/oracle/finding.h"
#include "src/oracle/page_rules.h"

namespace fv::oracle {

class FullChecker {
 public:
  explicit FullChecker(const inspect::MemoryReader& memory) : memory_(memory) {}

  // All state invariants. Time is linear in what is mapped plus the frames in use.
  void Check(const inspect::Snapshot& snapshot, Findings& findings);

  // Of the last check.
  uint64_t walked_ptes() const { return walked_ptes_; }
  Baseline baseline() const { return baseline_; }

 private:
  void CountObjects(const inspect::Snapshot& snapshot);
  void WalkMm(const inspect::Snapshot& snapshot, const inspect::Mm& mm, Findings& findings);
  void WalkLeaf(const inspect::Snapshot& snapshot, const inspect::Mm& mm,
                const inspect::LeafTable& leaf, MmPages& pages, Findings& findings);
  void CheckTables(const inspect::Snapshot& snapshot, Findings& findings);
  void CheckFrames(const inspect::Snapshot& snapshot, Findings& findings);
  void CheckTotals(const inspect::Snapshot& snapshot, uint64_t lineages, Findings& findings);
  void Locate(const inspect::Snapshot& snapshot, Findings& findings) const;

  inspect::MemoryReader memory_;
  std::vector<FrameSums> sums_;      // by frame
  std::vector<uint8_t> table_seen_;  // by snapshot table: kCounted, kCountedWritable
  std::vector<uint8_t> is_table_;    // by frame
  uint64_t walked_ptes_ = 0;
  Baseline baseline_;
};

// Adds what the readers found malformed, each under its invariant.
void AddMalformed(const std::vector<inspect::Malformed>& malformed, Findings& findings);

}  // namespace fv::oracle
