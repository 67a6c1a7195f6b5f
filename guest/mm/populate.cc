// SPDX-License-Identifier: Apache-2.0
//
// Making pages present ahead of use: MAP_POPULATE, mlock, MADV_POPULATE_*; and asking whether they
// are (mincore). No fault events: nobody faulted.
#include "guest/mm/guard.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {

// One mapping's part [start, end). A table is looked up once for the entries in it.
FaultResult PopulateVma(Mm& mm, Vma& vma, uint64_t start, uint64_t end, FaultAccess access) {
  if (!AccessAllowed(vma, access)) {
    return FaultResult::kSegvAccErr;
  }
  proto::Pte* slot = nullptr;
  for (uint64_t va = start; va < end; va += proto::kPageBytes) {
    if (slot == nullptr || proto::TableIndex(va, 1) == 0) {
      Result<proto::Pte*> found = EnsureOwnPte(mm, va);
      if (!found.ok()) {
        return FaultResult::kOutOfMemory;
      }
      slot = found.value();
    }
    PageFault fault{mm, vma, va, access};
    const FaultResult result = ResolveFault(fault, *slot);
    if (result != FaultResult::kHandled) {
      return result;
    }
    ++slot;
  }
  return FaultResult::kHandled;
}

// What populate and mlock ask for: a write where it is the mapping's own memory, so that no fault
// follows. (Linux: populate_vma_page_range.)
FaultAccess PopulateAccess(const Vma& vma) {
  const uint64_t kinds = proto::kVmWrite | proto::kVmShared;
  if ((vma.flags & kinds) == proto::kVmWrite) {
    return FaultAccess::kWrite;
  }
  return (vma.flags & kVmAccess) == proto::kVmExec ? FaultAccess::kExec : FaultAccess::kRead;
}

void Mm::Populate(uint64_t address, uint64_t length) {
  const uint64_t end = address + PageUp(length);
  for (Vma* vma = FindVmaFrom(address); vma != nullptr && vma->start < end;
       vma = NextVma(*this, *vma)) {
    const uint64_t from = vma->start > address ? vma->start : address;
    const uint64_t to = vma->end < end ? vma->end : end;
    if (PopulateVma(*this, *vma, from, to, PopulateAccess(*vma)) != FaultResult::kHandled) {
      return;
    }
  }
}

Result<bool> Mm::IsResident(uint64_t address) const {
  const Vma* vma = FindVma(address);
  if (vma == nullptr) {
    return Error(ENOMEM);
  }
  const proto::Pte* pte = LookupPte(*this, address);
  if (pte != nullptr && *pte != 0 && !IsGuard(*pte)) {
    return true;
  }
  return vma->object != 0 && vma->memory_object()->FindPage(vma->ObjectIndex(address)) != 0;
}

Status Mm::Sync(uint64_t address, uint64_t length, SyncMode mode) const {
  const uint64_t end = address + PageUp(length);
  if (end < address) {
    return Error(ENOMEM);
  }
  bool gap = false;
  uint64_t at = address;
  Vma* vma = FindVmaFrom(at);
  while (at < end) {
    if (vma == nullptr) {
      return Error(ENOMEM);
    }
    gap = gap || vma->start > at;
    if (vma->start >= end) {
      break;
    }
    if (mode == SyncMode::kInvalidate && (vma->flags & proto::kVmLocked) != 0) {
      return Error(EBUSY);
    }
    at = vma->end;
    vma = vma_list().Next(*vma);
  }
  return gap ? Status(Error(ENOMEM)) : Ok();
}

}  // namespace fv::guest
