// SPDX-License-Identifier: Apache-2.0
//
// What a kernel does to address spaces, their mappings and memory objects, on the synthetic guest.
#include <cstddef>

#include "src/oracle/testing/guest_builder.h"

namespace fv::oracle::testing {

using proto::DirectMap;
using proto::EventKind;
using proto::FrameState;
using proto::kPageBytes;
using proto::kPageShift;
using proto::MmRecord;
using proto::ObjectRecord;
using proto::VmaRecord;

GuestPtr GuestBuilder::AddMm() {
  const GuestPtr address = AllocateObject("mm");
  const uint64_t root = AllocateFrame(FrameState::kPageTable, proto::kPageTableLevels);
  auto* mm = Ptr<MmRecord>(address);
  mm->magic = proto::kMmMagic;
  mm->root_gpa = root << kPageShift;
  mm->users = mm->count = 1;
  mm->table_frames = 1;
  const GuestPtr vmas = address + offsetof(MmRecord, vmas);
  mm->vmas = {vmas, vmas};
  ListAdd(header().mms, address + offsetof(MmRecord, mms));
  return address;
}

void GuestBuilder::RemoveMm(GuestPtr mm) {
  for (const GuestPtr vma : Vmas(mm)) {
    RemoveVma(vma);
  }
  Tell(EventKind::kMmEnd, mm);
  FreeTables(Peek<MmRecord>(mm).root_gpa >> kPageShift, proto::kPageTableLevels, mm);
  ListRemove(mm + offsetof(MmRecord, mms));
  FreeObject("mm", mm);
}

std::vector<GuestPtr> GuestBuilder::Vmas(GuestPtr mm) const {
  return List(mm + offsetof(MmRecord, vmas), offsetof(VmaRecord, list));
}

GuestPtr GuestBuilder::BuildTree(std::span<const GuestPtr> vmas, GuestPtr parent) {
  if (vmas.empty()) {
    return 0;
  }
  const size_t middle = vmas.size() / 2;
  const GuestPtr root = vmas[middle];
  Ptr<VmaRecord>(root)->parent = parent;
  Ptr<VmaRecord>(root)->left = BuildTree(vmas.first(middle), root);
  Ptr<VmaRecord>(root)->right = BuildTree(vmas.subspan(middle + 1), root);
  return root;
}

void GuestBuilder::RebuildTree(GuestPtr mm) {
  Ptr<MmRecord>(mm)->vma_root = BuildTree(Vmas(mm), 0);
}

GuestPtr GuestBuilder::AddVma(GuestPtr mm, uint64_t start, uint64_t pages, uint64_t flags,
                              GuestPtr object, uint64_t page_offset) {
  const GuestPtr address = AllocateObject("vma");
  auto* vma = Ptr<VmaRecord>(address);
  vma->magic = proto::kVmaMagic;
  vma->mm = mm;
  vma->start = start;
  vma->end = start + pages * kPageBytes;
  constexpr uint64_t kKinds = proto::kVmWrite | proto::kVmShared | proto::kVmNoReserve;
  vma->flags = flags | ((flags & kKinds) == proto::kVmWrite ? proto::kVmAccount : 0);
  header().committed_pages += (vma->flags & proto::kVmAccount) != 0 ? pages : 0;
  vma->object = object;
  vma->page_offset = object != 0 ? page_offset : start >> kPageShift;
  GuestPtr next = mm + offsetof(MmRecord, vmas);
  for (const GuestPtr other : Vmas(mm)) {
    if (Peek<VmaRecord>(other).start > start) {
      next = other + offsetof(VmaRecord, list);
      break;
    }
  }
  ListAdd(next, address + offsetof(VmaRecord, list));
  ++Ptr<MmRecord>(mm)->vma_count;
  Ptr<MmRecord>(mm)->total_pages += pages;
  if (object != 0) {
    ++Ptr<ObjectRecord>(object)->refs;
    ListAdd(object + offsetof(ObjectRecord, mappings), address + offsetof(VmaRecord, object_link));
  }
  RebuildTree(mm);
  Tell(EventKind::kMap, start, vma->end, vma->flags, object, mm);
  if (object != 0) {
    Tell(EventKind::kMapObject, mm, start, vma->end, object, page_offset);
  }
  return address;
}

void GuestBuilder::RemoveVma(GuestPtr address) {
  const VmaRecord vma = Peek<VmaRecord>(address);
  for (uint64_t va = vma.start; va < vma.end; va += kPageBytes) {
    Unmap(vma.mm, va);
  }
  Tell(EventKind::kUnmap, vma.start, vma.end, vma.mm);
  Flush(vma.mm);
  if ((vma.flags & proto::kVmAccount) != 0) {
    header().committed_pages -= (vma.end - vma.start) >> kPageShift;
  }
  ListRemove(address + offsetof(VmaRecord, list));
  --Ptr<MmRecord>(vma.mm)->vma_count;
  Ptr<MmRecord>(vma.mm)->total_pages -= (vma.end - vma.start) >> kPageShift;
  if (vma.object != 0) {
    --Ptr<ObjectRecord>(vma.object)->refs;
    ListRemove(address + offsetof(VmaRecord, object_link));
  }
  LeaveLineage(address);
  FreeObject("vma", address);
  RebuildTree(vma.mm);
}

void GuestBuilder::JoinLineage(GuestPtr vma, GuestPtr lineage) {
  Ptr<VmaRecord>(vma)->lineage = lineage;
  ++Ptr<proto::LineageRecord>(lineage)->count;
  ListAdd(lineage + offsetof(proto::LineageRecord, members),
          vma + offsetof(VmaRecord, lineage_link));
}

void GuestBuilder::LeaveLineage(GuestPtr vma) {
  const GuestPtr lineage = Peek<VmaRecord>(vma).lineage;
  if (lineage == 0) {
    return;
  }
  ListRemove(vma + offsetof(VmaRecord, lineage_link));
  if (--Ptr<proto::LineageRecord>(lineage)->count == 0) {
    FreeObject("anon_lineage", lineage);
  }
}

GuestPtr GuestBuilder::AddObject(uint64_t pages) {
  const GuestPtr address = AllocateObject("object");
  auto* object = Ptr<ObjectRecord>(address);
  object->magic = proto::kObjectMagic;
  object->refs = 1;
  object->bytes = pages * kPageBytes;
  const GuestPtr mappings = address + offsetof(ObjectRecord, mappings);
  object->mappings = {mappings, mappings};
  for (uint64_t most = 1; most < pages; most *= 512) {
    ++object->height;
  }
  ListAdd(header().objects, address + offsetof(ObjectRecord, objects));
  return address;
}

void GuestBuilder::AddObjectPage(GuestPtr address, uint64_t index) {
  auto* object = Ptr<ObjectRecord>(address);
  uint64_t* entry = &object->root;
  for (uint32_t height = object->height; height > 0; --height) {
    if (*entry == 0) {
      *entry = AllocateFrame(FrameState::kKernel) << kPageShift | 1;
    }
    const uint64_t slot = (index >> (9 * (height - 1))) & 511;
    entry = At<uint64_t>((*entry & proto::kPteFrameMask) + 8 * slot);
  }
  *entry = AllocateFrame(FrameState::kFile, proto::OriginOf(address, index)) << kPageShift | 1;
  ++header().committed_pages;
  ++object->pages;
}

uint64_t GuestBuilder::ObjectPage(GuestPtr address, uint64_t index) const {
  const auto& object = Peek<ObjectRecord>(address);
  uint64_t entry = object.root;
  for (uint32_t height = object.height; height > 0 && entry != 0; --height) {
    const uint64_t slot = (index >> (9 * (height - 1))) & 511;
    entry = Peek<uint64_t>(DirectMap((entry & proto::kPteFrameMask) + 8 * slot));
  }
  return entry >> kPageShift;
}

}  // namespace fv::oracle::testing
