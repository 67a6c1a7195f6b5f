// SPDX-License-Identifier: Apache-2.0
//
// Who maps what: the entries of all address spaces of a snapshot, by address space and by frame.
// A page table that several address spaces share counts in each of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/inspect/snapshot.h"
#include "src/inspect/table_reader.h"

namespace fv::query {

// An entry as an address space sees it.
struct Mapping {
  const inspect::Mm* mm = nullptr;
  uint64_t address = 0;
  proto::Pte pte = 0;
  bool shared_table = false;  // its page table is, or an upper one
  bool writable = false;      // the entry and everything above it allow writing
};

// Calls `visit(const Mapping&)` for each entry of `mm` that is not zero, by address.
template <typename Visit>
void ForEachMapping(const inspect::Snapshot& snapshot, const inspect::Mm& mm, Visit visit) {
  for (const inspect::LeafTable& leaf : mm.leaves) {
    const proto::Pte* entries = snapshot.TableEntries(leaf.table);
    const bool shared = snapshot.tables[leaf.table].shared_entries != 0;
    for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
      if (entries[i] == 0) continue;
      visit(Mapping{&mm, leaf.base + (uint64_t{i} << proto::kPageShift), entries[i], shared,
                    leaf.rights.writable && (entries[i] & proto::kPteWritable) != 0});
    }
  }
}

// Whether the entry refers to a frame that is counted: not the zero frame, not a guard.
inline bool MapsCountedFrame(proto::Pte pte) {
  return inspect::Present(pte) && (pte & proto::kPteZero) == 0;
}

class MappingIndex {
 public:
  explicit MappingIndex(const inspect::Snapshot& snapshot);

  // How many entries map the frame.
  uint32_t Count(uint64_t pfn) const { return pfn < counts_.size() ? counts_[pfn] : 0; }
  // Mapped by this one entry alone, and private: a write would not copy it.
  bool IsExclusive(const Mapping& mapping) const;
  // All of them; looks through every table.
  std::vector<Mapping> Of(uint64_t pfn) const;

 private:
  const inspect::Snapshot& snapshot_;
  std::vector<uint32_t> counts_;
};

// "2 fork_two_pages", of the first task that uses the address space; "-" if none does.
std::string UserOf(const inspect::Snapshot& snapshot, const inspect::Mm& mm);
// The address space of a task; nullptr: no such task, or it has none (any more).
const inspect::Mm* MmOfPid(const inspect::Snapshot& snapshot, uint32_t pid);
const inspect::Vma* VmaAt(const inspect::Mm& mm, uint64_t address);

// What an entry lets the user do, as in /proc/PID/maps, with `c` for a write that would copy first:
// "r-x", "rw-", "rc-", "---".
std::string RightsText(const Mapping& mapping, const inspect::Vma* vma);
// "anon", "file", "zero", "guard", ...: what lies behind an entry.
std::string KindText(const inspect::Snapshot& snapshot, proto::Pte pte);

}  // namespace fv::query
