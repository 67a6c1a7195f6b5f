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

void Enter(Vma& vma, Lineage& lineage, Vma* after) {
  vma.lineage = AddressOf(&lineage);
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

}  // namespace

void RegisterLineageCache() { lineage_cache.Register(); }

Status EnsureLineage(Mm& mm, Vma& vma) {
  if (vma.lineage != 0) [[likely]] {
    return Ok();
  }
  Vma* prev = PrevVma(mm, vma);
  Vma* next = NextVma(mm, vma);
  if (prev != nullptr && prev->lineage != 0 && AreKin(*prev, vma)) {
    JoinLineage(vma, *prev);
    return Ok();
  }
  if (next != nullptr && next->lineage != 0 && AreKin(vma, *next)) {
    JoinLineage(vma, *next);
    return Ok();
  }
  Lineage* lineage = lineage_cache.New();
  if (lineage == nullptr) {
    return Error(ENOMEM);
  }
  lineage->magic = proto::kLineageMagic;
  lineage->count = 0;
  InitHead(lineage->members);
  Enter(vma, *lineage, nullptr);
  return Ok();
}

void JoinLineage(Vma& vma, const Vma& relative) {
  FV_CHECK(vma.lineage == 0);
  if (relative.lineage != 0) {
    Enter(vma, *LineageOf(relative), const_cast<Vma*>(&relative));
  }
}

void LeaveLineage(Vma& vma) {
  Lineage* lineage = LineageOf(vma);
  if (lineage == nullptr) {
    return;
  }
  vma.lineage = 0;
  Lineage::MemberList::Remove(vma);
  if (--lineage->count == 0) {
    lineage->magic = 0;
    lineage_cache.Delete(lineage);
  }
}

}  // namespace fv::guest
