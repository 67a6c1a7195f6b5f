// SPDX-License-Identifier: Apache-2.0
//
// What the operations of Mm (map, unmap, protect, remap, brk, advise, lock) share.
// Locking: the address space's lock.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/mm/mm.h"
#include "guest/mm/tlb_batch.h"
#include "proto/pte.h"

namespace fv::guest {

// An address space without mappings, with users = 1. `adopted`: it has a spare tree whose entries
// are stale (spare_trees.h); the caller clears or overwrites them. `tables`: how many page tables
// it will need, if known. Errors: ENOMEM.
Result<Mm*> CreateMm(uint32_t tables, bool& adopted);

// Remembers the present sizes as peaks if they are. Call before anything shrinks. (Linux:
// update_hiwater_rss, update_hiwater_vm.)
inline void NotePeak(Mm& mm) {
  const uint64_t resident = mm.anon_pages + mm.file_pages;
  mm.hiwater_rss = resident > mm.hiwater_rss ? resident : mm.hiwater_rss;
  mm.hiwater_vm = mm.total_pages > mm.hiwater_vm ? mm.total_pages : mm.hiwater_vm;
}

// The events for a mapping that came to be there from `start` on.
void EmitMap(const Vma& vma, uint64_t start);
inline void EmitMap(const Vma& vma) { EmitMap(vma, vma.start); }

// Unmaps what is mapped in [start, end), page aligned. Errors: ENOMEM, nothing changed.
Status UnmapRange(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch);

// Frees the tables that nothing needs while [start, end) is free of mappings; returns how many.
uint64_t FreeUnusedTables(Mm& mm, uint64_t start, uint64_t end);

// The highest free range of `length` bytes below kMmapTop, or above it if there is none.
// Errors: ENOMEM.
Result<uint64_t> FindFreeArea(Mm& mm, uint64_t length);
// The same, at `hint` if that is free and not 0; else below `ceiling` if that is not 0.
Result<uint64_t> FindFreeAreaNear(Mm& mm, uint64_t hint, uint64_t length, uint64_t ceiling = 0);
// Space from `start` on was freed: the search has to look there again.
void NoteFreedArea(Mm& mm, uint64_t end);

// Whether RLIMIT_AS and RLIMIT_DATA allow `pages` more pages of a mapping with `flags`. (Linux:
// may_expand_vm.)
bool MayExpand(const Mm& mm, uint64_t flags, uint64_t pages);

// Puts a page behind one empty or too weak entry. `pfn` is for the event. Shared by the fault and
// by populate, which makes no events.
struct PageFault {
  Mm& mm;
  Vma& vma;
  uint64_t address;  // page aligned
  FaultAccess access;
  uint64_t pfn = 0;      // the frame that is mapped in the end
  uint64_t old_pfn = 0;  // copy-on-write: the frame that it replaces, or pfn if it was reused
};
FaultResult ResolveFault(PageFault& fault, proto::Pte& slot);
// Whether `vma` allows the access (Linux: access_error).
bool AccessAllowed(const Vma& vma, FaultAccess access);
// Makes [start, end) of `vma` present; stops at the first page that cannot be.
FaultResult PopulateVma(Mm& mm, Vma& vma, uint64_t start, uint64_t end, FaultAccess access);
FaultAccess PopulateAccess(const Vma& vma);

}  // namespace fv::guest
