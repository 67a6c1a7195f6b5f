// SPDX-License-Identifier: Apache-2.0
//
// Entries of page tables: their contributions, their differences, their rules. What they lost is in
// table_losses.cc.
#include <algorithm>
#include <bit>

#include "src/inspect/list_walk.h"
#include "src/inspect/table_reader.h"
#include "src/oracle/table_owners.h"
#include "src/oracle/vma_rules.h"

namespace fv::oracle {

using inspect::PfnOf;
using inspect::Present;
using proto::FrameState;
using proto::Pte;

namespace {

constexpr Pte kIgnored = proto::kPteAccessed | proto::kPteDirty;

void Set(EntryBits& bits, unsigned i) { bits[i / 64] |= uint64_t{1} << (i % 64); }
bool TakeBit(EntryBits& bits, unsigned i) {
  const uint64_t bit = uint64_t{1} << (i % 64);
  const bool was = (bits[i / 64] & bit) != 0;
  bits[i / 64] &= ~bit;
  return was;
}

// True if `after` is `before` made copy-on-write, as it happens when one of a table's users leaves.
bool OnlyBarred(Pte before, Pte after) {
  const Pte barred = (before & ~proto::kPteWritable) | proto::kPteCow;
  return Present(before) && ((after ^ barred) & ~kIgnored) == 0;
}

}  // namespace

void TableCache::AddSharedChange(const CachedTable& table, unsigned i, Pte now) {
  Finding& finding =
      findings_->Add(Rule::kSharedTableChanged,
                     "an entry of a page table that " + std::to_string(table.parents.size()) +
                         " entries share changed; it was " + inspect::Hex(table.words[i]));
  const int32_t owner = OwnerOf(table);
  finding.mm = owner < 0 ? 0 : mms_[owner]->mm.address;
  finding.address = table.base + i * proto::kPageBytes;
  finding.pte = now;
}

void TableCache::AddPte(CachedTable& table, unsigned i) {
  const Pte pte = table.words[i];
  const uint64_t pfn = PfnOf(pte);
  ++table.present;
  if (pfn >= memory_.frames()) {
    return;
  }
  FrameSums& sums = frames_.Change(pfn);
  frames_.CountFresh(pfn);
  ++sums.maps;
  sums.cow += (pte & proto::kPteCow) != 0;
  sums.writable += (pte & proto::kPteWritable) != 0 && table.rights.writable;
  sums.barred += table.rights.writable ? 0 : 1;
  Classify(table, i);
}

void TableCache::Classify(CachedTable& table, unsigned i) {
  const FrameState state = frames_.record(PfnOf(table.words[i])).state;
  if (state == FrameState::kAnon) {
    Set(table.anon_bits, i);
    ++table.anon;
  } else if (state == FrameState::kFile) {
    Set(table.file_bits, i);
    ++table.file;
  }
}

void TableCache::AddToOwners(const CachedTable& table, uint64_t anon, uint64_t file) {
  ForEachOwner(table, [&](uint32_t mm, inspect::Rights) {
    MmPages& pages = mms_[mm]->pages;
    pages.anon += anon;
    pages.file += file;
    mms_[mm]->pages_changed = true;
  });
}

void TableCache::RemovePte(CachedTable& table, unsigned i) {
  const Pte pte = table.words[i];
  const uint64_t pfn = PfnOf(pte);
  --table.present;
  if (pfn >= memory_.frames()) {
    return;
  }
  FrameSums& sums = frames_.Change(pfn);
  --sums.maps;
  sums.cow -= (pte & proto::kPteCow) != 0;
  sums.writable -= (pte & proto::kPteWritable) != 0 && table.rights.writable;
  sums.barred -= table.rights.writable ? 0 : 1;
  table.anon -= TakeBit(table.anon_bits, i);
  table.file -= TakeBit(table.file_bits, i);
}

// What a fork does to all entries of the parent. They count as found in this step, as new ones do.
void TableCache::ReplacePte(CachedTable& table, unsigned i, Pte now) {
  const Pte before = table.words[i];
  const uint64_t pfn = PfnOf(now);
  table.words[i] = now;
  if (pfn >= memory_.frames()) {
    return;
  }
  FrameSums& sums = frames_.Change(pfn);
  frames_.CountFresh(pfn);
  sums.cow += (now & proto::kPteCow) != 0;
  sums.cow -= (before & proto::kPteCow) != 0;
  if (table.rights.writable) {
    sums.writable += (now & proto::kPteWritable) != 0;
    sums.writable -= (before & proto::kPteWritable) != 0;
  }
  table.anon -= TakeBit(table.anon_bits, i);
  table.file -= TakeBit(table.file_bits, i);
  Classify(table, i);
}

void TableCache::DiffLeaf(uint32_t id) {
  CachedTable& table = *tables_[id];
  std::array<Pte, proto::kEntriesPerTable> now;
  memory_.LoadPage(table.pfn, now.data());
  const uint32_t anon = table.anon;
  const uint32_t file = table.file;
  EntryBits changed{};
  std::vector<Owner> owners;  // from the first difference on
  bool any = false;
  for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
    const Pte before = table.words[i];
    if (((before ^ now[i]) & ~kIgnored) == 0) {
      table.words[i] = now[i];
      continue;
    }
    if (!any) {
      any = true;
      owners = OwnersOf(table);
    }
    NoteLoss(owners, table, i, before, now[i]);
    if (table.shared_entries >= 2 && !OnlyBarred(before, now[i])) {
      AddSharedChange(table, i, now[i]);
    }
    if (Present(before) && Present(now[i]) && PfnOf(before) == PfnOf(now[i])) {
      ReplacePte(table, i, now[i]);
      Set(changed, i);
      continue;
    }
    if (Present(before)) {
      RemovePte(table, i);
    }
    table.words[i] = now[i];
    if (Present(now[i])) {
      AddPte(table, i);
      Set(changed, i);
    }
  }
  if (!any) {
    return;
  }
  NoteBlock(table, table.base);
  AddToOwners(table, uint64_t{table.anon} - anon, uint64_t{table.file} - file);
  CheckEntries(table, changed);
}

