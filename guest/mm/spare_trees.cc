// SPDX-License-Identifier: Apache-2.0
//
// See spare_trees.h.
#include "guest/mm/spare_trees.h"

#include "guest/mm/frames.h"
#include "guest/mm/page_table.h"

namespace fv::guest {

using proto::FrameState;
using proto::Pte;

namespace {

constexpr unsigned kMaxTrees = 64;
constexpr uint32_t kMaxTablesOfTree = 1024;
constexpr uint32_t kMaxTables = 4096;
// Of the free frames, at most one in so many is kept.
constexpr uint64_t kShareOfFree = 16;

struct Spare {
  uint64_t root_pfn;
  uint32_t tables;
};
struct Spares {
  Spare trees[kMaxTrees];
  unsigned count;
  uint32_t tables;
};
constinit Spares spares{};

// Calls visit(pfn) for the table `entry` points to, whose level is `level`, and all below; a table
// after those below it.
template <typename Visit>
void ForEachTableBelow(Pte entry, unsigned level, Visit visit) {
  if (level > 1) {
    const Pte* table = TableOf(entry);
    const unsigned entries =
        level == proto::kPageTableLevels ? proto::kKernelPml4Slot : proto::kEntriesPerTable;
    for (unsigned i = 0; i < entries; ++i) {
      if ((table[i] & proto::kPtePresent) != 0) {
        ForEachTableBelow(table[i], level - 1, visit);
      }
    }
  }
  visit(PfnOfPte(entry));
}

void SetState(uint64_t root_pfn, FrameState state) {
  ForEachTableBelow(root_pfn << proto::kPageShift, proto::kPageTableLevels,
                    [state](uint64_t pfn) { FrameOf(pfn).state = state; });
}

}  // namespace

bool StashTree(proto::MmRecord& mm) {
  if (spares.count == kMaxTrees || mm.table_frames > kMaxTablesOfTree ||
      spares.tables + mm.table_frames > kMaxTables ||
      (spares.tables + mm.table_frames) * kShareOfFree > FreeFrameCount()) {
    return false;
  }
  const uint64_t root = mm.root_gpa >> proto::kPageShift;
  SetState(root, FrameState::kKernel);
  spares.trees[spares.count++] = {root, mm.table_frames};
  spares.tables += mm.table_frames;
  return true;
}

bool AdoptTree(proto::MmRecord& mm, uint32_t tables) {
  if (spares.count == 0) {
    return false;
  }
  unsigned chosen = spares.count - 1;
  for (unsigned i = spares.count; i-- > 0;) {
    if (spares.trees[i].tables == tables) {
      chosen = i;
      break;
    }
  }
  const Spare spare = spares.trees[chosen];
  spares.trees[chosen] = spares.trees[--spares.count];
  spares.tables -= spare.tables;
  SetState(spare.root_pfn, FrameState::kPageTable);
  mm.root_gpa = spare.root_pfn << proto::kPageShift;
  mm.table_frames = spare.tables;
  return true;
}

bool DropSpareTrees() {
  const bool any = spares.count != 0;
  while (spares.count != 0) {
    const Spare spare = spares.trees[--spares.count];
    ForEachTableBelow(spare.root_pfn << proto::kPageShift, proto::kPageTableLevels,
                      [](uint64_t pfn) { FreeFrames(pfn, 0); });
  }
  spares.tables = 0;
  return any;
}

void StaleEntries::ClearTo(uint64_t address) {
  if (tree_ == Tree::kAdopted && clean_to_ < address) {
    ForEachTable(mm_, clean_to_, address, [](Pte* table, uint64_t, uint64_t count) {
      for (uint64_t i = 0; i < count; ++i) {
        if (table[i] != 0) {
          table[i] = 0;
        }
      }
      return true;
    });
  }
  clean_to_ = clean_to_ > address ? clean_to_ : address;
}

}  // namespace fv::guest
