// SPDX-License-Identifier: Apache-2.0
//
// Page-table trees of address spaces that ended, kept for the next ones. Where page tables are
// shadowed, writing to a frame that was a table is dear: every write to a root traps (zeroing one
// costs 300 us), the first writes to other tables do. A tree that is used again as it is needs next
// to no writes: its upper entries fit any program of the same layout, and fork writes only the
// level-1 entries that differ from what the last child had there.
//
// The level-1 entries of a spare tree are stale: who adopts it overwrites or clears every one
// (StaleEntries) before anything else looks. Frames of spare trees have state kKernel, aux = level.
// Locking: one lock for the stack of trees.
#pragma once

#include <cstdint>

#include "proto/layout.h"
#include "proto/records.h"

namespace fv::guest {

// Takes the root and all tables of a dying address space; false: too many are kept already, or
// memory is short.
bool StashTree(proto::MmRecord& mm);
// Gives `mm` a spare tree: root_gpa and table_frames; one with `tables` tables if there is one.
// False: there is none.
bool AdoptTree(proto::MmRecord& mm, uint32_t tables);
// Frees all spare trees; true if there were any. Called when memory runs out.
bool DropSpareTrees();

// The stale entries of an adopted tree, known clean below a rising address. Whoever fills a range
// says so; the rest is cleared by Finish or at the end of the scope.
class StaleEntries {
 public:
  enum class Tree : uint8_t { kFresh, kAdopted };

  StaleEntries(proto::MmRecord& mm, Tree tree) : mm_(mm), tree_(tree) {}
  StaleEntries(const StaleEntries&) = delete;
  StaleEntries& operator=(const StaleEntries&) = delete;
  ~StaleEntries() { Finish(); }

  // Clears what is stale below `address`.
  void ClearTo(uint64_t address);
  // Everything below `end` has its final value now.
  void Filled(uint64_t end) { clean_to_ = end; }
  void Finish() { ClearTo(proto::kUserEnd); }

 private:
  proto::MmRecord& mm_;
  Tree tree_;
  uint64_t clean_to_ = 0;
};

}  // namespace fv::guest
