// SPDX-License-Identifier: Apache-2.0
//
// See page_table.h.
#include "guest/mm/page_table.h"

#include <utility>

#include "guest/lib/mutants.h"

namespace fv::guest {

using proto::EntrySpan;
using proto::Pte;
using proto::TableIndex;

Pte* LookupPte(const proto::MmRecord& mm, uint64_t va) {
  Pte* table = RootTable(mm);
  for (unsigned level = proto::kPageTableLevels; level > 1; --level) {
    const Pte entry = table[TableIndex(va, level)];
    if ((entry & proto::kPtePresent) == 0) {
      return nullptr;
    }
    table = TableOf(entry);
  }
  return table + TableIndex(va, 1);
}

Result<Pte*> EnsureTableBelow(proto::MmRecord& mm, Pte& entry, unsigned level) {
  if ((entry & proto::kPtePresent) == 0) {
    const uint64_t pfn = TRY(AllocateZeroedFrame(proto::FrameState::kPageTable, level - 1));
    entry = pfn << proto::kPageShift | kTableEntry;
    ++mm.table_frames;
  }
  return TableOf(entry);
}

Result<Pte*> EnsurePte(proto::MmRecord& mm, uint64_t va) {
  Pte* table = RootTable(mm);
  for (unsigned level = proto::kPageTableLevels; level > 1; --level) {
    table = TRY(EnsureTableBelow(mm, table[TableIndex(va, level)], level));
  }
  return table + TableIndex(va, 1);
}

namespace {

uint64_t RoundDown(uint64_t value, uint64_t to) { return value & ~(to - 1); }
uint64_t RoundUp(uint64_t value, uint64_t to) { return RoundDown(value + to - 1, to); }

// Frees the table that `entry` of a table one level up points to, with everything below it.
void FreeBelow(proto::MmRecord& mm, Pte entry, unsigned level) {
  if (HasMutant(Mutant::kTableUsedFreed)) {
    PutFrame(PfnOfPte(entry));
  }
  if (level > 1) {
    const Pte* table = TableOf(entry);
    for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
      if ((table[i] & proto::kPtePresent) != 0) {
        FreeBelow(mm, table[i], level - 1);
      }
    }
  }
  --mm.table_frames;
  if (!HasMutant(Mutant::kTableLeaked) && !HasMutant(Mutant::kTableUsedFreed)) {
    PutFrame(PfnOfPte(entry));
  }
}

// Frees every table of `level` in [low, high), which are multiples of the table's span.
void FreeLevel(proto::MmRecord& mm, unsigned level, uint64_t low, uint64_t high) {
  uint64_t va = low;
  while (va < high) {
    Pte* table = RootTable(mm);
    unsigned at = proto::kPageTableLevels;
    while (at > level + 1 && (table[TableIndex(va, at)] & proto::kPtePresent) != 0) {
      table = TableOf(table[TableIndex(va, at)]);
      --at;
    }
    Pte& entry = table[TableIndex(va, at)];
    if (at == level + 1 && (entry & proto::kPtePresent) != 0) {
      FreeBelow(mm, std::exchange(entry, 0), level);  // empty tables may be left below
    }
    va = RoundDown(va, EntrySpan(at)) + EntrySpan(at);
  }
}

}  // namespace

uint64_t FreeTables(proto::MmRecord& mm, uint64_t start, uint64_t end, uint64_t floor,
                    uint64_t ceiling) {
  const uint32_t before = mm.table_frames;
  for (unsigned level = 1; level < proto::kPageTableLevels; ++level) {
    const uint64_t span = EntrySpan(level + 1);  // what one table of this level maps
    uint64_t low = RoundDown(start, span);
    uint64_t high = RoundUp(end, span);
    low = low < floor ? low + span : low;
    high = high > ceiling ? high - span : high;
    FreeLevel(mm, level, low, high);
  }
  return before - mm.table_frames;
}

void FreeAllTables(proto::MmRecord& mm) {
  Pte* root = RootTable(mm);
  for (unsigned slot = 0; slot < proto::kKernelPml4Slot; ++slot) {
    if ((root[slot] & proto::kPtePresent) != 0) {
      FreeBelow(mm, root[slot], proto::kPageTableLevels - 1);
    }
  }
}

}  // namespace fv::guest
