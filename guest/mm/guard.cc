// SPDX-License-Identifier: Apache-2.0
//
// See guard.h.
#include "guest/mm/guard.h"

#include "guest/mm/lineage.h"
#include "guest/mm/page_table.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/shared_tables.h"

namespace fv::guest {

using proto::Pte;

Status InstallGuards(Mm& mm, Vma& vma, uint64_t start, uint64_t end, TlbBatch& batch) {
  const Pte guard = ZeroPfn() << proto::kPageShift | proto::kPtePresent | proto::kPteZero |
                    proto::kPteGuard | proto::kPteNoExecute;
  if (!vma.is_shared()) {
    TRY(EnsureLineage(mm, vma));  // by which fork knows that there is something to copy
  }
  TRY(OwnTables(mm, start, end));
  ZapRange(mm, start, end, batch);
  for (uint64_t va = start; va < end; va += proto::kPageBytes) {
    *TRY(EnsurePte(mm, va)) = guard;
    vma.flags |= proto::kVmMaybeGuard;
  }
  return Ok();
}

Status RemoveGuards(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch) {
  TRY(OwnTables(mm, start, end));
  ForEachTable(mm, start, end, [&](Pte* table, uint64_t va, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      if (IsGuard(table[i])) {
        table[i] = 0;
        batch.Add(va + (i << proto::kPageShift));
      }
    }
    return true;
  });
  return Ok();
}

}  // namespace fv::guest
