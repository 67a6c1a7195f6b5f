// SPDX-License-Identifier: Apache-2.0
//
// What fork strategies share: which mappings a child gets, and the classic copy of one table.
#pragma once

#include <cstdint>

#include "guest/lib/mutants.h"
#include "guest/mm/fork.h"
#include "guest/mm/vma.h"
#include "proto/pte.h"

namespace fv::guest {

// Whether the child gets the mapping at all (not after MADV_DONTFORK) ...
inline bool IsCopiedAtFork(const Vma& vma) {
  return (vma.flags & proto::kVmDontCopy) == 0 || HasMutant(Mutant::kDontCopyCopied);
}
// ... and what is in it (not after MADV_WIPEONFORK; nor where only the zero page can be, which
// mincore(2) would show). (Linux: vma_needs_copy.)
inline bool HasPagesToCopy(const Vma& vma) {
  const bool wiped = (vma.flags & proto::kVmWipeOnFork) != 0 && !HasMutant(Mutant::kWipeForgotten);
  return !wiped && (vma.object != 0 || vma.lineage != 0);
}

// Copies the `count` entries from `table` on, the first for `va`, all of `vma`, into the child's
// tables as the classic strategy does. The table is the parent's own. Errors: ENOMEM.
Status CopyTablePart(proto::Pte* table, uint64_t va, uint64_t count, const Vma& vma, Mm& child,
                     StaleEntries& stale, ForkCounts& counts);

}  // namespace fv::guest
