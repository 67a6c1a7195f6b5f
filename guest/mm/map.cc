// SPDX-License-Identifier: Apache-2.0
//
// mmap and munmap: placement, limits, insertion and removal. See mm.h.
#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/commit.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/page_table.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

// RLIMIT_DATA counts private writable mappings that are not stacks (Linux: is_data_mapping).
bool IsData(uint64_t flags) {
  return (flags & (proto::kVmWrite | proto::kVmShared | proto::kVmGrowsDown)) == proto::kVmWrite;
}

// What is mapped in a range already: a fixed mapping takes its place.
struct Replaced {
  uint64_t pages = 0;
  uint64_t charged = 0;
};

Replaced MappedIn(const Mm& mm, uint64_t start, uint64_t end) {
  Replaced replaced;
  Mm::VmaList list = mm.vma_list();
  for (Vma* vma = mm.FindVmaFrom(start); vma != nullptr && vma->start < end;
       vma = list.Next(*vma)) {
    const uint64_t low = vma->start > start ? vma->start : start;
    const uint64_t high = vma->end < end ? vma->end : end;
    const uint64_t pages = (high - low) >> proto::kPageShift;
    replaced.pages += pages;
    replaced.charged += (vma->flags & proto::kVmAccount) != 0 ? pages : 0;
  }
  return replaced;
}

// Where the mapping goes. The checks and their order are Linux's (do_mmap, get_unmapped_area).
Result<uint64_t> Place(Mm& mm, const MapRequest& request, uint64_t length) {
  if (request.placement == MapPlacement::kHint) {
    uint64_t hint = PageDown(request.address);
    if (hint != 0 && hint < proto::kUserStart) {
      hint = proto::kUserStart;
    }
    return FindFreeAreaNear(mm, hint, length, request.ceiling);
  }
  if (request.address > proto::kUserEnd - length) {
    return Error(ENOMEM);
  }
  if ((request.address & (proto::kPageBytes - 1)) != 0) {
    return Error(EINVAL);
  }
  if (request.address < proto::kUserStart) {
    return Error(EPERM);
  }
  if (request.placement == MapPlacement::kFixedNoReplace &&
      RangeInUse(mm, request.address, request.address + length)) {
    return Error(EEXIST);
  }
  return request.address;
}

Status CheckRequest(const Mm& mm, const MapRequest& request, uint64_t length) {
  if (request.length == 0) {
    return Error(EINVAL);
  }
  if (length == 0 || length > proto::kUserEnd) {
    return Error(ENOMEM);
  }
  if (request.page_offset + (length >> proto::kPageShift) < request.page_offset) {
    return Error(EOVERFLOW);
  }
  if (mm.vma_count > max_map_count) {
    return Error(ENOMEM);
  }
  return Ok();
}

}  // namespace

void EmitMap(const Vma& vma, uint64_t start) {
  EmitEvent(proto::EventKind::kMap, start, vma.end, vma.flags, vma.object, vma.mm);
  if (vma.object != 0) {
    EmitEvent(proto::EventKind::kMapObject, vma.mm, start, vma.end, vma.object,
              vma.ObjectIndex(start));
  }
}

bool MayExpand(const Mm& mm, uint64_t flags, uint64_t pages) {
  const uint64_t limit = mm.limits.address_space >> proto::kPageShift;
  if (mm.limits.address_space != kNoLimit && mm.total_pages + pages > limit) {
    return false;
  }
  if (mm.limits.data != kNoLimit && IsData(flags)) {
    uint64_t data = pages;
    for (const Vma& vma : mm.vma_list()) {
      data += IsData(vma.flags) ? vma.page_count() : 0;
    }
    if (data > mm.limits.data >> proto::kPageShift) {
      return false;
    }
  }
  return true;
}

