// SPDX-License-Identifier: Apache-2.0
//
// mremap: shrink, grow in place, move, duplicate a shared mapping (old length 0), DONTUNMAP. The
// order of checks and their errors are Linux's (mm/mremap.c, man page mremap(2)).
// A move makes the target's tables first, so that nothing can fail once entries are on the way.
#include <linux/mman.h>

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/commit.h"
#include "guest/mm/lineage.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/page_table.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {

using proto::Pte;

namespace {

struct RemapCall {
  uint64_t old_address;
  uint64_t old_length;
  uint64_t new_length;
  uint64_t flags;
  uint64_t new_address;

  bool Has(uint64_t flag) const { return (flags & flag) != 0; }
};

Status CheckFlags(RemapCall& call) {
  const uint64_t known = MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
  if ((call.flags & ~known) != 0 || (call.Has(MREMAP_FIXED) && !call.Has(MREMAP_MAYMOVE)) ||
      (call.old_address & (proto::kPageBytes - 1)) != 0) {
    return Error(EINVAL);
  }
  call.old_length = PageUp(call.old_length);
  call.new_length = PageUp(call.new_length);
  if (call.Has(MREMAP_DONTUNMAP) &&
      (!call.Has(MREMAP_MAYMOVE) || call.old_length != call.new_length)) {
    return Error(EINVAL);
  }
  return call.new_length == 0 || call.new_length > proto::kUserEnd ? Status(Error(EINVAL)) : Ok();
}

// The mapping to resize and whether it may be. (Linux: vma_to_resize.)
Result<Vma*> CheckResize(Mm& mm, const RemapCall& call) {
  Vma* vma = mm.FindVma(call.old_address);
  if (vma == nullptr) {
    return Error(EFAULT);
  }
  if (call.old_length > vma->end - call.old_address) {
    return Error(EFAULT);
  }
  if (call.new_length == call.old_length) {
    return vma;
  }
  const uint64_t index = vma->ObjectIndex(call.old_address);
  if (index + (call.new_length >> proto::kPageShift) < index) {
    return Error(EINVAL);
  }
  const uint64_t grow = call.new_length > call.old_length
                            ? (call.new_length - call.old_length) >> proto::kPageShift
                            : 0;
  if ((vma->flags & proto::kVmLocked) != 0 && mm.limits.locked != kNoLimit &&
      (mm.locked_pages + grow) << proto::kPageShift > mm.limits.locked) {
    return Error(EAGAIN);
  }
  if (!MayExpand(mm, vma->flags, grow)) {
    return Error(ENOMEM);
  }
  return vma;
}

// Makes the tables that the entries of [from, from + length) will need at `to`. Errors: ENOMEM.
Status EnsureTargetTables(Mm& mm, uint64_t from, uint64_t length, uint64_t to) {
  uint64_t made_to = 0;  // end of the last target table that is known to exist
  const auto ensure = [&](const Pte* table, uint64_t va, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t target = to + (va - from) + (i << proto::kPageShift);
      if (table[i] == 0 || target < made_to) {
        continue;
      }
      if (!EnsurePte(mm, target).ok()) {
        return false;
      }
      made_to = (target | (proto::EntrySpan(2) - 1)) + 1;
    }
    return true;
  };
  return ForEachTable(mm, from, from + length, ensure) ? Ok() : Status(Error(ENOMEM));
}

void MoveEntries(Mm& mm, uint64_t from, uint64_t length, uint64_t to, TlbBatch& batch) {
  ForEachTable(mm, from, from + length, [&](Pte* table, uint64_t va, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      if (table[i] == 0) {
        continue;
      }
      const uint64_t source = va + (i << proto::kPageShift);
      *LookupPte(mm, to + (source - from)) = table[i];
      table[i] = 0;
      if (!HasMutant(Mutant::kMoveSkipsFlush)) {
        batch.Add(source);
      }
    }
    return true;
  });
}

