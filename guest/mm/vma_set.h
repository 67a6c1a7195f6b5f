// SPDX-License-Identifier: Apache-2.0
//
// The mappings of an address space as a set: list by address plus search tree, with the counters
// vma_count and total_pages. Only the operations of Mm use it. Nothing here touches page tables.
// Locking: the address space's lock.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/lib/tree.h"
#include "guest/mm/mm.h"
#include "guest/mm/slab.h"

namespace fv::guest {

// Linux: stack_guard_gap, kept free below a stack.
inline constexpr uint64_t kStackGuardBytes = 256 * proto::kPageBytes;

using VmaTree = AvlTree<Vma, &proto::VmaRecord::left, &proto::VmaRecord::right,
                        &proto::VmaRecord::parent, &proto::VmaRecord::balance>;

constexpr uint64_t PageDown(uint64_t value) { return value & ~(proto::kPageBytes - 1); }
constexpr uint64_t PageUp(uint64_t value) { return PageDown(value + proto::kPageBytes - 1); }

void RegisterVmaCache();

// A mapping that is in no set and no lineage yet, with references to `object` and `source`; or
// nullptr. `page_offset` as in VmaRecord.
Vma* NewVma(Mm& mm, uint64_t start, uint64_t end, uint64_t flags, uint64_t may,
            MemoryObject* object, uint64_t page_offset, MappingSource* source);
// Drops the references and the memory. REQUIRES: in no set.
void DeleteVma(Vma* vma);

// REQUIRES: the range is free.
void InsertVma(Mm& mm, Vma& vma);
// As InsertVma, at the end of the list and not in the tree yet: BuildVmaTree follows. In its
// object's list it stands behind `original`, as Linux has it.
void AppendVma(Mm& mm, Vma& vma, Vma& original);
void BuildVmaTree(Mm& mm);
void RemoveVma(Mm& mm, Vma& vma);

// Whether a split counts against max_map_count: not when one half goes away at once.
enum class SplitLimit : uint8_t { kEnforce, kIgnore };

// Cuts `vma` in two at `at`; returns the upper part (`vma` stays the lower one). ENOMEM: no memory,
// or too many mappings.
Result<Vma*> SplitVma(Mm& mm, Vma& vma, uint64_t at, SplitLimit limit = SplitLimit::kEnforce);
// Cuts so that a mapping starts at `start` and one ends at `end`, wherever these fall inside one.
// Returns the first mapping that ends above `start`, or nullptr. Errors: as SplitVma, no change.
Result<Vma*> IsolateRange(Mm& mm, uint64_t start, uint64_t end,
                          SplitLimit limit = SplitLimit::kEnforce);
// Joins `vma` with its neighbours where they agree in everything; returns the joined mapping.
Vma& MergeVma(Mm& mm, Vma& vma);
// The same for a mapping that has grown upwards: it takes in what has no frames yet, even if a fork
// has made its branch. (Linux: vma_merge_extend.)
void MergeGrown(Mm& mm, Vma& vma);

Vma* PrevVma(Mm& mm, Vma& vma);
Vma* NextVma(Mm& mm, Vma& vma);
// Where the space that `vma` keeps for itself starts: below a stack is its guard.
uint64_t GuardedStart(const Vma& vma);
// True if some mapping overlaps [start, end).
bool RangeInUse(const Mm& mm, uint64_t start, uint64_t end);

}  // namespace fv::guest