Result<uint64_t> Mm::Map(const MapRequest& request) {
  const uint64_t length = PageUp(request.length);
  TRY(CheckRequest(*this, request, length));
  const uint64_t start = TRY(Place(*this, request, length));
  const uint64_t end = start + length;
  const uint64_t pages = length >> proto::kPageShift;
  uint64_t flags = request.flags | (default_flags & kLockFlags);
  if ((flags & proto::kVmLocked) != 0 && limits.locked != kNoLimit &&
      ((locked_pages << proto::kPageShift) + length > limits.locked)) {
    return Error(EAGAIN);
  }
  const Replaced replaced = MappedIn(*this, start, end);
  if (!MayExpand(*this, flags, pages - replaced.pages)) {
    return Error(ENOMEM);
  }
  CommitCharge charge;
  if (IsAccountable(flags)) {
    TRY(charge.Take(*this, pages - replaced.charged));
    flags |= proto::kVmAccount;
  }
  Ref<MemoryObject> object = request.object;
  if (!object && (flags & proto::kVmShared) != 0) {
    object = TRY((flags & proto::kVmNoReserve) != 0 ? MemoryObject::Create(length)
                                                    : MemoryObject::CreateCharged(*this, length));
    object->MarkSharedMemory();
  }
  const uint64_t page_offset = object ? request.page_offset : start >> proto::kPageShift;
  Vma* vma =
      NewVma(*this, start, end, flags, request.may, object.get(), page_offset, request.source);
  if (vma == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard undo([vma] { DeleteVma(vma); });
  {
    TlbBatch batch(*this);
    TRY(UnmapRange(*this, start, end, batch));
  }
  undo.Dismiss();
  charge.Keep();
  if ((flags & proto::kVmAccount) != 0) {
    ChargeCommitAlways(replaced.charged);  // what the old mappings have just given back
  }
  InsertVma(*this, *vma);
  EmitMap(*vma);
  MergeVma(*this, *vma);
  NoteChange(proto::SafepointKind::kSyscall);
  if (request.populate == MapPopulate::kYes || PopulatesLock(flags)) {
    Populate(start, length);
  }
  return start;
}

uint64_t FreeUnusedTables(Mm& mm, uint64_t start, uint64_t end) {
  Vma* next = mm.FindVmaFrom(start);
  const Vma* prev = next != nullptr ? PrevVma(mm, *next) : mm.vma_list().back();
  return FreeTables(mm, start, end, prev != nullptr ? prev->end : 0,
                    next != nullptr ? next->start : proto::kUserEnd);
}

Status UnmapRange(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch) {
  Vma* first = mm.FindVmaFrom(start);
  if (first == nullptr || first->start >= end) {
    return Ok();
  }
  const bool hole = first->start < start && end < first->end;
  if (hole && mm.vma_count >= max_map_count) {
    return Error(ENOMEM);
  }
  if (!HasMutant(Mutant::kSharedUnmapped)) {
    TRY(OwnEdgeTables(mm, start, end));
  }
  Vma* vma = TRY(IsolateRange(mm, start, end, SplitLimit::kIgnore));
  ZapRange(mm, start, end, batch, ZapGuards::kRemove);
  while (vma != nullptr && vma->start < end) {
    Vma* next = NextVma(mm, *vma);
    UnchargeCommit(HasMutant(Mutant::kCommitDrift) ? 0 : ChargeOf(*vma));
    RemoveVma(mm, *vma);
    DeleteVma(vma);
    vma = HasMutant(Mutant::kMappingUsedFreed) ? NextVma(mm, *vma) : next;
  }
  if (FreeUnusedTables(mm, start, end) != 0) {
    batch.Add(start, end);  // the CPU caches upper entries too
  }
  NoteFreedArea(mm, vma != nullptr ? vma->start : proto::kUserEnd);
  EmitEvent(proto::EventKind::kUnmap, start, end, AddressOf(&mm));
  return Ok();
}

Status Mm::Unmap(uint64_t address, uint64_t length) {
  const uint64_t bytes = PageUp(length);
  if ((address & (proto::kPageBytes - 1)) != 0 || address > proto::kUserEnd ||
      length > proto::kUserEnd - address || bytes == 0) {
    return Error(EINVAL);
  }
  TlbBatch batch(*this);
  TRY(UnmapRange(*this, address, address + bytes, batch));
  NoteChange(proto::SafepointKind::kSyscall);
  return Ok();
}

}  // namespace fv::guest
