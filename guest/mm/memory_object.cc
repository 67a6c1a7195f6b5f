// SPDX-License-Identifier: Apache-2.0
//
// The radix tree of an object and its life; reading and writing are in object_io.cc. An entry of
// the tree is 0 or (frame address | 1); a node is a frame of 512 entries.
#include "guest/mm/memory_object.h"

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/mm/commit.h"
#include "guest/mm/frames.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/slab.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

constexpr unsigned kBitsPerLevel = 9;
constexpr uint64_t kEntriesPerNode = 512;
// The largest off_t, as on Linux (MAX_LFS_FILESIZE).
constexpr uint64_t kMaxBytes = ~uint64_t{0} >> 1;

constinit SlabCache<MemoryObject> object_cache("object");
constinit proto::Link all_objects{0, 0};

uint64_t EntryOf(uint64_t pfn) { return pfn << proto::kPageShift | 1; }
uint64_t* NodeOf(uint64_t entry) { return static_cast<uint64_t*>(FrameData(PfnOfPte(entry))); }

// Pages that a tree of `height` levels can hold.
uint64_t Capacity(unsigned height) { return uint64_t{1} << (kBitsPerLevel * height); }
uint64_t IndexAt(uint64_t index, unsigned level) {
  return (index >> (kBitsPerLevel * (level - 1))) & (kEntriesPerNode - 1);
}

}  // namespace

void RegisterObjectCache() {
  object_cache.Register();
  InitHead(all_objects);
  Channel().objects = AddressOf(&all_objects);
}

MemoryObject::MemoryObject(uint64_t size) : proto::ObjectRecord{} {
  magic = proto::kObjectMagic;
  refs = 1;
  bytes = size;
  InitHead(mappings);
  InsertBetween(objects, reinterpret_cast<proto::Link*>(all_objects.prev), &all_objects);
}

