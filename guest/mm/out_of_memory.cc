// SPDX-License-Identifier: Apache-2.0
//
// See out_of_memory.h.
#include "guest/mm/out_of_memory.h"

#include "guest/introspect/introspect.h"
#include "guest/mm/mm.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/tlb_batch.h"

namespace fv::guest {

void ReapMm(Mm& mm) {
  for (const Vma& vma : mm.vma_list()) {
    if (!vma.is_shared()) {
      TlbBatch batch(mm);
      ZapRange(mm, vma.start, vma.end, batch);
    }
  }
  NoteChange(proto::SafepointKind::kFault);
}

}  // namespace fv::guest
