// SPDX-License-Identifier: Apache-2.0
//
// How tables come and go: linked where an entry of a table above begins to point to them, counted
// for every address space that reaches them, and gone with the last such entry.
#include <algorithm>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/table_reader.h"
#include "src/oracle/table_cache.h"
#include "src/oracle/table_owners.h"

namespace fv::oracle {

using inspect::PfnOf;
using inspect::Present;
using proto::Pte;

namespace {

bool Marked(Pte entry) { return (entry & proto::kPteSharedTable) != 0; }

}  // namespace

void TableCache::Malformed(const CachedTable& parent, unsigned index, const std::string& what) {
  Finding& finding = findings_->Add(Rule::kTableMalformed,
                                    "page table: entry " + inspect::Hex(parent.words[index]) +
                                        " of level " + std::to_string(parent.level) + " " + what);
  const int32_t owner = OwnerOf(parent);
  finding.mm = owner < 0 ? 0 : mms_[owner]->mm.address;
  finding.address = parent.base + index * proto::EntrySpan(parent.level);
}

uint32_t TableCache::Create(uint64_t pfn, unsigned level, uint64_t base) {
  uint32_t id;
  if (free_ids_.empty()) {
    id = static_cast<uint32_t>(tables_.size());
    tables_.push_back(std::make_unique<CachedTable>());
  } else {
    id = free_ids_.back();
    free_ids_.pop_back();
    tables_[id] = std::make_unique<CachedTable>();
  }
  CachedTable& table = *tables_[id];
  table.pfn = pfn;
  table.level = level;
  table.base = base;
  table.created = frames_.step();
  table_of_[pfn] = id + 1;
  created_.push_back(pfn);
  frames_.Mark(pfn);
  return id;
}

void TableCache::Fill(uint32_t id) {
  CachedTable& table = *tables_[id];
  memory_.LoadPage(table.pfn, table.words.data());
  ForEachOwner(table, [&](uint32_t mm, inspect::Rights) {
    ++mms_[mm]->pages.tables;
    mms_[mm]->pages_changed = true;
  });
  if (table.level > 1) {
    for (unsigned i = 0; i < table.Slots(); ++i) {
      if (Present(table.words[i])) {
        Link(id, i);
      }
    }
    return;
  }
  EntryBits all{};
  for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
    if (Present(table.words[i])) {
      all[i / 64] |= uint64_t{1} << (i % 64);
      AddPte(table, i);
    }
  }
  AddToOwners(table, table.anon, table.file);
  CheckEntries(table, all);
}

void TableCache::LinkRoot(uint32_t mm) {
  MmState& state = *mms_[mm];
  const uint64_t root = state.mm.record.root_gpa;
  const uint64_t pfn = root >> proto::kPageShift;
  if (root % proto::kPageBytes != 0 || !memory_.Contains(root, proto::kPageBytes) ||
      table_of_[pfn] != 0) {
    findings_
        ->Add(Rule::kTableMalformed,
              "page table: root " + inspect::Hex(root) + " is not a frame of its own in guest RAM")
        .mm = state.mm.address;
    return;
  }
  const uint32_t id = Create(pfn, proto::kPageTableLevels, 0);
  state.root = static_cast<int32_t>(id);
  tables_[id]->root_of = static_cast<int32_t>(mm);
  Fill(id);
  CheckRootWindow(*tables_[id]);
}

void TableCache::UnlinkRoot(uint32_t mm) {
  MmState& state = *mms_[mm];
  if (state.root >= 0) {
    const uint32_t id = static_cast<uint32_t>(state.root);
    tables_[id]->root_of = -1;
    state.root = -1;
    Destroy(id);
  }
  state.pages = {};
  state.pages_changed = true;
}

void TableCache::CheckRootWindow(const CachedTable& root) {
  if (inspect::WindowOpenToUser(memory_, root.pfn << proto::kPageShift, 1 << 16)) {
    Finding& finding =
        findings_->Add(Rule::kWindowOpen, "user code can reach a page of the kernel's window");
    finding.mm = root.root_of < 0 ? 0 : mms_[root.root_of]->mm.address;
    finding.address = proto::kKernelBase;
  }
}

MmPages TableCache::Totals(const CachedTable& table) const {
  MmPages totals{table.anon, table.file, 1, 0};
  ForEachChild(table, [&](unsigned i, const CachedTable& child) {
    const MmPages below = Totals(child);
    totals.anon += below.anon;
    totals.file += below.file;
    totals.tables += below.tables;
    totals.shared += below.shared + (Marked(table.words[i]) ? 1 : 0);
  });
  return totals;
}

void TableCache::AddTotals(const CachedTable& parent, const MmPages& totals, int sign) {
  ForEachOwner(parent, [&](uint32_t mm, inspect::Rights) {
    MmPages& pages = mms_[mm]->pages;
    pages.anon += sign * totals.anon;
    pages.file += sign * totals.file;
    pages.tables += sign * totals.tables;
    pages.shared += sign * totals.shared;
    mms_[mm]->pages_changed = true;
  });
}

