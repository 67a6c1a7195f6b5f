// SPDX-License-Identifier: Apache-2.0
//
// The four-level tables of an address space. Tables are reached through the direct map and written
// directly; each is a frame of state kPageTable, aux = level, refs = entries that point to it (1
// for a root). Entries above level 1 allow everything; level 1 decides. The kernel's PML4 slot is
// arch's. Locking: the address space's lock.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/mm/frames.h"
#include "proto/layout.h"
#include "proto/pte.h"
#include "proto/records.h"

namespace fv::guest {

// What an entry that points to a table says.
inline constexpr proto::Pte kTableEntry =
    proto::kPtePresent | proto::kPteWritable | proto::kPteUser | proto::kPteAccessed;

inline proto::Pte* TableOf(proto::Pte entry) {
  return static_cast<proto::Pte*>(FrameData(PfnOfPte(entry)));
}
inline proto::Pte* RootTable(const proto::MmRecord& mm) { return TableOf(mm.root_gpa); }

// The level-1 entry for `va`, or nullptr if there is no table for it.
proto::Pte* LookupPte(const proto::MmRecord& mm, uint64_t va);
// The same; makes missing tables. Errors: ENOMEM (tables made on the way stay).
Result<proto::Pte*> EnsurePte(proto::MmRecord& mm, uint64_t va);

// The table that `entry`, of a table of `level`, points to; made if missing. Errors: ENOMEM.
Result<proto::Pte*> EnsureTableBelow(proto::MmRecord& mm, proto::Pte& entry, unsigned level);

// Frees the tables that only [floor, ceiling) can need and that overlap [start, end): everything in
// that range is unmapped. `floor` and `ceiling` are the ends of the neighbouring mappings.
// (Linux: free_pgtables.) Returns how many were freed.
uint64_t FreeTables(proto::MmRecord& mm, uint64_t start, uint64_t end, uint64_t floor,
                    uint64_t ceiling);
// Frees all tables below the root of an address space that will never run again. Writes no entry:
// nothing looks at the root's user half any more.
void FreeAllTables(proto::MmRecord& mm);

// The address of the next present entry of `table` above `va`, or of the table's or range's end.
// REQUIRES: the entry for `va` is absent.
inline uint64_t SkipAbsent(const proto::Pte* table, uint64_t va, uint64_t end, unsigned level) {
  const uint64_t span = proto::EntrySpan(level);
  unsigned index = proto::TableIndex(va, level);
  va &= ~(span - 1);
  do {
    va += span;
    ++index;
  } while (index < proto::kEntriesPerTable && va < end && (table[index] & proto::kPtePresent) == 0);
  return va;
}

// Calls visit(pte, va, count) for every level-1 table that exists in [start, end): `count` entries
// from `pte` on, the first for `va`. Absent upper tables are skipped at their level. Stops when
// `visit` returns false; returns false then.
template <typename Visit>
bool ForEachTable(const proto::MmRecord& mm, uint64_t start, uint64_t end, Visit visit) {
  uint64_t va = start;
  while (va < end) {
    proto::Pte* table = RootTable(mm);
    unsigned level = proto::kPageTableLevels;
    while (level > 1 && (table[proto::TableIndex(va, level)] & proto::kPtePresent) != 0) {
      table = TableOf(table[proto::TableIndex(va, level)]);
      --level;
    }
    if (level > 1) {
      va = SkipAbsent(table, va, end, level);
      continue;
    }
    uint64_t next = (va | (proto::EntrySpan(2) - 1)) + 1;
    next = next < end ? next : end;
    if (!visit(table + proto::TableIndex(va, 1), va, (next - va) >> proto::kPageShift)) {
      return false;
    }
    va = next;
  }
  return true;
}

}  // namespace fv::guest
