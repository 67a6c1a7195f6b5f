// SPDX-License-Identifier: Apache-2.0
//
// Demand paging and copy-on-write: what a page fault puts behind an entry, by the entry and the
// mapping. Accessed and dirty bits are set ahead where the access that follows would set them.
#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/string.h"
#include "guest/mm/guard.h"
#include "guest/mm/lineage.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/pte_ops.h"

namespace fv::guest {

using proto::FrameRecord;
using proto::FrameState;
using proto::Pte;

namespace {

// Read faults on files map what is near and present as well (Linux: fault_around_bytes).
constexpr uint64_t kFaultAroundPages = 16;
// Write faults that walk upwards through a large anonymous mapping bring the next pages as well: as
// many as were there before, up to a limit (Linux: multi-size huge pages have the same effect). A
// fault costs tens of microseconds where ring 0 is software, a page from fresh RAM next to nothing.
constexpr uint64_t kAheadMappingPages = 256;
constexpr uint64_t kAheadMinimum = 8;
constexpr uint64_t kAheadMaximum = 64;

Pte MakePte(uint64_t pfn, uint64_t vm_flags, Pte software) {
  return AdjustAccess(
      pfn << proto::kPageShift | proto::kPtePresent | proto::kPteAccessed | software, vm_flags);
}

// A private frame of the mapping's own: writable if the mapping is.
Pte OwnPte(uint64_t pfn, uint64_t vm_flags) { return MakePte(pfn, vm_flags, proto::kPteDirty); }

// How many pages to bring ahead of the one at `slot`, which is entry `index` of its table.
uint64_t PagesAhead(const PageFault& fault, const Pte* slot, uint64_t index) {
  constexpr uint64_t kUnsuited = proto::kVmGrowsDown | proto::kVmLocked;
  if (fault.vma.page_count() < kAheadMappingPages || (fault.vma.flags & kUnsuited) != 0 ||
      FreeFrameCount() < TotalFrames() / 16) {
    return 0;
  }
  uint64_t before = 0;
  while (before < index && before < kAheadMaximum &&
         (slot[-1 - static_cast<int64_t>(before)] & proto::kPteWritable) != 0) {
    ++before;
  }
  if (before < kAheadMinimum) {
    return 0;
  }
  const uint64_t in_table = proto::kEntriesPerTable - 1 - index;
  const uint64_t in_vma = ((fault.vma.end - fault.address) >> proto::kPageShift) - 1;
  const uint64_t room = in_table < in_vma ? in_table : in_vma;
  return before < room ? before : room;
}

// The mapping has its own frames for `pages` pages from the fault's on.
void EmitOwn(const PageFault& fault, uint64_t pages = 1) {
  EmitEvent(proto::EventKind::kOwn, AddressOf(&fault.mm), fault.address,
            fault.address + (pages << proto::kPageShift));
}

// Returns how many pages it mapped.
uint64_t MapAhead(PageFault& fault, Pte* slot) {
  const uint64_t ahead = PagesAhead(fault, slot, proto::TableIndex(fault.address, 1));
  uint64_t mapped = 0;
  for (uint64_t i = 1; i <= ahead && slot[i] == 0; ++i) {
    const uint64_t address = fault.address + (i << proto::kPageShift);
    Result<uint64_t> pfn = AllocateZeroedFrame(FrameState::kAnon, OriginAt(fault.vma, address));
    if (!pfn.ok()) {
      break;
    }
    slot[i] = OwnPte(pfn.value(), fault.vma.flags);
    ++fault.mm.anon_pages;
    ++mapped;
  }
  return mapped;
}

// A zeroed frame of the mapping's own. Errors: ENOMEM.
Result<uint64_t> OwnFrame(const PageFault& fault) {
  TRY(EnsureLineage(fault.mm, fault.vma));
  return AllocateZeroedFrame(FrameState::kAnon, OriginAt(fault.vma, fault.address));
}

FaultResult MapAnonymous(PageFault& fault, Pte& slot) {
  if (fault.access != FaultAccess::kWrite) {
    fault.pfn = ZeroPfn();
    slot = MakePte(fault.pfn, fault.vma.flags, proto::kPteZero);
    if (HasMutant(Mutant::kZeroWritable)) {
      slot |= AccessBits(fault.vma.flags) & proto::kPteWritable;
    }
    return FaultResult::kHandled;
  }
  Result<uint64_t> pfn = OwnFrame(fault);
  if (!pfn.ok()) {
    return FaultResult::kOutOfMemory;
  }
  fault.pfn = pfn.value();
  slot = OwnPte(fault.pfn, fault.vma.flags);
  ++fault.mm.anon_pages;
  EmitOwn(fault, 1 + MapAhead(fault, &slot));
  return FaultResult::kHandled;
}

// Maps the object's frame `pfn` itself, for reading, or for whatever a shared mapping allows.
void MapObjectFrame(PageFault& fault, Pte& slot, uint64_t pfn) {
  GetFrame(pfn);
  ++fault.mm.file_pages;
  slot = MakePte(pfn, fault.vma.flags, fault.vma.is_shared() ? proto::kPteDirty : proto::kPteCow);
}

// The neighbours of `slot` in its table whose pages are in the object already, or cost only a copy
// from the backing: a fault costs more than mapping them all.
void MapAround(PageFault& fault, Pte& slot) {
  MemoryObject& object = *fault.vma.memory_object();
  const uint64_t span = kFaultAroundPages * proto::kPageBytes;
  uint64_t low = fault.address & ~(span - 1);
  uint64_t high = low + span;
  low = low < fault.vma.start ? fault.vma.start : low;
  high = high > fault.vma.end ? fault.vma.end : high;
  Pte* first = &slot - ((fault.address - low) >> proto::kPageShift);
  for (uint64_t va = low; va < high; va += proto::kPageBytes) {
    Pte& pte = first[(va - low) >> proto::kPageShift];
    if (pte != 0) {
      continue;
    }
    const uint64_t pfn = object.FindOrFill(fault.vma.ObjectIndex(va));
    if (pfn != 0) {
      MapObjectFrame(fault, pte, pfn);
    }
  }
}

// A frame of the mapping's own with a copy of `from`. Errors: ENOMEM.
Result<uint64_t> CopyFrame(const PageFault& fault, uint64_t from) {
  TRY(EnsureLineage(fault.mm, fault.vma));
  const uint64_t pfn =
      TRY(AllocateFrames(0, FrameState::kAnon, OriginAt(fault.vma, fault.address)));
  if (HasMutant(Mutant::kBreakBackwards)) {
    CopyPage(FrameData(from), FrameData(pfn));
    return pfn;
  }
  if (HasMutant(Mutant::kBreakCopiesHalf)) {
    memcpy(FrameData(pfn), FrameData(from), proto::kPageBytes / 2);
    return pfn;
  }
  CopyPage(FrameData(pfn), FrameData(HasMutant(Mutant::kBreakCopiesOther) ? ZeroPfn() : from));
  return pfn;
}

FaultResult MapObjectPage(PageFault& fault, Pte& slot) {
  MemoryObject& object = *fault.vma.memory_object();
  const bool wrong = HasMutant(Mutant::kWrongFilePage) && fault.access == FaultAccess::kExec;
  Result<uint64_t> page = object.GetPage(fault.vma.ObjectIndex(fault.address) + wrong);
  if (!page.ok()) {
    return page.error() == Error(ENOMEM) ? FaultResult::kOutOfMemory : FaultResult::kBusAdrErr;
  }
  fault.pfn = page.value();
  if (fault.access == FaultAccess::kWrite && !fault.vma.is_shared()) {
    Result<uint64_t> own = CopyFrame(fault, fault.pfn);
    if (!own.ok()) {
      return FaultResult::kOutOfMemory;
    }
    fault.old_pfn = fault.pfn;
    fault.pfn = own.value();
    slot = OwnPte(fault.pfn, fault.vma.flags);
    ++fault.mm.anon_pages;
    EmitOwn(fault);
    return FaultResult::kHandled;
  }
  MapObjectFrame(fault, slot, fault.pfn);
  if (fault.access != FaultAccess::kWrite) {
    MapAround(fault, slot);
  }
  return FaultResult::kHandled;
}

// A write to a present entry of a private mapping that is not writable: the frame is the zero
// frame, a page of the file, or shared since a fork.
FaultResult BreakCow(PageFault& fault, Pte& slot) {
  const uint64_t old = PfnOfPte(slot);
  FrameRecord& record = FrameOf(old);
  ++fault.mm.cow_faults;
  fault.old_pfn = old;
  const unsigned pins = HasMutant(Mutant::kPinIgnored) ? record.pins : 0;
  const bool alone = record.refs == 1 + pins || HasMutant(Mutant::kReuseShared);
  if (record.state == FrameState::kAnon && alone) {
    fault.pfn = old;
    slot = OwnPte(old, fault.vma.flags);
    EmitOwn(fault);
    return FaultResult::kHandled;
  }
  const bool zero = (slot & proto::kPteZero) != 0;
  Result<uint64_t> own = zero ? OwnFrame(fault) : CopyFrame(fault, old);
  if (!own.ok()) {
    return FaultResult::kOutOfMemory;
  }
  fault.pfn = own.value();
  slot = OwnPte(fault.pfn, fault.vma.flags);
  EmitOwn(fault);
  TlbBatch(fault.mm).Add(fault.address);
  ++fault.mm.anon_pages;
  if (!zero) {
    if (record.state == FrameState::kAnon) {
      --fault.mm.anon_pages;
    } else {
      --fault.mm.file_pages;
    }
    if (HasMutant(Mutant::kBreakFreesTwice) && record.refs > 1) {
      PutFrame(old);
    }
    PutFrame(old);
  }
  return FaultResult::kHandled;
}

}  // namespace

FaultResult ResolveFault(PageFault& fault, Pte& slot) {
  if (slot == 0) {
    return fault.vma.object != 0 ? MapObjectPage(fault, slot) : MapAnonymous(fault, slot);
  }
  if (IsGuard(slot)) {
    return FaultResult::kSegvMapErr;
  }
  fault.pfn = PfnOfPte(slot);
  if (fault.access != FaultAccess::kWrite || (slot & proto::kPteWritable) != 0) {
    return FaultResult::kHandled;  // somebody else was faster, or the translation was stale
  }
  if (fault.vma.is_shared()) {
    slot = AdjustAccess(slot, fault.vma.flags) | proto::kPteDirty;
    return FaultResult::kHandled;
  }
  return BreakCow(fault, slot);
}

}  // namespace fv::guest
