// SPDX-License-Identifier: Apache-2.0
//
// I7's first half: which pages user code may do less with than at the step before. What counts is
// the way from the root as a whole: an entry behind a page table that was not writable did not
// allow writing.
#include <algorithm>
#include <array>

#include "src/inspect/table_reader.h"
#include "src/oracle/table_owners.h"

namespace fv::oracle {

using inspect::PfnOf;
using inspect::Present;
using proto::Pte;

namespace {

// The entry without what the way to it does not allow.
Pte Behind(inspect::Rights rights, Pte pte) {
  return pte & ~(rights.writable ? 0 : proto::kPteWritable) & ~(rights.user ? 0 : proto::kPteUser);
}

// True if `after` lets user code do less than `before`, or reach another frame.
bool Reduces(Pte before, Pte after) {
  if (!Present(before)) {
    return false;
  }
  const Pte lost = before & ~after & (proto::kPtePresent | proto::kPteWritable | proto::kPteUser);
  const bool no_exec = (after & ~before & proto::kPteNoExecute) != 0;
  return lost != 0 || no_exec || PfnOf(before) != PfnOf(after);
}

void AddReduction(MmState& state, uint64_t start, Pte before, Pte after) {
  std::vector<Reduction>& all = state.reductions;
  if (!all.empty() && all.back().end == start) {
    all.back().end += proto::kPageBytes;
  } else {
    all.push_back({start, start + proto::kPageBytes, before, after});
  }
}

}  // namespace

std::vector<TableCache::Owner> TableCache::OwnersOf(const CachedTable& table) const {
  std::vector<Owner> owners;
  ForEachOwner(table, [&](uint32_t mm, inspect::Rights rights) { owners.push_back({mm, rights}); });
  return owners;
}

void TableCache::NoteLoss(const std::vector<Owner>& owners, const CachedTable& table, unsigned i,
                          Pte before, Pte after) {
  if (!Reduces(before, after)) {
    return;
  }
  for (const Owner& owner : owners) {
    if (Reduces(Behind(owner.rights, before), Behind(owner.rights, after))) {
      AddReduction(*mms_[owner.mm], table.base + i * proto::kPageBytes, before, after);
    }
  }
}

void TableCache::NoteLossesOf(const std::vector<uint32_t>& owners, const CachedTable& table,
                              inspect::Rights before, Pte replacement, inspect::Rights after) {
  const bool in_ram = Present(replacement) && PfnOf(replacement) < memory_.frames();
  if (table.level > 1) {
    const bool same = in_ram && PfnOf(replacement) == table.pfn;
    ForEachChild(table, [&](unsigned i, const CachedTable& child) {
      const Pte entry = table.words[i];
      NoteLossesOf(owners, child, inspect::Below(before, entry), same ? entry : 0,
                   inspect::Below(after, entry));
    });
    return;
  }
  std::array<Pte, proto::kEntriesPerTable> now{};
  if (in_ram) {
    memory_.LoadPage(PfnOf(replacement), now.data());
  }
  for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
    if (!Reduces(Behind(before, table.words[i]), Behind(after, now[i]))) {
      continue;
    }
    for (const uint32_t mm : owners) {
      AddReduction(*mms_[mm], table.base + i * proto::kPageBytes, table.words[i], now[i]);
    }
  }
  for (const uint32_t mm : owners) {
    const bool other = !in_ram || PfnOf(replacement) != table.pfn;
    mms_[mm]->tables_replaced |= other && table.present != 0;
  }
}

void TableCache::NoteLossesBelow(const CachedTable& parent, const CachedTable& table, Pte entry,
                                 Pte replacement) {
  std::vector<uint32_t> owners;
  ForEachOwner(parent, [&](uint32_t mm, inspect::Rights) { owners.push_back(mm); });
  NoteLossesOf(owners, table, inspect::Below(parent.rights, entry), replacement,
               inspect::Below(parent.rights, replacement));
}

}  // namespace fv::oracle
