// SPDX-License-Identifier: Apache-2.0
//
// The accessed bits of entries as a record of use: cleared to find out later what was touched
// since. Locking: the address space's lock; IsIdle and MakeIdle as ForEachEntryOf (reverse_map.h).
#pragma once

#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

class Mm;
class TlbBatch;

enum class ReferenceKinds : uint8_t { kAll, kAnonymous, kFiles };

// Clears the accessed bits of mappings without a file, with one, or of all, and flushes
// (/proc/PID/clear_refs). Errors: ENOMEM.
Status ClearReferences(Mm& mm, ReferenceKinds kinds);

// The same for [start, end); the flush is the caller's (MADV_COLD). Errors: ENOMEM.
Status ClearAccessed(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch);

// A frame is idle if it is mapped and nobody that maps it has used it since it was made idle
// (Linux: Documentation/admin-guide/mm/idle_page_tracking.rst, without a flag of its own).
bool IsIdle(uint64_t pfn);
void MakeIdle(uint64_t pfn);

}  // namespace fv::guest
