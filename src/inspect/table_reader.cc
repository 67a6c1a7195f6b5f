// SPDX-License-Identifier: Apache-2.0
//
// Depth-first walk from each root. Work is bounded by the number of frames: a frame is copied once,
// and an edge budget bounds how often a shared subtree is entered.
#include "src/inspect/table_reader.h"

#include <string>

#include "src/inspect/list_walk.h"

namespace fv::inspect {
namespace {

using proto::Pte;

class TableWalk {
 public:
  TableWalk(const MemoryReader& memory, Snapshot& snapshot, std::vector<int32_t>& table_of)
      : memory_(memory),
        snapshot_(snapshot),
        table_of_(table_of),
        budget_(8 * memory.frames() + 65536) {}

  void Walk(Mm& mm) {
    mm_ = &mm;
    const uint64_t root = mm.record.root_gpa;
    if (root % proto::kPageBytes != 0 || !memory_.Contains(root, proto::kPageBytes)) {
      Complain(0, "root " + Hex(root) + " is not a frame of guest RAM");
      return;
    }
    const int32_t table = Enter(root >> proto::kPageShift, proto::kPageTableLevels, 0);
    if (table < 0) {
      return;
    }
    ++snapshot_.tables[table].parents;
    Descend(static_cast<uint32_t>(table), Rights{}, Visit::kFirst);
    mm.window_user = WindowOpenToUser(memory_, root, 1 << 16);
  }

 private:
  // A shared table is walked once for each address space; its entries count as parents of the
  // tables below only the first time.
  enum class Visit { kFirst, kAgain };

  void Complain(uint64_t address, const std::string& sentence) {
    if (++complaints_ <= kMaxComplaints) {
      snapshot_.malformed.push_back(
          {Area::kTables, mm_->address, address, "page table: " + sentence});
    }
  }

  // The index of the table in frame `pfn`, copied if it is met for the first time; -1 if it was
  // met as something else.
  int32_t Enter(uint64_t pfn, unsigned level, uint64_t base) {
    ++mm_->table_count;
    int32_t& index = table_of_[pfn];
    if (index < 0) {
      index = static_cast<int32_t>(snapshot_.tables.size());
      snapshot_.tables.push_back({pfn, level, 0, 0, 0, mm_->address, base});
      const size_t at = snapshot_.entries.size();
      snapshot_.entries.resize(at + proto::kEntriesPerTable);
      memory_.LoadPage(pfn, snapshot_.entries.data() + at);
      return index;
    }
    const Table& table = snapshot_.tables[index];
    const bool root_again = level == proto::kPageTableLevels;
    if (table.level != level || table.base != base || root_again) {
      Complain(base, "frame " + Hex(pfn) + " is a table of level " + std::to_string(level) +
                         " for " + Hex(base) + " and of level " + std::to_string(table.level) +
                         " for " + Hex(table.base));
      --mm_->table_count;
      return -1;
    }
    return index;
  }

  void Descend(uint32_t table, Rights rights, Visit visit) {
    const unsigned level = snapshot_.tables[table].level;
    const uint64_t base = snapshot_.tables[table].base;
    if (level == 1) {
      mm_->leaves.push_back({table, base, rights});
      return;
    }
    const unsigned slots = level == proto::kPageTableLevels ? kUserSlots : proto::kEntriesPerTable;
    for (unsigned i = 0; i < slots; ++i) {
      const Pte entry = snapshot_.TableEntries(table)[i];
      if (!Present(entry)) {
        continue;
      }
      Follow(entry, level, base + i * proto::EntrySpan(level), rights, visit);
    }
  }

  void Follow(Pte entry, unsigned level, uint64_t base, Rights rights, Visit visit) {
    if (budget_ == 0) {
      Complain(base, "more entries than a guest of this size can need");
      return;
    }
    --budget_;
    const uint64_t pfn = PfnOf(entry);
    if ((entry & proto::kPteHuge) != 0 || pfn >= memory_.frames()) {
      Complain(base, "entry " + Hex(entry) + " of level " + std::to_string(level) +
                         ((entry & proto::kPteHuge) != 0 ? " maps a huge page, which this kernel "
                                                           "never does for users"
                                                         : " points outside RAM"));
      return;
    }
    const size_t tables_before = snapshot_.tables.size();
    const int32_t child = Enter(pfn, level - 1, base);
    if (child < 0) {
      return;
    }
    mm_->shared_count += (entry & proto::kPteSharedTable) != 0;
    if (visit == Visit::kFirst) {
      Table& table = snapshot_.tables[child];
      ++table.parents;
      table.shared_entries += (entry & proto::kPteSharedTable) != 0;
      table.writable_entries += (entry & proto::kPteWritable) != 0;
    }
    Descend(static_cast<uint32_t>(child), Below(rights, entry),
            snapshot_.tables.size() != tables_before ? Visit::kFirst : Visit::kAgain);
  }

  static constexpr unsigned kMaxComplaints = 1000;

  const MemoryReader& memory_;
  Snapshot& snapshot_;
  std::vector<int32_t>& table_of_;
  uint64_t budget_;
  unsigned complaints_ = 0;
  Mm* mm_ = nullptr;
};

// Looks for a leaf below `entry` that user code may reach.
bool UserLeafBelow(const MemoryReader& memory, Pte entry, unsigned level, uint64_t& budget) {
  if (budget == 0) {
    return true;
  }
  --budget;
  const Pte both = proto::kPtePresent | proto::kPteUser;
  if ((entry & both) != both) {
    return false;
  }
  if (level == 1 || (entry & proto::kPteHuge) != 0 || PfnOf(entry) >= memory.frames()) {
    return true;
  }
  for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
    const Pte below = memory.Word((entry & proto::kPteFrameMask) + i * sizeof(Pte));
    if ((below & both) == both && UserLeafBelow(memory, below, level - 1, budget)) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool WindowOpenToUser(const MemoryReader& memory, uint64_t root_gpa, uint64_t budget) {
  for (unsigned slot = kUserSlots; slot < proto::kEntriesPerTable; ++slot) {
    if (UserLeafBelow(memory, memory.Word(root_gpa + slot * sizeof(Pte)), proto::kPageTableLevels,
                      budget)) {
      return true;
    }
  }
  return false;
}

void ReadTables(const MemoryReader& memory, Snapshot& snapshot, std::vector<int32_t>& table_of) {
  table_of.assign(memory.frames(), -1);
  TableWalk walk(memory, snapshot, table_of);
  for (Mm& mm : snapshot.mms) {
    walk.Walk(mm);
  }
}

}  // namespace fv::inspect
