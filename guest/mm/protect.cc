// SPDX-License-Identifier: Apache-2.0
//
// mprotect and brk. See mm.h.
#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/mm/commit.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

// A mapping that becomes writable is charged from then on, also when it is made read-only again: it
// may hold pages of its own. One that never held any gives its charge back. Adjusts kVmAccount in
// `flags`. Errors: ENOMEM. (Linux: mprotect_fixup.)
Status AdjustCharge(const Mm& mm, const Vma& vma, uint64_t pages, uint64_t& flags,
                    CommitCharge& charge) {
  constexpr uint64_t kNeverCharged =
      proto::kVmAccount | proto::kVmWrite | proto::kVmShared | proto::kVmNoReserve;
  if ((flags & proto::kVmWrite) == 0) {
    const bool unused = vma.object == 0 && vma.lineage == 0;
    flags &= ~(unused ? proto::kVmAccount : 0);
  } else if ((vma.flags & kNeverCharged) == 0) {
    TRY(charge.Take(mm, pages));
    flags |= proto::kVmAccount;
  }
  return Ok();
}

// One mapping, or the part of it in the range. Errors: EACCES, ENOMEM.
Result<Vma*> ProtectVma(Mm& mm, Vma& vma, uint64_t start, uint64_t end, uint64_t access,
                        TlbBatch& batch) {
  if ((access & ~vma.may) != 0) {
    return Error(EACCES);
  }
  uint64_t flags = (vma.flags & ~kVmAccess) | access;
  if (flags == vma.flags) {
    return &vma;
  }
  const uint64_t pages = (end - start) >> proto::kPageShift;
  if (!MayExpand(mm, flags, pages) && MayExpand(mm, vma.flags, pages)) {
    return Error(ENOMEM);  // it would become data, and there may be no more of that
  }
  CommitCharge charge;
  TRY(AdjustCharge(mm, vma, pages, flags, charge));
  if (!HasMutant(Mutant::kSharedProtected)) {
    TRY(OwnTables(mm, start, end));
  }
  Vma* part = TRY(IsolateRange(mm, start, end));
  charge.Keep();
  UnchargeCommit((part->flags & ~flags & proto::kVmAccount) != 0 ? pages : 0);
  part->flags = flags;
  ProtectRange(mm, start, end, flags, batch);
  EmitEvent(proto::EventKind::kProtect, start, end, flags, AddressOf(&mm));
  return &MergeVma(mm, *part);
}

}  // namespace

Status Mm::Protect(uint64_t address, uint64_t length, uint64_t access) {
  if ((address & (proto::kPageBytes - 1)) != 0) {
    return Error(EINVAL);
  }
  if (length == 0) {
    return Ok();
  }
  const uint64_t end = address + PageUp(length);
  if (end <= address) {
    return Error(ENOMEM);
  }
  Vma* vma = FindVma(address);
  if (vma == nullptr) {
    return Error(ENOMEM);
  }
  NoteChange(proto::SafepointKind::kSyscall);
  TlbBatch batch(*this);
  uint64_t at = address;
  while (at < end) {
    if (vma == nullptr || vma->start > at) {
      return Error(ENOMEM);  // what came before stays changed, as on Linux
    }
    const uint64_t stop = vma->end < end ? vma->end : end;
    vma = TRY(ProtectVma(*this, *vma, at, stop, access, batch));
    at = stop;
    if (vma->end <= at) {
      vma = NextVma(*this, *vma);
    }
  }
  return Ok();
}

uint64_t Mm::SetBrk(uint64_t address) {
  if (address < start_brk || address > proto::kUserEnd) {
    return brk;
  }
  if (limits.data != kNoLimit && address - start_brk + (end_data - start_data) > limits.data) {
    return brk;
  }
  const uint64_t old_end = PageUp(brk);
  const uint64_t new_end = PageUp(address);
  if (new_end < old_end) {
    const Vma* heap = FindVmaFrom(new_end);
    if (heap == nullptr || heap->start >= old_end) {
      return brk;
    }
    TlbBatch batch(*this);
    if (!UnmapRange(*this, new_end, old_end, batch).ok()) {
      return brk;
    }
    NoteChange(proto::SafepointKind::kSyscall);
  } else if (new_end > old_end) {
    const Vma* next = FindVmaFrom(old_end);
    if (next != nullptr && new_end + proto::kPageBytes > GuardedStart(*next)) {
      return brk;  // a page stays free between the heap and what is above
    }
    MapRequest request;
    request.address = old_end;
    request.length = new_end - old_end;
    request.flags = proto::kVmRead | proto::kVmWrite | proto::kVmHeap;
    request.placement = MapPlacement::kFixedNoReplace;
    if (!Map(request).ok()) {
      return brk;
    }
  }
  brk = address;
  return brk;
}

}  // namespace fv::guest