// Moves [old_address, +old_length) of `vma` to the free range at `target`. (Linux: move_vma.)
Result<uint64_t> MoveVma(Mm& mm, Vma& vma, const RemapCall& call, uint64_t target) {
  // The old mapping may be cut twice when its middle leaves.
  if (mm.vma_count + 3 >= max_map_count) {
    return Error(ENOMEM);
  }
  const uint64_t moved = call.old_length < call.new_length ? call.old_length : call.new_length;
  // The old mapping gives back its own charge when it goes; with DONTUNMAP it stays.
  const bool accounted = (vma.flags & proto::kVmAccount) != 0;
  const uint64_t given_back =
      accounted && !call.Has(MREMAP_DONTUNMAP) ? call.old_length >> proto::kPageShift : 0;
  CommitCharge charge;
  TRY(charge.Take(mm, accounted ? (call.new_length >> proto::kPageShift) - given_back : 0));
  // Frames keep their page index wherever they go; without frames the new place counts, so that the
  // mapping can join its neighbours there. (Linux: copy_vma.)
  const bool fresh = vma.object == 0 && vma.lineage == 0;
  const uint64_t page_offset =
      fresh ? target >> proto::kPageShift : vma.ObjectIndex(call.old_address);
  Vma* made = NewVma(mm, target, target + call.new_length, vma.flags, vma.may, vma.memory_object(),
                     page_offset, vma.source());
  if (made == nullptr) {
    return Error(ENOMEM);
  }
  JoinLineage(*made, vma);
  ScopeGuard undo([&mm, made, target, &call] {
    FreeUnusedTables(mm, target, target + call.new_length);
    DeleteVma(made);
  });
  TRY(OwnTables(mm, call.old_address, call.old_address + moved));
  TRY(OwnTables(mm, target, target + call.new_length));
  TRY(EnsureTargetTables(mm, call.old_address, moved, target));
  // The last step that can fail: cut the old mapping out.
  Vma* old = &vma;
  if (call.old_length != 0) {
    old = TRY(IsolateRange(mm, call.old_address, call.old_address + call.old_length));
  }
  undo.Dismiss();
  charge.Keep();
  ChargeCommitAlways(given_back);
  TlbBatch batch(mm);
  EmitMap(*made);
  MoveEntries(mm, call.old_address, moved, target, batch);
  EmitEvent(proto::EventKind::kMove, AddressOf(&mm), call.old_address, target, moved);
  InsertVma(mm, *made);
  if (call.Has(MREMAP_DONTUNMAP)) {
    if ((old->flags & proto::kVmLocked) != 0) {
      old->flags &= ~kLockFlags;
      mm.locked_pages -= old->page_count();
    }
    MergeVma(mm, *old);
  } else if (call.old_length != 0) {
    const Status unmapped =
        UnmapRange(mm, call.old_address, call.old_address + call.old_length, batch);
    FV_CHECK(unmapped.ok());  // it is isolated: no split, no allocation
  }
  MergeVma(mm, *mm.FindVma(target));  // `made` itself may have become part of the old one
  return target;
}

// Gives up what lies behind the new length, refused as munmap refuses it.
Status ShrinkInPlace(Mm& mm, const RemapCall& call, TlbBatch& batch) {
  if (call.old_length > proto::kUserEnd || call.old_address > proto::kUserEnd - call.old_length) {
    return Error(EINVAL);
  }
  return UnmapRange(mm, call.old_address + call.new_length, call.old_address + call.old_length,
                    batch);
}

// What a call with a place for the result must keep to. Errors: EINVAL; ENOMEM where cutting out
// the source and the target could leave too many mappings for the move.
Status CheckTarget(const Mm& mm, const RemapCall& call) {
  if ((call.new_address & (proto::kPageBytes - 1)) != 0 || call.new_length > proto::kUserEnd ||
      call.new_address > proto::kUserEnd - call.new_length) {
    return Error(EINVAL);
  }
  const bool overlap = call.old_address + call.old_length > call.new_address &&
                       call.new_address + call.new_length > call.old_address;
  if (overlap) {
    return Error(EINVAL);
  }
  return mm.vma_count + 5 >= max_map_count ? Status(Error(ENOMEM)) : Ok();
}

// One mapping to a place that the caller names, or without unmapping the old one. (Linux:
// mremap_to.)
Result<uint64_t> RemapTo(Mm& mm, RemapCall call) {
  // What is given up behind the new length may be anything; the rest is checked before the target
  // is cleared.
  RemapCall kept = call;
  kept.old_length = call.old_length < call.new_length ? call.old_length : call.new_length;
  TRY(CheckResize(mm, kept));
  TlbBatch batch(mm);
  if (call.Has(MREMAP_FIXED)) {
    if (call.new_address < proto::kUserStart) {
      return Error(EPERM);
    }
    TRY(UnmapRange(mm, call.new_address, call.new_address + call.new_length, batch));
    if (mm.FindVma(call.old_address) == nullptr) {
      return Error(EFAULT);  // it was a part of what had to give way
    }
  }
  if (call.old_length > call.new_length) {
    TRY(ShrinkInPlace(mm, call, batch));
    call.old_length = call.new_length;
  }
  Vma& vma = *mm.FindVma(call.old_address);
  if (call.Has(MREMAP_DONTUNMAP) &&
      !MayExpand(mm, vma.flags, call.old_length >> proto::kPageShift)) {
    return Error(ENOMEM);
  }
  uint64_t target = call.new_address;
  if (!call.Has(MREMAP_FIXED)) {
    target = TRY(FindFreeAreaNear(mm, call.new_address, call.new_length));
  }
  return MoveVma(mm, vma, call, target);
}

