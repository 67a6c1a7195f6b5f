// SPDX-License-Identifier: Apache-2.0
//
// See shared_tables.h.
#include "guest/mm/shared_tables.h"

#include "guest/lib/mutants.h"
#include "guest/mm/copy_entries.h"
#include "guest/mm/fork.h"

namespace fv::guest {

using proto::FrameRecord;
using proto::FrameState;
using proto::Pte;

namespace {

constexpr uint64_t kTableSpan = proto::EntrySpan(2);

bool IsShared(Pte entry) {
  constexpr Pte kMarks = proto::kPtePresent | proto::kPteSharedTable;
  return (entry & kMarks) == kMarks;
}

uint64_t TableStart(uint64_t va) { return va & ~(kTableSpan - 1); }

// Calls visit(entry, va) for every marked entry whose table overlaps [start, end), `va` being where
// the table begins. Stops when `visit` returns false; returns false then.
template <typename Visit>
bool ForEachShared(const Mm& mm, uint64_t start, uint64_t end, Visit visit) {
  uint64_t va = TableStart(start);
  while (va < end) {
    Pte* table = RootTable(mm);
    unsigned level = proto::kPageTableLevels;
    while (level > 2 && (table[proto::TableIndex(va, level)] & proto::kPtePresent) != 0) {
      table = TableOf(table[proto::TableIndex(va, level)]);
      --level;
    }
    if (level > 2) {
      va = SkipAbsent(table, va, end, level);
      continue;
    }
    Pte& entry = table[proto::TableIndex(va, 2)];
    if (IsShared(entry) && !visit(entry, va)) {
      return false;
    }
    va += kTableSpan;
  }
  return true;
}

// The entry stays, its table is nobody else's any more.
void Unmark(Mm& mm, Pte& entry, uint64_t pfn) {
  FrameOf(pfn).aux = proto::TableAux(1, 0, 0);
  entry = pfn << proto::kPageShift | kTableEntry;
  --mm.shared_tables;
}

// kSharedFreed: drops the references that the entries of the table at `pfn` stand for.
[[maybe_unused]] void PutMapped(uint64_t pfn) {
  const Pte* table = static_cast<const Pte*>(FrameData(pfn));
  for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
    if (table[i] != 0 && (table[i] & proto::kPteZero) == 0) {
      PutFrame(PfnOfPte(table[i]));
    }
  }
}

// Gives `mm` a copy of the table that `entry` points to, or the table itself if it is the last.
bool Own(Mm& mm, Pte& entry, uint64_t va, TlbBatch& batch) {
  const uint64_t shared = PfnOfPte(entry);
  if (FrameOf(shared).refs == 1) {
    Unmark(mm, entry, shared);
    return true;
  }
  Result<uint64_t> own = AllocateZeroedFrame(FrameState::kPageTable, proto::TableAux(1, 0, 0));
  if (!own.ok()) {
    return false;
  }
  CopiedEntries copied;
  CopyEntries<Sharing::kByFrame>(static_cast<Pte*>(FrameData(shared)),
                                 static_cast<Pte*>(FrameData(own.value())), proto::kEntriesPerTable,
                                 copied);
  --FrameOf(shared).refs;
  Unmark(mm, entry, own.value());
  // The CPU may have cached the way to the old table, which its other users will change.
  batch.Add(va);
  return true;
}

// The entries of a table with content kAnonymous that map an anonymous frame. The table is all that
// this reads, and it is as many cache misses as a fork by reference has: two operations an entry.
uint64_t AnonEntries(const Pte* table) {
  constexpr unsigned kZeroShift = 10;
  static_assert(proto::kPtePresent == 1 && proto::kPteZero == 1 << kZeroShift &&
                proto::kEntriesPerTable < 1 << kZeroShift);
  uint64_t sum = 0;  // of the present entries, and from kZeroShift on of those of the zero frame
  for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
    sum += table[i] & (proto::kPtePresent | proto::kPteZero);
  }
  return (sum & (proto::kPteZero - 1)) - (sum >> kZeroShift);
}

// Counts the entries of the table at `pfn` by what they map, for its record.
uint64_t AuxOf(uint64_t pfn, TableContent content) {
  const Pte* table = static_cast<const Pte*>(FrameData(pfn));
  if (content == TableContent::kAnonymous) {
    return proto::TableAux(1, AnonEntries(table), 0);
  }
  uint64_t anon = 0;
  uint64_t file = 0;
  for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
    if (table[i] != 0 && (table[i] & proto::kPteZero) == 0) {
      const bool is_anon = FrameOf(PfnOfPte(table[i])).state == FrameState::kAnon;
      anon += is_anon;
      file += !is_anon;
    }
  }
  return proto::TableAux(1, anon, file);
}

