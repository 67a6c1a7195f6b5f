// SPDX-License-Identifier: Apache-2.0
//
// See tlb_batch.h.
#include "guest/mm/tlb_batch.h"

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"

namespace fv::guest {

void TlbBatch::Finish() {
  if (start_ >= end_) {
    return;
  }
  FlushUserRoot(mm_.root_gpa, start_, end_);
  ++mm_.flush_generation;
  EmitEvent(proto::EventKind::kFlush, AddressOf(&mm_), start_, end_, mm_.flush_generation);
  start_ = ~uint64_t{0};
  end_ = 0;
}

}  // namespace fv::guest
