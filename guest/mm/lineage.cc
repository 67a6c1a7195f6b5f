// SPDX-License-Identifier: Apache-2.0
//
// See lineage.h.
#include "guest/mm/lineage.h"

#include "guest/lib/print.h"
#include "guest/mm/slab.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

constinit SlabCache<Lineage> lineage_cache("anon_lineage");

// Branches that there have been, and two for each: odd numbers are those of forks.
constinit uint64_t last_branch = 0;
uint64_t NewBranch() { return last_branch += 2; }
uint64_t NewForkedBranch() { return NewBranch() + 1; }

void Enter(Vma& vma, uint64_t branch, Lineage& lineage, Vma* after) {
  FV_CHECK(vma.lineage == 0);
  vma.lineage = AddressOf(&lineage);
  vma.branch = branch;
  ++lineage.count;
  if (after != nullptr) {
    lineage.member_list().InsertAfter(*after, vma);
  } else {
    lineage.member_list().PushBack(vma);
  }
}

// Whether the two could be one mapping if their access rights were the same: they are often parts
// of one that mprotect cut before either had a frame. (Linux: anon_vma_compatible.)
bool AreKin(const Vma& lower, const Vma& upper) {
  constexpr uint64_t kMayDiffer = kVmAccess | proto::kVmAccount;
  return lower.end == upper.start && ((lower.flags ^ upper.flags) & ~kMayDiffer) == 0 &&
         lower.object == upper.object && lower.source() == upper.source() &&
         lower.page_offset + lower.page_count() == upper.page_offset;
}

// Whether a mapping without a lineage may take that of `neighbour`. (Linux: reusable_anon_vma.)
bool IsOpen(const Vma* neighbour) {
  return neighbour != nullptr && neighbour->lineage != 0 && !IsForkedBranch(neighbour->branch);
}

}  // namespace

void RegisterLineageCache() { lineage_cache.Register(); }

Status EnsureLineage(Mm& mm, Vma& vma) {
  if (vma.lineage != 0) [[likely]] {
    return Ok();
  }
  const Vma* next = NextVma(mm, vma);
  if (IsOpen(next) && AreKin(vma, *next)) {
    JoinLineage(vma, *next);
    return Ok();
  }
  const Vma* prev = PrevVma(mm, vma);
  if (IsOpen(prev) && AreKin(*prev, vma)) {
    JoinLineage(vma, *prev);
    return Ok();
  }
  Lineage* lineage = lineage_cache.New();
  if (lineage == nullptr) {
    return Error(ENOMEM);
  }
  lineage->magic = proto::kLineageMagic;
  lineage->count = 0;
  InitHead(lineage->members);
  Enter(vma, NewBranch(), *lineage, nullptr);
  return Ok();
}

void JoinLineage(Vma& vma, const Vma& relative) {
  if (relative.lineage != 0) {
    Enter(vma, relative.branch, *LineageOf(relative), const_cast<Vma*>(&relative));
  }
}

void InheritLineage(Vma& vma, const Vma& parent) {
  if (parent.lineage != 0) {
    Enter(vma, NewForkedBranch(), *LineageOf(parent), const_cast<Vma*>(&parent));
  }
}

void LeaveLineage(Vma& vma) {
  Lineage* lineage = LineageOf(vma);
  if (lineage == nullptr) {
    return;
  }
  vma.lineage = 0;
  vma.branch = 0;
  Lineage::MemberList::Remove(vma);
  if (--lineage->count == 0) {
    lineage->magic = 0;
    lineage_cache.Delete(lineage);
  }
}

}  // namespace fv::guest
