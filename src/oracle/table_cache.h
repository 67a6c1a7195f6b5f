// SPDX-License-Identifier: Apache-2.0
//
// Copies of all user page tables and what they contribute to the sums of frames and address spaces.
// Only written tables are read again; the difference of each entry is applied. A table that several
// address spaces share is held, and counted, once.
//
// Invariant between steps: the sums in FrameCache and MmState::pages are exactly those of the words
// held here. Entries that cannot be followed (huge, outside RAM, a frame in two roles) are reported
// once, when they appear, and contribute nothing.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <memory>
#include <vector>

#include "src/inspect/memory_reader.h"
#include "src/inspect/table_reader.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/frame_cache.h"
#include "src/oracle/mm_state.h"

namespace fv::oracle {

using EntryBits = std::array<uint64_t, proto::kEntriesPerTable / 64>;
inline bool Has(const EntryBits& bits, unsigned i) { return (bits[i / 64] >> (i % 64) & 1) != 0; }
// Calls visit(index) for each bit as it was at the call, ascending.
template <typename Visit>
void ForEachBit(EntryBits bits, Visit visit) {
  for (unsigned word = 0; word < bits.size(); ++word) {
    for (uint64_t rest = bits[word]; rest != 0; rest &= rest - 1) {
      visit(word * 64 + static_cast<unsigned>(std::countr_zero(rest)));
    }
  }
}

struct CachedTable {
  struct Parent {
    uint32_t table;
    uint32_t index;
  };
  // Entries that are the user's.
  unsigned Slots() const {
    return level == proto::kPageTableLevels ? inspect::kUserSlots : proto::kEntriesPerTable;
  }

  uint64_t pfn = 0;
  uint64_t base = 0;
  uint32_t level = 0;
  uint32_t created = 0;    // step
  int32_t root_of = -1;    // address space, for level 4
  inspect::Rights rights;  // the most that any path to it allows
  std::vector<Parent> parents;
  uint32_t shared_entries = 0;
  uint32_t writable_entries = 0;
  uint32_t anon = 0;  // level 1: present entries by state of the frame when added
  uint32_t file = 0;
  uint32_t present = 0;
  EntryBits children{};  // above level 1: the entries that were followed to a table
  EntryBits anon_bits{};
  EntryBits file_bits{};
  std::array<proto::Pte, proto::kEntriesPerTable> words{};
};

class TableCache {
 public:
  TableCache(const inspect::MemoryReader& memory, FrameCache& frames, MmSlots& mms);

  // One step: Begin, UnlinkRoot for address spaces that went, Update, LinkRoot for new ones.
  void Begin(uint64_t zero_pfn, Findings& findings);
  void LinkRoot(uint32_t mm);
  void UnlinkRoot(uint32_t mm);
  // Reads written tables again: removals first, so that a table that moved is never met twice.
  void Update(const DirtyBits& dirty);

  // Checks the entries of [start, end) again (the VMAs there changed).
  void RecheckRange(uint32_t mm, uint64_t start, uint64_t end);
  // Checks all entries that map one of the frames again; reads every table.
  void RecheckFrames(const std::vector<uint64_t>& frames);
  // A span of 2 MiB of an address space whose entries, or the way to them, changed in this step.
  struct Block {
    uint32_t mm;
    uint64_t base;
    auto operator<=>(const Block&) const = default;
  };
  const std::vector<Block>& changed_blocks() const { return changed_blocks_; }
  // Frames that became tables in this step, whether they still are or not.
  const std::vector<uint64_t>& created() const { return created_; }
  // Gives findings that name only a frame an address.
  void Locate(Findings& findings) const;

  const CachedTable* OfFrame(uint64_t pfn) const {
    return table_of_[pfn] == 0 ? nullptr : tables_[table_of_[pfn] - 1].get();
  }
  const CachedTable* Root(uint32_t mm) const {
    return mms_[mm]->root < 0 ? nullptr : tables_[mms_[mm]->root].get();
  }
  // The page table for the block at `base` and what the way to it allows; nullptr: there is none.
  const CachedTable* LeafAt(uint32_t mm, uint64_t base, inspect::Rights& rights) const;
  // An address space that reaches the table, or -1.
  int32_t OwnerOf(const CachedTable& table) const;
  // Calls visit(leaf table) for each page table of an address space, by address.
  template <typename Visit>
  void ForEachLeaf(uint32_t mm, Visit visit) const {
    if (const CachedTable* root = Root(mm)) {
      Leaves(*root, visit);
    }
  }
  uint64_t walked_ptes() const { return walked_ptes_; }

