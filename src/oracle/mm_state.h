// SPDX-License-Identifier: Apache-2.0
//
// What the incremental checker remembers of an address space. Identified by a small number, so that
// the table cache and the mm cache can name one without pointers into each other.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/inspect/snapshot.h"
#include "src/oracle/account_rules.h"

namespace fv::oracle {

// Neighbouring entries that came to allow less than before; the words are the first one's.
struct Reduction {
  uint64_t start;
  uint64_t end;
  proto::Pte before;
  proto::Pte after;
};

struct MmState {
  inspect::Mm mm;                // record, VMAs and tree; leaves stay empty
  std::vector<uint64_t> frames;  // that hold the VMA records, sorted
  MmPages pages;                 // by difference
  uint64_t charged = 0;          // ChargedPages of its VMAs
  int32_t root = -1;             // table number
  bool broken = false;           // its VMAs could not all be read: read them again at every step
  bool fresh = true;             // first seen in this step
  bool read = true;              // record or VMAs were found changed in this step
  bool pages_changed = false;    // in this step, or the record's counters did
  uint64_t flush_before = 0;     // flush_generation at the previous step
  std::vector<Reduction> reductions;  // of this step
  bool tables_replaced = false;       // a page table with entries went, or came to be another
};

// Slots are stable; a free slot is null.
using MmSlots = std::vector<std::unique_ptr<MmState>>;

}  // namespace fv::oracle