void TableCache::CheckEntries(const CachedTable& table, const EntryBits& which) {
  ForEachOwner(table, [&](uint32_t mm, inspect::Rights rights) {
    const std::vector<inspect::Vma>& vmas = mms_[mm]->mm.vmas;
    PteSite site{mms_[mm]->mm.address, 0, 0, rights, nullptr, {}};
    for (unsigned word = 0; word < which.size(); ++word) {
      for (uint64_t bits = which[word]; bits != 0; bits &= bits - 1) {
        const unsigned i = word * 64 + static_cast<unsigned>(std::countr_zero(bits));
        site.pte = table.words[i];
        if (!Present(site.pte)) {
          continue;
        }
        ++walked_ptes_;
        site.address = table.base + i * proto::kPageBytes;
        if (site.vma == nullptr || site.address < site.vma->start ||
            site.address >= site.vma->end) {
          site.vma = FindVma(vmas, site.address);
        }
        const uint64_t pfn = PfnOf(site.pte);
        site.frame = pfn < memory_.frames() ? frames_.record(pfn) : proto::FrameRecord{};
        CheckPte(memory_, zero_pfn_, site, *findings_);
      }
    }
  });
}

void TableCache::RecheckRange(uint32_t mm, uint64_t start, uint64_t end) {
  ForEachLeaf(mm, [&](const CachedTable& table) {
    const uint64_t table_end = table.base + proto::EntrySpan(2);
    if (table_end <= start || end <= table.base || table.created == frames_.step()) {
      return;
    }
    EntryBits which{};
    const uint64_t from = start > table.base ? (start - table.base) >> proto::kPageShift : 0;
    const uint64_t to = end < table_end
                            ? (end - table.base + proto::kPageBytes - 1) >> proto::kPageShift
                            : proto::kEntriesPerTable;
    for (uint64_t i = from; i < to; ++i) {
      Set(which, static_cast<unsigned>(i));
    }
    CheckEntries(table, which);
  });
}

void TableCache::RecheckFrames(const std::vector<uint64_t>& frames) {
  for (const auto& table : tables_) {
    if (table == nullptr || table->level != 1 || table->created == frames_.step()) {
      continue;
    }
    EntryBits which{};
    const uint32_t anon = table->anon;
    const uint32_t file = table->file;
    for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
      if (Present(table->words[i]) &&
          std::binary_search(frames.begin(), frames.end(), PfnOf(table->words[i]))) {
        Set(which, i);
        table->anon -= TakeBit(table->anon_bits, i);
        table->file -= TakeBit(table->file_bits, i);
        Classify(*table, i);
      }
    }
    AddToOwners(*table, uint64_t{table->anon} - anon, uint64_t{table->file} - file);
    CheckEntries(*table, which);
  }
}

int32_t TableCache::OwnerOf(const CachedTable& table) const {
  int32_t owner = -1;
  ForEachOwner(table, [&](uint32_t mm, inspect::Rights) {
    owner = owner < 0 ? static_cast<int32_t>(mm) : owner;
  });
  return owner;
}

void TableCache::Locate(Findings& findings) const {
  constexpr size_t kMostSearches = 64;  // each reads every entry
  size_t searches = 0;
  for (Finding& finding : findings.list()) {
    if (!finding.pfn || finding.mm != 0 || ++searches > kMostSearches) {
      continue;
    }
    for (const auto& table : tables_) {
      for (unsigned i = 0; table != nullptr && table->level == 1 && i < table->words.size(); ++i) {
        const Pte pte = table->words[i];
        const bool better = finding.mm == 0 || ((pte & proto::kPteWritable) != 0 &&
                                                (*finding.pte & proto::kPteWritable) == 0);
        const int32_t owner =
            Present(pte) && PfnOf(pte) == *finding.pfn && better ? OwnerOf(*table) : -1;
        if (owner >= 0) {
          finding.mm = mms_[owner]->mm.address;
          finding.address = table->base + i * proto::kPageBytes;
          finding.pte = pte;
        }
      }
    }
  }
}

}  // namespace fv::oracle
