// SPDX-License-Identifier: Apache-2.0
//
// Finding the mapping and the entry of a fault, growing stacks; what becomes of the entry is
// decided in resolve_fault.cc.
#include "guest/mm/fault.h"

#include "guest/introspect/introspect.h"
#include "guest/mm/commit.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/out_of_memory.h"
#include "guest/mm/page_table.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {

using proto::Pte;

namespace {

// The mapping for an access to `address`, a stack grown to it if need be.
Vma* VmaForAccess(Mm& mm, uint64_t address) {
  Vma* vma = mm.FindVmaFrom(address);
  if (vma == nullptr || vma->start <= address) {
    return vma;
  }
  if ((vma->flags & proto::kVmGrowsDown) == 0 || !mm.ExpandStack(*vma, address).ok()) {
    return nullptr;
  }
  return vma;
}

// The entry to resolve the fault at; of a table of the address space's own, unless the fault will
// change nothing.
Result<Pte*> SlotFor(Mm& mm, uint64_t address, FaultAccess access) {
  if (TableIsShared(mm, address)) [[unlikely]] {
    Pte* slot = LookupPte(mm, address);
    if (*slot != 0 && access != FaultAccess::kWrite) {
      return slot;
    }
    return EnsureOwnPte(mm, address);
  }
  return EnsurePte(mm, address);
}

void EmitCowEvents(const PageFault& fault) {
  if (fault.old_pfn == 0) {
    return;
  }
  if (fault.old_pfn == fault.pfn) {
    EmitEvent(proto::EventKind::kCowReuse, fault.address, fault.pfn);
  } else {
    EmitEvent(proto::EventKind::kCowBreak, fault.address, fault.old_pfn, fault.pfn);
  }
}

}  // namespace

bool AccessAllowed(const Vma& vma, FaultAccess access) {
  switch (access) {
    case FaultAccess::kWrite:
      return (vma.flags & proto::kVmWrite) != 0;
    case FaultAccess::kExec:
      return (vma.flags & proto::kVmExec) != 0;
    case FaultAccess::kRead:
      break;
  }
  return vma.is_accessible();  // the CPU cannot tell read from write-only or execute-only
}

namespace {

// Whether a mapping's own access bits decide.
enum class Protection : uint8_t { kObeyed, kForced };

bool MayAccess(const Vma& vma, FaultAccess access, Protection protection) {
  if (protection == Protection::kObeyed || AccessAllowed(vma, access)) {
    return AccessAllowed(vma, access);
  }
  return access == FaultAccess::kWrite ? !vma.is_shared() && (vma.may & proto::kVmWrite) != 0
                                       : (vma.may & proto::kVmRead) != 0;
}

FaultResult TryFault(Mm& mm, uint64_t address, FaultAccess access, uint64_t rip,
                     Protection protection) {
  ++mm.faults;
  FaultResult result = FaultResult::kSegvMapErr;
  uint64_t pfn = 0;
  if (Vma* vma = VmaForAccess(mm, address); vma != nullptr) {
    PageFault fault{mm, *vma, PageDown(address), access};
    if (!MayAccess(*vma, access, protection)) {
      result = FaultResult::kSegvAccErr;
    } else if (Result<Pte*> slot = SlotFor(mm, address, access); !slot.ok()) {
      result = FaultResult::kOutOfMemory;
    } else {
      result = ResolveFault(fault, *slot.value());
    }
    if (result == FaultResult::kHandled) {
      EmitCowEvents(fault);
      NoteChange(proto::SafepointKind::kFault);
    }
    pfn = fault.pfn;
  }
  EmitEvent(proto::EventKind::kFault, address, static_cast<uint64_t>(access),
            static_cast<uint64_t>(result), pfn, rip);
  return result;
}

}  // namespace

FaultResult HandleFault(Mm& mm, uint64_t address, FaultAccess access, uint64_t rip) {
  FaultResult result = TryFault(mm, address, access, rip, Protection::kObeyed);
  while (result == FaultResult::kOutOfMemory && RelieveMemory(mm)) {
    result = TryFault(mm, address, access, rip, Protection::kObeyed);
  }
  return result;
}

FaultResult ForceFault(Mm& mm, uint64_t address, FaultAccess access) {
  return TryFault(mm, address, access, 0, Protection::kForced);
}

Status Mm::ExpandStack(Vma& vma, uint64_t address) {
  const uint64_t start = PageDown(address);
  if (start >= vma.start) {
    return Ok();
  }
  const uint64_t grow = (vma.start - start) >> proto::kPageShift;
  if (start < proto::kUserStart || vma.end - start > limits.stack || vma.page_offset < grow ||
      !MayExpand(*this, vma.flags, grow)) {
    return Error(ENOMEM);
  }
  const Vma* prev = PrevVma(*this, vma);
  if (prev != nullptr &&
      (prev->end > start || (prev->is_accessible() && (prev->flags & proto::kVmGrowsDown) == 0 &&
                             start - prev->end < kStackGuardBytes))) {
    return Error(ENOMEM);
  }
  if ((vma.flags & proto::kVmAccount) != 0) {
    TRY(ChargeCommit(this, grow));
  }
  NoteChange(proto::SafepointKind::kFault);  // whatever becomes of the access
  vma.start = start;
  vma.page_offset -= grow;
  total_pages += grow;
  locked_pages += (vma.flags & proto::kVmLocked) != 0 ? grow : 0;
  EmitEvent(proto::EventKind::kMap, start, start + (grow << proto::kPageShift), vma.flags, 0,
            AddressOf(this));
  return Ok();
}

}  // namespace fv::guest
