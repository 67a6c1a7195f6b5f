// SPDX-License-Identifier: Apache-2.0
//
// Copying an address space at fork (Linux: dup_mm = dup_mmap + copy_page_range). A ForkStrategy
// says how the pages of one mapping get into the child; fork_registry.h has those of this kernel.
//
// Failure leaves nothing behind: the half-made child is torn down as any address space is, and the
// parent's entries that became copy-on-write stay so; its next write makes them writable again.
// Context: the parent's lock is held for the whole copy (Linux: mmap_lock for writing).
#pragma once

#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

class Mm;
class StaleEntries;
struct Vma;

// What a fork did, for ForkEnd and the phases.
struct ForkCounts {
  uint64_t vmas = 0;            // copied (DONTCOPY ones are not)
  uint64_t ptes = 0;            // present entries copied
  uint64_t tables = 0;          // page-table frames of the child, shared ones included
  uint64_t shared_tables = 0;   // of them, shared with the parent (ondemand)
  uint64_t protected_ptes = 0;  // entries of the parent that lost write permission
  uint64_t hot_pages = 0;       // pages copied ahead (HotPages)
  uint64_t vma_cycles = 0;      // TSC, phase Vmas
  uint64_t table_cycles = 0;    // TSC, phase Tables
};

// User addresses that parent and child are certain to write at once after the fork (the page under
// the stack pointer, the thread block): the child gets its own copy of those pages and the parent
// keeps its page writable, so that neither faults. Purely an optimisation: an address without an
// exclusive writable page behind it is ignored, and so is lack of memory.
struct HotPages {
  static constexpr unsigned kMax = 4;
  uint64_t address[kMax] = {};
  unsigned count = 0;
  void Add(uint64_t user_address) {
    if (count < kMax) {
      address[count++] = user_address;
    }
  }
};

class ForkStrategy {
 public:
  // Gives `child` what `parent` has in the mapping `from`; `to` is the child's mapping. The child's
  // tables may be those of an earlier process: entries of the range are overwritten or cleared
  // through `stale`, which is filled up to the mapping's start (and to its end afterwards).
  virtual Status CopyPages(Mm& parent, const Vma& from, Mm& child, Vma& to, StaleEntries& stale,
                           ForkCounts& counts) const = 0;

 protected:
  ~ForkStrategy() = default;
};

// A copy of `parent` with users = 1, by `strategy` or else the parent's own. Errors: ENOMEM.
Result<Mm*> DupMm(Mm& parent, ForkCounts& counts, const HotPages& hot = {},
                  const ForkStrategy* strategy = nullptr);

}  // namespace fv::guest