Result<Ref<MemoryObject>> MemoryObject::Create(uint64_t size) {
  if (size > kMaxBytes) {
    return Error(EFBIG);
  }
  MemoryObject* object = object_cache.New(size);
  if (object == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<MemoryObject>::Adopt(object);
}

Result<Ref<MemoryObject>> MemoryObject::CreateCharged(const Mm& mm, uint64_t size) {
  CommitCharge charge;
  TRY(charge.Take(mm, PagesFor(size)));
  Ref<MemoryObject> object = TRY(Create(size));
  object->accounting = proto::ObjectAccounting::kBySize;
  charge.Keep();
  return object;
}

void MemoryObject::Release() {
  FV_CHECK(refs > 0);
  if (--refs == 0) {
    NoteChange(proto::SafepointKind::kSyscall);
    RemovePages(0, kNoPage);
    if (accounting == proto::ObjectAccounting::kBySize) {
      UnchargeCommit(PageCount());
    }
    Unlink(objects);
    magic = 0;
    object_cache.Delete(this);
  }
}

void MemoryObject::SetBacking(const uint8_t* data, uint64_t size) {
  FV_CHECK(pages == 0 && accounting == proto::ObjectAccounting::kByPage);
  backing_ = data;
  backing_bytes_ = size;
  bytes = size;
}

uint64_t MemoryObject::FindPage(uint64_t index) const {
  if (index >= Capacity(height)) {
    return 0;
  }
  uint64_t entry = root;
  for (unsigned level = height; level > 0 && entry != 0; --level) {
    entry = NodeOf(entry)[IndexAt(index, level)];
  }
  return PfnOfPte(entry);
}

namespace {

// The first leaf from index `from` on below `entry` of `level`, whose first leaf has index `base`.
uint64_t FirstLeaf(uint64_t entry, unsigned level, uint64_t base, uint64_t from) {
  if (entry == 0) {
    return MemoryObject::kNoPage;
  }
  if (level == 0) {
    return base;
  }
  const uint64_t span = Capacity(level - 1);
  for (uint64_t i = from > base ? (from - base) / span : 0; i < kEntriesPerNode; ++i) {
    const uint64_t found = FirstLeaf(NodeOf(entry)[i], level - 1, base + i * span, from);
    if (found != MemoryObject::kNoPage) {
      return found;
    }
  }
  return MemoryObject::kNoPage;
}

}  // namespace

uint64_t MemoryObject::NextPage(uint64_t from) const {
  if (from < PagesFor(backing_bytes_)) {
    return from;
  }
  return from < Capacity(height) ? FirstLeaf(root, height, 0, from) : kNoPage;
}

uint64_t MemoryObject::FindOrFill(uint64_t index) {
  const uint64_t pfn = index < PageCount() ? FindPage(index) : 0;
  if (pfn != 0 || index >= (backing_bytes_ + proto::kPageBytes - 1) >> proto::kPageShift) {
    return pfn;
  }
  Result<uint64_t> page = GetPage(index);
  return page.ok() ? page.value() : 0;
}

Result<uint64_t> MemoryObject::GetPage(uint64_t index) {
  if (index >= PageCount()) {
    return Error(ENXIO);
  }
  return FindOrInsert(index);
}

// The leaf's place in the tree, made taller and deeper as needed. Nodes made stay on an error.
Result<uint64_t*> MemoryObject::EnsureSlot(uint64_t index) {
  while (index >= Capacity(height)) {
    if (root != 0) {
      const uint64_t node = TRY(AllocateZeroedFrame(proto::FrameState::kKernel));
      static_cast<uint64_t*>(FrameData(node))[0] = root;
      root = EntryOf(node);
    }
    ++height;
  }
  uint64_t* slot = &root;
  for (unsigned level = height; level > 0; --level) {
    if (*slot == 0) {
      *slot = EntryOf(TRY(AllocateZeroedFrame(proto::FrameState::kKernel)));
    }
    slot = NodeOf(*slot) + IndexAt(index, level);
  }
  return slot;
}

// Pages that come from the backing were promised when the archive was made: nobody can refuse them.
Status MemoryObject::ChargePage(uint64_t index) {
  if (accounting == proto::ObjectAccounting::kBySize) {
    return Ok();
  }
  if (index << proto::kPageShift < backing_bytes_) {
    ChargeCommitAlways(1);
    return Ok();
  }
  return ChargeCommit(nullptr, 1).ok() ? Ok() : Status(Error(ENOSPC));
}

bool MemoryObject::FitsQuota(uint64_t first, uint64_t end) const {
  if (quota_ == nullptr || quota_->most == 0) {
    return true;
  }
  uint64_t room = quota_->Full() ? 0 : quota_->most - quota_->used;
  for (uint64_t index = first; index < end; ++index) {
    if (FindPage(index) != 0) {
      continue;
    }
    if (room == 0) {
      return false;
    }
    --room;
  }
  return true;
}

Result<uint64_t> MemoryObject::FindOrInsert(uint64_t index) {
  if (const uint64_t present = FindPage(index); present != 0) {
    return present;
  }
  if (quota_ != nullptr && quota_->Full()) {
    return Error(ENOSPC);
  }
  uint64_t* slot = TRY(EnsureSlot(index));
  const uint64_t offset = index << proto::kPageShift;
  TRY(ChargePage(index));
  const Result<uint64_t> frame =
      AllocateZeroedFrame(proto::FrameState::kFile, proto::OriginOf(AddressOf(this), index));
  if (!frame.ok()) {
    UnchargeCommit(accounting == proto::ObjectAccounting::kByPage ? 1 : 0);
    return frame.error();
  }
  const uint64_t pfn = frame.value();
  if (offset < backing_bytes_) {
    const uint64_t rest = backing_bytes_ - offset;
    memcpy(FrameData(pfn), backing_ + offset, rest < proto::kPageBytes ? rest : proto::kPageBytes);
  }
  *slot = EntryOf(pfn);
  ++pages;
  if (quota_ != nullptr) {
    ++quota_->used;
  }
  return pfn;
}

// Removes the leaves of [first, end) below `entry` of `level`, whose first leaf has index `base`,
// and the nodes that become empty. Returns true if nothing is left. At most 6 deep.
bool MemoryObject::Prune(uint64_t& entry, unsigned level, uint64_t base, uint64_t first,
                         uint64_t end) {
  if (entry == 0) {
    return true;
  }
  if (base >= end || base + Capacity(level) <= first) {
    return false;
  }
  if (level > 0) {
    bool empty = true;
    for (uint64_t i = 0; i < kEntriesPerNode; ++i) {
      empty =
          Prune(NodeOf(entry)[i], level - 1, base + i * Capacity(level - 1), first, end) && empty;
    }
    if (!empty) {
      return false;
    }
  } else {
    pages -= HasMutant(Mutant::kObjectDrift) ? 0 : 1;
    if (quota_ != nullptr) {
      --quota_->used;
    }
    UnchargeCommit(accounting == proto::ObjectAccounting::kByPage ? 1 : 0);
  }
  PutFrame(PfnOfPte(entry));
  entry = 0;
  return true;
}

void MemoryObject::RemovePages(uint64_t first, uint64_t end) {
  if (Prune(root, height, 0, first, end)) {
    height = 0;
  }
  // Of a hole the host forgets where the pages behind it are, too, and learns it again.
  EmitEvent(proto::EventKind::kObjectCut, AddressOf(this), first);
}

namespace {

struct AddressRange {
  uint64_t start;
  uint64_t end;
};

// Where `vma` shows pages [first, end) of its object; start >= end: nowhere.
AddressRange PartShowing(const Vma& vma, uint64_t first, uint64_t end) {
  const uint64_t from = first > vma.page_offset ? first - vma.page_offset : 0;
  const uint64_t to = end > vma.page_offset ? end - vma.page_offset : 0;
  const uint64_t pages = vma.page_count();
  return {vma.start + (from << proto::kPageShift),
          vma.start + ((to < pages ? to : pages) << proto::kPageShift)};
}

}  // namespace

Status MemoryObject::UnmapPages(uint64_t first, uint64_t end, PrivateCopies copies) {
  const ListView<Vma, &Vma::object_link> members(mappings);
  const auto keeps_copies = [copies](const Vma& vma) {
    return copies == PrivateCopies::kKeep && !vma.is_shared();
  };
  for (Vma& vma : members) {
    const AddressRange part = PartShowing(vma, first, end);
    Mm& mm = *reinterpret_cast<Mm*>(vma.mm);
    if (part.start < part.end) {
      TRY(keeps_copies(vma) ? OwnTables(mm, part.start, part.end)
                            : OwnForZap(mm, vma, part.start, part.end));
    }
  }
  for (Vma& vma : members) {
    const AddressRange part = PartShowing(vma, first, end);
    Mm& mm = *reinterpret_cast<Mm*>(vma.mm);
    TlbBatch batch(mm);
    if (part.start < part.end && keeps_copies(vma)) {
      ZapObjectFrames(mm, part.start, part.end, batch);
    } else if (part.start < part.end) {
      ZapRange(mm, part.start, part.end, batch);
    }
  }
  return Ok();
}

Status MemoryObject::Resize(uint64_t size) {
  if (size > kMaxBytes) {
    return Error(EFBIG);
  }
  if (accounting == proto::ObjectAccounting::kBySize && PagesFor(size) > PageCount()) {
    TRY(ChargeCommit(nullptr, PagesFor(size) - PageCount()));
  }
  if (size < bytes) {
    const uint64_t keep = PagesFor(size);
    if (!HasMutant(Mutant::kCutKeepsPages)) {
      TRY(UnmapPages(keep, kNoPage, PrivateCopies::kRemove));
    }
    if (accounting == proto::ObjectAccounting::kBySize) {
      UnchargeCommit(PageCount() - keep);
    }
    RemovePages(keep, kNoPage);
    backing_bytes_ = backing_bytes_ < size ? backing_bytes_ : size;
    const uint64_t in_page = size & (proto::kPageBytes - 1);
    const uint64_t last = in_page != 0 ? FindPage(size >> proto::kPageShift) : 0;
    if (last != 0) {
      memset(static_cast<uint8_t*>(FrameData(last)) + in_page, 0, proto::kPageBytes - in_page);
      NoteWrite(size, proto::kPageBytes - in_page);
    }
    NoteChange(proto::SafepointKind::kSyscall);
  }
  bytes = size;
  return Ok();
}

}  // namespace fv::guest