 private:
  struct Staged {
    uint32_t id;
    std::array<proto::Pte, proto::kEntriesPerTable> words;
  };

  template <typename Visit>
  void Leaves(const CachedTable& table, Visit& visit) const {
    if (table.level == 1) {
      visit(table);
      return;
    }
    ForEachChild(table, [&](unsigned, const CachedTable& child) { Leaves(child, visit); });
  }
  // The table that entry `i` really linked, or null.
  const CachedTable* Child(const CachedTable& table, unsigned i) const {
    return Has(table.children, i) ? OfFrame(inspect::PfnOf(table.words[i])) : nullptr;
  }
  // Calls visit(index, child) for each table that an entry of `table` really linked; visit may
  // unlink it.
  template <typename Visit>
  void ForEachChild(const CachedTable& table, Visit visit) const {
    ForEachBit(table.children, [&](unsigned i) { visit(i, *Child(table, i)); });
  }

  template <typename Visit>
  void ForEachOwner(const CachedTable& table, Visit visit) const;

  uint32_t IdOf(const CachedTable& table) const { return table_of_[table.pfn] - 1; }
  uint32_t Create(uint64_t pfn, unsigned level, uint64_t base);
  void Fill(uint32_t id);
  void Link(uint32_t parent, unsigned index);
  void Unlink(uint32_t parent, unsigned index, proto::Pte replacement);
  void Destroy(uint32_t id);
  void RecomputeRights(CachedTable& table);
  MmPages Totals(const CachedTable& table) const;
  void AddTotals(const CachedTable& parent, const MmPages& totals, int sign);
  void AddPte(CachedTable& table, unsigned i);
  // Enters entry `i` as anon or file by its frame's state now.
  void Classify(CachedTable& table, unsigned i);
  void AddToOwners(const CachedTable& table, uint64_t anon, uint64_t file);
  void RemovePte(CachedTable& table, unsigned i);
  // Entry `i` becomes `now`, which maps the same frame.
  void ReplacePte(CachedTable& table, unsigned i, proto::Pte now);
  void StageRemovals(uint32_t id);
  void DiffLeaf(uint32_t id);
  void CheckEntries(const CachedTable& table, const EntryBits& which);
  void CheckRootWindow(const CachedTable& root);
  // Every address space that reaches `table` has a changed block at `base`.
  void NoteBlock(const CachedTable& table, uint64_t base);
  struct Owner {
    uint32_t mm;
    inspect::Rights rights;  // of this path to the table
  };
  std::vector<Owner> OwnersOf(const CachedTable& table) const;
  // I7: what `owners`, which are those of `table`, can do less by its entry `i` now.
  void NoteLoss(const std::vector<Owner>& owners, const CachedTable& table, unsigned i,
                proto::Pte before, proto::Pte after);
  // The same for all entries below `table`, which `entry` of `parent` pointed to until now.
  void NoteLossesBelow(const CachedTable& parent, const CachedTable& table, proto::Pte entry,
                       proto::Pte replacement);
  void NoteLossesOf(const std::vector<uint32_t>& owners, const CachedTable& table,
                    inspect::Rights before, proto::Pte replacement, inspect::Rights after);
  void AddSharedChange(const CachedTable& table, unsigned i, proto::Pte now);
  void Malformed(const CachedTable& parent, unsigned index, const std::string& what);

  inspect::MemoryReader memory_;
  FrameCache& frames_;
  MmSlots& mms_;
  Findings* findings_ = nullptr;  // of the current step
  uint64_t zero_pfn_ = 0;
  std::vector<std::unique_ptr<CachedTable>> tables_;
  std::vector<uint32_t> free_ids_;
  LazyArray<uint32_t> table_of_;  // by frame: table number + 1, 0 = none
  std::vector<Staged> staged_;
  std::vector<uint32_t> dirty_tables_;
  std::vector<Block> changed_blocks_;
  std::vector<uint64_t> created_;
  uint64_t walked_ptes_ = 0;
};

}  // namespace fv::oracle
