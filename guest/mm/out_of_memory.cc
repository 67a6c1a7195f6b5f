// SPDX-License-Identifier: Apache-2.0
//
// See out_of_memory.h.
#include "guest/mm/out_of_memory.h"

#include "guest/introspect/introspect.h"
#include "guest/mm/mm.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/tlb_batch.h"

namespace fv::guest {

void ReapMm(Mm& mm) {
  for (const Vma& vma : mm.vma_list()) {
    // Without memory for tables of its own at the edges, what they map stays until the end.
    if (!vma.is_shared() && OwnEdgeTables(mm, vma.start, vma.end).ok()) {
      TlbBatch batch(mm);
      ZapRange(mm, vma.start, vma.end, batch);
    }
  }
  NoteChange(proto::SafepointKind::kFault);
}

}  // namespace fv::guest
