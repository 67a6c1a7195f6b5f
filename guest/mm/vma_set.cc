// SPDX-License-Identifier: Apache-2.0
//
// See vma_set.h.
#include "guest/mm/vma_set.h"
#include "guest/lib/mutants.h"

#include "guest/lib/print.h"
#include "guest/mm/lineage.h"

namespace fv::guest {
namespace {

constinit SlabCache<Vma> vma_cache("vma");

using ObjectMappings = ListView<Vma, &Vma::object_link>;

// Whether `upper` continues `lower`, which ends where it starts.
bool AreAlike(const Vma& lower, const Vma& upper) {
  return lower.end == upper.start &&
         ((lower.flags ^ upper.flags) & ~uint64_t{proto::kVmMaybeGuard}) == 0 &&
         lower.may == upper.may && lower.object == upper.object &&
         lower.source() == upper.source() &&
         lower.page_offset + lower.page_count() == upper.page_offset;
}

bool CanMerge(const Vma& lower, const Vma& upper) {
  return AreAlike(lower, upper) && CanShareBranch(lower.branch, upper.branch);
}

struct Place {
  Vma* parent = nullptr;
  Vma* before = nullptr;  // the last mapping below
  TreeSide side = TreeSide::kLeft;
};

Place FindPlace(Mm& mm, uint64_t start) {
  Place place;
  Vma* node = VmaTree(mm.vma_root).root();
  while (node != nullptr) {
    place.parent = node;
    if (start < node->start) {
      place.side = TreeSide::kLeft;
      node = VmaTree::left(*node);
    } else {
      place.before = node;
      place.side = TreeSide::kRight;
      node = VmaTree::right(*node);
    }
  }
  return place;
}

void Count(Mm& mm, const Vma& vma) {
  ++mm.vma_count;
  mm.total_pages += vma.page_count();
  if ((vma.flags & proto::kVmLocked) != 0) {
    mm.locked_pages += vma.page_count();
  }
}

void LinkToObject(Vma& vma) {
  if (vma.object != 0) {
    ObjectMappings(vma.memory_object()->mapping_list()).PushBack(vma);
  }
}

}  // namespace

void RegisterVmaCache() { vma_cache.Register(); }

Vma* NewVma(Mm& mm, uint64_t start, uint64_t end, uint64_t flags, uint64_t may,
            MemoryObject* object, uint64_t page_offset, MappingSource* source) {
  Vma* vma = vma_cache.New();
  if (vma == nullptr) {
    return nullptr;
  }
  vma->magic = proto::kVmaMagic;
  vma->mm = AddressOf(&mm);
  vma->start = start;
  vma->end = end;
  vma->flags = flags;
  vma->may = may;
  vma->page_offset = page_offset;
  vma->object = AddressOf(object);
  vma->name = AddressOf(static_cast<proto::NameRecord*>(source));
  if (object != nullptr) {
    object->AddRef();
  }
  if (source != nullptr) {
    source->AddRef();
  }
  return vma;
}

void DeleteVma(Vma* vma) {
  MemoryObject* object = vma->memory_object();
  MappingSource* source = vma->source();
  if (!HasMutant(Mutant::kLineageLeaked)) {
    LeaveLineage(*vma);
  }
  vma->magic = 0;
  vma_cache.Delete(vma);
  if (object != nullptr) {
    object->Release();
  }
  if (source != nullptr) {
    source->Release();
  }
}

void InsertVma(Mm& mm, Vma& vma) {
  const Place place = FindPlace(mm, vma.start);
  if (place.before != nullptr) {
    FV_CHECK(place.before->end <= vma.start);
    mm.vma_list().InsertAfter(*place.before, vma);
  } else {
    mm.vma_list().PushFront(vma);
  }
  VmaTree(mm.vma_root).Insert(vma, place.parent, place.side);
  LinkToObject(vma);
  Count(mm, vma);
}

void AppendVma(Mm& mm, Vma& vma, Vma& original) {
  mm.vma_list().PushBack(vma);
  if (vma.object != 0) {
    ObjectMappings(vma.memory_object()->mapping_list()).InsertAfter(original, vma);
  }
  Count(mm, vma);
}

void BuildVmaTree(Mm& mm) {
  proto::Link* at = &mm.vmas;
  VmaTree(mm.vma_root).Build(mm.vma_count, [&at] {
    at = NextLink(*at);
    return Mm::VmaList::FromLink(at);
  });
}

void RemoveVma(Mm& mm, Vma& vma) {
  VmaTree(mm.vma_root).Erase(vma);
  Mm::VmaList::Remove(vma);
  Unlink(vma.object_link);
  --mm.vma_count;
  mm.total_pages -= HasMutant(Mutant::kTotalsForgotten) ? 0 : vma.page_count();
  if ((vma.flags & proto::kVmLocked) != 0 && !HasMutant(Mutant::kLockedDrift)) {
    mm.locked_pages -= vma.page_count();
  }
}

Result<Vma*> SplitVma(Mm& mm, Vma& vma, uint64_t at, SplitLimit limit) {
  FV_CHECK(vma.start < at && at < vma.end);
  if (limit == SplitLimit::kEnforce && mm.vma_count >= max_map_count) {
    return Error(ENOMEM);
  }
  Vma* upper = NewVma(mm, at, vma.end, vma.flags, vma.may, vma.memory_object(), vma.ObjectIndex(at),
                      vma.source());
  if (upper == nullptr) {
    return Error(ENOMEM);
  }
  JoinLineage(*upper, vma);
  const uint64_t pages = upper->page_count();
  vma.end = at;
  mm.total_pages -= pages;
  if ((vma.flags & proto::kVmLocked) != 0) {
    mm.locked_pages -= pages;
  }
  InsertVma(mm, *upper);
  return upper;
}

Result<Vma*> IsolateRange(Mm& mm, uint64_t start, uint64_t end, SplitLimit limit) {
  Vma* first = mm.FindVmaFrom(start);
  if (first == nullptr) {
    return nullptr;
  }
  const bool cut_start = first->start < start;
  if (cut_start) {
    first = TRY(SplitVma(mm, *first, start, limit));
  }
  Vma* last = mm.FindVma(end - 1);
  if (last != nullptr && last->end > end) {
    Result<Vma*> rest = SplitVma(mm, *last, end, limit);
    if (!rest.ok()) {
      if (cut_start) {
        MergeVma(mm, *first);
      }
      return rest.error();
    }
  }
  return first;
}

namespace {
// `upper` becomes a part of `lower`, which keeps its frames' lineage.
void Absorb(Mm& mm, Vma& lower, Vma& upper) {
  const uint64_t end = upper.end;
  const uint64_t pages = upper.page_count();
  RemoveVma(mm, upper);
  if (lower.lineage == 0) {
    JoinLineage(lower, upper);
  }
  lower.flags |= upper.flags & proto::kVmMaybeGuard;
  DeleteVma(&upper);
  lower.end = end;
  mm.total_pages += pages;
  mm.locked_pages += (lower.flags & proto::kVmLocked) != 0 ? pages : 0;
}
}  // namespace

Vma& MergeVma(Mm& mm, Vma& vma) {
  Vma* joined = &vma;
  Vma* prev = PrevVma(mm, vma);
  if (prev != nullptr && CanMerge(*prev, vma)) {
    Absorb(mm, *prev, vma);
    joined = prev;
  }
  Vma* next = NextVma(mm, *joined);
  if (next != nullptr && CanMerge(*joined, *next)) {
    Absorb(mm, *joined, *next);
  }
  return *joined;
}

void MergeGrown(Mm& mm, Vma& vma) {
  Vma* next = NextVma(mm, vma);
  if (next != nullptr && next->branch == 0 && AreAlike(vma, *next)) {
    Absorb(mm, vma, *next);
  } else {
    MergeVma(mm, vma);
  }
}

Vma* PrevVma(Mm& mm, Vma& vma) { return mm.vma_list().Prev(vma); }
Vma* NextVma(Mm& mm, Vma& vma) { return mm.vma_list().Next(vma); }

uint64_t GuardedStart(const Vma& vma) {
  if ((vma.flags & proto::kVmGrowsDown) == 0) {
    return vma.start;
  }
  return vma.start > kStackGuardBytes ? vma.start - kStackGuardBytes : 0;
}

bool RangeInUse(const Mm& mm, uint64_t start, uint64_t end) {
  const Vma* vma = mm.FindVmaFrom(start);
  return vma != nullptr && vma->start < end;
}

}  // namespace fv::guest
