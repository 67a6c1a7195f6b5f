// SPDX-License-Identifier: Apache-2.0
//
// Invariants I1 to I5, I8 and I14 as pure rules over one entry, one frame or one page table. The
// full and the incremental checker differ in how they find and count; what they then demand is
// here.
#pragma once

#include <cstdint>

#include "proto/channel.h"
#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/finding.h"

namespace fv::oracle {

// A present entry of a page table, as one address space sees it.
struct PteSite {
  proto::GuestPtr mm;
  uint64_t address;
  proto::Pte pte;
  inspect::Rights rights;       // what the levels above allow
  const proto::VmaRecord* vma;  // that covers the address, or null
  proto::FrameRecord frame;     // of the frame it maps; only looked at if that is in RAM
};

// I1, I3, I4, I5, I14 as far as one entry tells.
void CheckPte(const inspect::MemoryReader& memory, uint64_t zero_pfn, const PteSite& site,
              Findings& findings);

// What a walk found for one frame.
struct FrameSums {
  uint32_t maps;         // present entries that map it
  uint32_t writable;     // of them, writable by user code
  uint32_t cow;          // of them, marked kPteCow
  uint32_t object_refs;  // objects' trees that hold it
  uint32_t barred;       // of the entries, those in tables that user code cannot write through
};

// I1, I2 and I4 as far as a frame's counts tell. Findings carry the frame only; the caller adds
// an address.
void CheckFrame(uint64_t pfn, const proto::FrameRecord& frame, const FrameSums& sums,
                Findings& findings);

// A page table and the entries that point to it.
struct TableSite {
  uint64_t pfn;
  uint32_t level;
  uint32_t parents;
  uint32_t shared_entries;
  uint32_t writable_entries;
  proto::GuestPtr mm;
  uint64_t base;
  uint64_t anon;  // level 1: entries by the state of the frame
  uint64_t file;
};

// I2, I5 and I8 for a page table.
void CheckTable(const TableSite& site, const proto::FrameRecord& frame, Findings& findings);

// A page-table frame that no walk reached: only its count can be wrong.
void CheckLostTable(uint64_t pfn, const proto::FrameRecord& frame, Findings& findings);

}  // namespace fv::oracle