// Several mappings at once, each to the same distance from the first; gaps between them are kept,
// and what is mapped there stays. (Linux since 6.17: remap_move.)
Result<uint64_t> MoveAll(Mm& mm, const RemapCall& call) {
  const uint64_t end = call.old_address + call.old_length;
  for (uint64_t at = call.old_address; at < end;) {
    const Vma* vma = mm.FindVmaFrom(at);
    if (vma == nullptr || vma->start >= end) {
      break;
    }
    if (vma->start > at && at == call.old_address) {
      return Error(EFAULT);
    }
    RemapCall part = call;
    part.old_address = vma->start > at ? vma->start : at;
    part.old_length = (vma->end < end ? vma->end : end) - part.old_address;
    part.new_length = part.old_length;
    part.new_address = call.new_address + (part.old_address - call.old_address);
    at = part.old_address + part.old_length;
    TRY(RemapTo(mm, part));
  }
  return call.new_address;
}

// Whether the mapping can grow where it is. (Linux: vma_expandable.)
bool CanGrowInPlace(Mm& mm, Vma& vma, const RemapCall& call) {
  if (call.old_length != vma.end - call.old_address || call.old_length == 0) {
    return false;
  }
  const uint64_t end = call.old_address + call.new_length;
  const Vma* next = NextVma(mm, vma);
  return end > vma.end && end <= proto::kUserEnd && (next == nullptr || end <= GuardedStart(*next));
}

Status GrowInPlace(Mm& mm, Vma& vma, uint64_t end) {
  const uint64_t pages = (end - vma.end) >> proto::kPageShift;
  if ((vma.flags & proto::kVmAccount) != 0) {
    TRY(ChargeCommit(&mm, pages));
  }
  const uint64_t old_end = vma.end;
  vma.end = end;
  EmitMap(vma, old_end);
  mm.total_pages += pages;
  mm.locked_pages += (vma.flags & proto::kVmLocked) != 0 ? pages : 0;
  MergeGrown(mm, vma);
  return Ok();
}

Result<uint64_t> RemapCalled(Mm& mm, RemapCall call) {
  TRY(CheckFlags(call));
  const bool to_place = call.Has(MREMAP_FIXED | MREMAP_DONTUNMAP);
  if (to_place) {
    TRY(CheckTarget(mm, call));
  }
  const Vma* source = mm.FindVma(call.old_address);
  if (source == nullptr) {
    return Error(EFAULT);
  }
  if (call.old_length == 0 && !source->is_shared()) {
    return Error(EINVAL);  // a second view of private memory; told before a target is cleared
  }
  if (to_place) {
    const bool moves_only = call.Has(MREMAP_FIXED) && call.old_length == call.new_length;
    return moves_only ? MoveAll(mm, call) : RemapTo(mm, call);
  }
  if (call.old_length >= call.new_length) {
    TlbBatch batch(mm);
    if (call.old_length > call.new_length) {
      TRY(ShrinkInPlace(mm, call, batch));
    }
    return call.old_address;
  }
  Vma* vma = TRY(CheckResize(mm, call));
  if (CanGrowInPlace(mm, *vma, call)) {
    TRY(GrowInPlace(mm, *vma, call.old_address + call.new_length));
    return call.old_address;
  }
  if (!call.Has(MREMAP_MAYMOVE)) {
    return Error(ENOMEM);
  }
  const uint64_t target = TRY(FindFreeArea(mm, call.new_length));
  return MoveVma(mm, *vma, call, target);
}

}  // namespace

Result<uint64_t> Mm::Remap(uint64_t old_address, uint64_t old_length, uint64_t new_length,
                           uint64_t remap_flags, uint64_t new_address) {
  NoteChange(proto::SafepointKind::kSyscall);
  const uint64_t result =
      TRY(RemapCalled(*this, {old_address, old_length, new_length, remap_flags, new_address}));
  // A locked mapping that grew is made present.
  const Vma* vma = FindVma(result);
  if (vma != nullptr && PopulatesLock(vma->flags) && new_length > old_length) {
    Populate(result, new_length);
  }
  return result;
}

}  // namespace fv::guest
