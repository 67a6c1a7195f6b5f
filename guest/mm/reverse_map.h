// SPDX-License-Identifier: Apache-2.0
//
// The reverse map: from a frame to every entry that maps it. An anonymous frame is looked for in
// the mappings of its lineage, a file's in those of its object; in each at the one address that its
// page index gives. (Linux: mm/rmap.c, rmap_walk.)
// Locking: the lineage's or the object's lock around the walk, and each address space's around its
// visit.
#pragma once

#include <cstdint>

#include "guest/mm/lineage.h"
#include "guest/mm/mm.h"
#include "guest/mm/page_table.h"

namespace fv::guest {

// The mappings that may map `pfn`: a list of VMAs through one of two links. Empty for a frame that
// nobody maps, whose origin may be gone.
struct Candidates {
  Lineage* lineage = nullptr;
  MemoryObject* object = nullptr;
  uint32_t index = 0;  // the low bits of the page index
};
Candidates FindCandidates(uint64_t pfn);

// The entry of `vma` that maps `pfn` at a page index with these low bits, from `address` on (set to
// its place), or nullptr.
proto::Pte* FindEntry(const Vma& vma, uint32_t index, uint64_t pfn, uint64_t& address);

// Calls visit(Vma&, address, Pte&) for every entry that maps `pfn`. `visit` must not change
// mappings.
template <typename Visit>
void ForEachEntryOf(uint64_t pfn, Visit visit) {
  const Candidates candidates = FindCandidates(pfn);
  const auto look = [&](Vma& vma) {
    uint64_t address = vma.start;
    while (proto::Pte* pte = FindEntry(vma, candidates.index, pfn, address)) {
      visit(vma, address, *pte);
      address += proto::kPageBytes;
    }
  };
  if (candidates.lineage != nullptr) {
    for (Vma& vma : candidates.lineage->member_list()) {
      look(vma);
    }
  } else if (candidates.object != nullptr) {
    for (Vma& vma :
         ListView<Vma, &proto::VmaRecord::object_link>(candidates.object->mapping_list())) {
      look(vma);
    }
  }
}

// How many entries map `pfn`. (Linux: folio_mapcount.) By the frame's count, without a walk. The
// entry of a table that several address spaces share counts once.
uint64_t MapCount(uint64_t pfn);
// How many times `pfn`, mapped at `address` of `mm`, is mapped in all: each address space that
// shares the table of that entry counts.
uint64_t MappersOf(const Mm& mm, uint64_t address, uint64_t pfn);

}  // namespace fv::guest
