// SPDX-License-Identifier: Apache-2.0
//
// A step: what the tables that were written no longer say goes first, then what they say now comes.
// Tables come and go in table_links.cc, entries of page tables (level 1) in table_entries.cc.
#include "src/oracle/table_cache.h"

#include "src/inspect/table_reader.h"
#include "src/oracle/table_owners.h"

namespace fv::oracle {

using inspect::Present;
using proto::Pte;

namespace {

// The CPU sets these; they change nothing that the oracle knows of.
constexpr Pte kIgnored = proto::kPteAccessed | proto::kPteDirty;

}  // namespace

TableCache::TableCache(const inspect::MemoryReader& memory, FrameCache& frames, MmSlots& mms)
    : memory_(memory), frames_(frames), mms_(mms), table_of_(memory.frames()) {}

void TableCache::Begin(uint64_t zero_pfn, Findings& findings) {
  changed_blocks_.clear();
  created_.clear();
  zero_pfn_ = zero_pfn;
  findings_ = &findings;
}

void TableCache::NoteBlock(const CachedTable& table, uint64_t base) {
  ForEachOwner(table, [&](uint32_t mm, inspect::Rights) { changed_blocks_.push_back({mm, base}); });
}

const CachedTable* TableCache::LeafAt(uint32_t mm, uint64_t base, inspect::Rights& rights) const {
  rights = {};
  const CachedTable* table = Root(mm);
  while (table != nullptr && table->level > 1) {
    const unsigned index = proto::TableIndex(base, table->level);
    rights = inspect::Below(rights, table->words[index]);
    table = Child(*table, index);
  }
  return table;
}

// Takes away what a written upper table no longer says, and keeps its new words for later.
void TableCache::StageRemovals(uint32_t id) {
  CachedTable& table = *tables_[id];
  Staged staged{id, {}};
  memory_.LoadPage(table.pfn, staged.words.data());
  for (unsigned i = 0; i < table.Slots(); ++i) {
    const Pte before = table.words[i];
    if (((before ^ staged.words[i]) & ~kIgnored) != 0 && Present(before)) {
      Unlink(id, i, staged.words[i]);
    }
  }
  staged_.push_back(staged);
}

void TableCache::Update(const DirtyBits& dirty) {
  dirty_tables_.clear();
  staged_.clear();
  for (const uint64_t pfn : dirty.frames()) {
    if (pfn < memory_.frames() && table_of_[pfn] != 0) {
      dirty_tables_.push_back(table_of_[pfn] - 1);
    }
  }
  const uint32_t step = frames_.step();
  auto known = [&](uint32_t id) { return tables_[id] != nullptr && tables_[id]->created != step; };
  for (unsigned level = proto::kPageTableLevels; level > 1; --level) {
    for (const uint32_t id : dirty_tables_) {
      if (known(id) && tables_[id]->level == level) {
        StageRemovals(id);
      }
    }
  }
  for (const Staged& staged : staged_) {
    if (!known(staged.id)) {
      continue;
    }
    CachedTable& table = *tables_[staged.id];
    for (unsigned i = 0; i < table.Slots(); ++i) {
      const bool changed = ((table.words[i] ^ staged.words[i]) & ~kIgnored) != 0;
      table.words[i] = staged.words[i];
      if (changed && Present(staged.words[i])) {
        Link(staged.id, i);
      }
    }
    if (table.level == proto::kPageTableLevels) {
      CheckRootWindow(table);
    }
  }
  for (const uint32_t id : dirty_tables_) {
    if (known(id) && tables_[id]->level == 1) {
      DiffLeaf(id);
    }
  }
}

}  // namespace fv::oracle
