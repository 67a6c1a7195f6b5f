// SPDX-License-Identifier: Apache-2.0
//
// Guards (madvise(2), MADV_GUARD_INSTALL): pages that fault on every access, without a mapping of
// their own. A guard is an entry for the zero frame that the user cannot reach (kPteGuard);
// mprotect leaves it alone, fork copies it, mremap moves it, and only munmap and MADV_GUARD_REMOVE
// take it away. A mapping that may have guards says so (kVmMaybeGuard), for /proc/PID/smaps.
// Locking: the address space's lock.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/mm/mm.h"
#include "guest/mm/tlb_batch.h"
#include "proto/pte.h"

namespace fv::guest {

constexpr bool IsGuard(proto::Pte pte) { return (pte & proto::kPteGuard) != 0; }

// Puts guards into [start, end) of `vma`; what was there goes. Errors: ENOMEM (a part may be done).
Status InstallGuards(Mm& mm, Vma& vma, uint64_t start, uint64_t end, TlbBatch& batch);
// Errors: ENOMEM.
Status RemoveGuards(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch);

}  // namespace fv::guest