void TableCache::Link(uint32_t parent_id, unsigned index) {
  const CachedTable& parent = *tables_[parent_id];
  const Pte entry = parent.words[index];
  const uint64_t pfn = PfnOf(entry);
  const uint64_t base = parent.base + index * proto::EntrySpan(parent.level);
  if ((entry & proto::kPteHuge) != 0 || pfn >= memory_.frames()) {
    Malformed(parent, index,
              (entry & proto::kPteHuge) != 0 ? "maps a huge page" : "points outside RAM");
    return;
  }
  const bool known = table_of_[pfn] != 0;
  const uint32_t id = known ? table_of_[pfn] - 1 : Create(pfn, parent.level - 1, base);
  CachedTable& table = *tables_[id];
  if (known && (table.level != parent.level - 1 || table.base != base)) {
    Malformed(parent, index,
              "points to a frame that is a table of level " + std::to_string(table.level) +
                  " for " + inspect::Hex(table.base));
    return;
  }
  tables_[parent_id]->children[index / 64] |= uint64_t{1} << (index % 64);
  table.parents.push_back({parent_id, index});
  table.shared_entries += Marked(entry);
  table.writable_entries += (entry & proto::kPteWritable) != 0;
  AddTotals(parent, {0, 0, 0, Marked(entry) ? 1u : 0u}, +1);
  if (table.level == 1) {
    NoteBlock(parent, base);
  }
  frames_.Mark(pfn);
  if (!known) {
    table.rights = inspect::Below(parent.rights, entry);
    Fill(id);
    return;
  }
  AddTotals(parent, Totals(table), +1);
  RecomputeRights(table);
  EntryBits all;
  all.fill(~uint64_t{0});
  if (table.level == 1) {
    CheckEntries(table, all);
  }
}

void TableCache::Unlink(uint32_t parent_id, unsigned index, Pte replacement) {
  CachedTable& parent = *tables_[parent_id];
  const Pte entry = parent.words[index];
  const CachedTable* found = Child(parent, index);
  parent.words[index] = 0;
  if (found == nullptr) {
    return;
  }
  parent.children[index / 64] &= ~(uint64_t{1} << (index % 64));
  CachedTable& table = *tables_[IdOf(*found)];
  MmPages totals = Totals(table);
  totals.shared += Marked(entry);
  AddTotals(parent, totals, -1);
  if (table.level == 1) {
    NoteBlock(parent, table.base);
  }
  const bool same = Present(replacement) && PfnOf(replacement) == table.pfn;
  const bool kept = same && (replacement & proto::kPteWritable) >= (entry & proto::kPteWritable);
  if (!kept) {
    NoteLossesBelow(parent, table, entry, replacement);
  }
  const auto at = std::find_if(table.parents.begin(), table.parents.end(), [&](const auto& p) {
    return p.table == parent_id && p.index == index;
  });
  table.parents.erase(at);
  table.shared_entries -= Marked(entry);
  table.writable_entries -= (entry & proto::kPteWritable) != 0;
  frames_.Mark(table.pfn);
  if (table.parents.empty()) {
    Destroy(IdOf(table));
  } else {
    RecomputeRights(table);
  }
}

void TableCache::Destroy(uint32_t id) {
  CachedTable& table = *tables_[id];
  ForEachChild(table, [&](unsigned i, const CachedTable&) { Unlink(id, i, 0); });
  for (unsigned i = 0; table.level == 1 && i < proto::kEntriesPerTable; ++i) {
    if (Present(table.words[i])) {
      RemovePte(table, i);
    }
  }
  frames_.Mark(table.pfn);
  table_of_[table.pfn] = 0;
  tables_[id].reset();
  free_ids_.push_back(id);
}

void TableCache::RecomputeRights(CachedTable& table) {
  inspect::Rights rights{false, false, false};
  for (const CachedTable::Parent& parent : table.parents) {
    const CachedTable& above = *tables_[parent.table];
    const inspect::Rights path = inspect::Below(above.rights, above.words[parent.index]);
    rights.writable |= path.writable;
    rights.user |= path.user;
    rights.executable |= path.executable;
  }
  const bool changed = rights.writable != table.rights.writable;
  table.rights = rights;
  if (!changed) {
    return;
  }
  ForEachChild(table,
               [&](unsigned, const CachedTable& child) { RecomputeRights(*tables_[IdOf(child)]); });
  for (unsigned i = 0; table.level == 1 && i < proto::kEntriesPerTable; ++i) {
    const Pte entry = table.words[i];
    if (Present(entry) && PfnOf(entry) < memory_.frames()) {
      FrameSums& sums = frames_.Change(PfnOf(entry));
      const uint32_t opened = rights.writable ? 1u : ~0u;
      sums.writable += (entry & proto::kPteWritable) != 0 ? opened : 0;
      sums.barred -= opened;
    }
  }
}

}  // namespace fv::oracle
