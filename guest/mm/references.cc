// SPDX-License-Identifier: Apache-2.0
//
// See references.h.
#include "guest/mm/references.h"

#include "guest/mm/page_table.h"
#include "guest/mm/reverse_map.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/tlb_batch.h"

namespace fv::guest {

using proto::Pte;

Status ClearReferences(Mm& mm, ReferenceKinds kinds) {
  TlbBatch batch(mm);
  for (const Vma& vma : mm.vma_list()) {
    const bool file = vma.object != 0;
    if (kinds != ReferenceKinds::kAll && file != (kinds == ReferenceKinds::kFiles)) {
      continue;
    }
    TRY(ClearAccessed(mm, vma.start, vma.end, batch));
  }
  return Ok();
}

Status ClearAccessed(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch) {
  TRY(OwnTables(mm, start, end));
  ForEachTable(mm, start, end, [&](Pte* table, uint64_t va, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      if ((table[i] & proto::kPteAccessed) != 0) {
        table[i] &= ~proto::kPteAccessed;
        batch.Add(va + (i << proto::kPageShift));
      }
    }
    return true;
  });
  return Ok();
}

bool IsIdle(uint64_t pfn) {
  bool mapped = false;
  bool used = false;
  ForEachEntryOf(pfn, [&](const Vma&, uint64_t, const Pte& pte) {
    mapped = true;
    used = used || (pte & proto::kPteAccessed) != 0;
  });
  return mapped && !used;
}

void MakeIdle(uint64_t pfn) {
  ForEachEntryOf(pfn, [](const Vma& vma, uint64_t address, const Pte& pte) {
    Mm& mm = *reinterpret_cast<Mm*>(vma.mm);
    if ((pte & proto::kPteAccessed) != 0) {
      TlbBatch batch(mm);
      // Without memory for a table of its own the page counts as used.
      (void)ClearAccessed(mm, address, address + proto::kPageBytes, batch);
    }
  });
}

}  // namespace fv::guest