// The entry of `mm` for the table at `va`, with the tables above it. Errors: ENOMEM.
Result<Pte*> EnsureTableEntry(Mm& mm, uint64_t va) {
  Pte* table = RootTable(mm);
  for (unsigned level = proto::kPageTableLevels; level > 2; --level) {
    table = TRY(EnsureTableBelow(mm, table[proto::TableIndex(va, level)], level));
  }
  return table + proto::TableIndex(va, 2);
}

}  // namespace

Pte* TableEntryOf(const proto::MmRecord& mm, uint64_t va) {
  Pte* table = RootTable(mm);
  for (unsigned level = proto::kPageTableLevels; level > 2; --level) {
    const Pte entry = table[proto::TableIndex(va, level)];
    if ((entry & proto::kPtePresent) == 0) {
      return nullptr;
    }
    table = TableOf(entry);
  }
  return table + proto::TableIndex(va, 2);
}

bool TableIsSharedSlow(const Mm& mm, uint64_t va) {
  const Pte* entry = TableEntryOf(mm, va);
  return entry != nullptr && IsShared(*entry);
}

bool OwnTablesSlow(Mm& mm, uint64_t start, uint64_t end) {
  TlbBatch batch(mm);
  return ForEachShared(mm, start, end,
                       [&](Pte& entry, uint64_t va) { return Own(mm, entry, va, batch); });
}

Status OwnEdgeTables(Mm& mm, uint64_t start, uint64_t end) {
  if (start % kTableSpan != 0) {
    TRY(OwnTables(mm, start, start + 1));
  }
  if (end % kTableSpan != 0) {
    TRY(OwnTables(mm, end - 1, end));
  }
  return Ok();
}

Result<Pte*> EnsureOwnPte(Mm& mm, uint64_t va) {
  TRY(OwnTables(mm, va, va + 1));
  return EnsurePte(mm, va);
}

void DropSharedTables(Mm& mm, uint64_t start, uint64_t end, TlbBatch* batch) {
  if (mm.shared_tables == 0) {
    return;
  }
  ForEachShared(mm, start, end, [&](Pte& entry, uint64_t va) {
    const uint64_t pfn = PfnOfPte(entry);
    FrameRecord& record = FrameOf(pfn);
    if (va < start || va + kTableSpan > end) {
      return true;
    }
    if (record.refs == 1) {
      Unmark(mm, entry, pfn);
      return true;
    }
    if (HasMutant(Mutant::kSharedFreed)) {
      PutMapped(pfn);
    }
    --record.refs;
    mm.anon_pages -= proto::TableAnonEntries(record.aux);
    mm.file_pages -= proto::TableFileEntries(record.aux);
    --mm.shared_tables;
    --mm.table_frames;
    entry = 0;
    if (batch != nullptr) {
      batch->Add(va, va + kTableSpan);
    }
    return true;
  });
}

Status ShareTable(Mm& parent, Mm& child, uint64_t va, TableContent content, ForkCounts& counts) {
  Pte* to = TRY(EnsureTableEntry(child, va));
  Pte& from = *TableEntryOf(parent, va);
  const uint64_t pfn = PfnOfPte(from);
  FrameRecord& record = FrameOf(pfn);
  if (!IsShared(from)) {
    record.aux = AuxOf(pfn, content);
    from = (from | proto::kPteSharedTable) & ~proto::kPteWritable;
    if (HasMutant(Mutant::kSharedTableWritable)) {
      from |= proto::kPteWritable;
    }
    ++parent.shared_tables;
    ++counts.protected_ptes;
  }
  if (*to != 0) {
    PutFrame(PfnOfPte(*to));
    --child.table_frames;
  }
  *to = from;
  if (!HasMutant(Mutant::kTableUncounted)) {
    ++record.refs;
  }
  ++child.shared_tables;
  ++child.table_frames;
  ++counts.shared_tables;
  child.anon_pages += proto::TableAnonEntries(record.aux);
  child.file_pages += proto::TableFileEntries(record.aux);
  return Ok();
}

}  // namespace fv::guest
