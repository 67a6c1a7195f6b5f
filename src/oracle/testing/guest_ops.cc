// SPDX-License-Identifier: Apache-2.0
//
// What a kernel does to tasks and address spaces, on the synthetic guest.
#include <cstddef>
#include <utility>

#include "src/oracle/testing/guest_builder.h"

namespace fv::oracle::testing {

using proto::DirectMap;
using proto::EventKind;
using proto::FrameState;
using proto::kPageBytes;
using proto::kPageShift;
using proto::Link;
using proto::MmRecord;
using proto::ObjectRecord;
using proto::PhysOfDirectMap;
using proto::PidNamespaceRecord;
using proto::Pte;
using proto::TaskRecord;
using proto::VmaRecord;

namespace {

constexpr Pte kTableFlags =
    proto::kPtePresent | proto::kPteWritable | proto::kPteUser | proto::kPteAccessed;

uint64_t PfnOf(Pte pte) { return (pte & proto::kPteFrameMask) >> kPageShift; }

Pte LeafFlags(uint64_t vm_flags) {
  return proto::kPtePresent | proto::kPteUser | proto::kPteAccessed |
         ((vm_flags & proto::kVmExec) != 0 ? 0 : proto::kPteNoExecute);
}

}  // namespace

void GuestBuilder::Tell(proto::EventKind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                        uint64_t e) {
  events_.push_back({told_++, 0, kind, 0, 0, a, b, c, d, e});
}

std::vector<proto::EventRecord> GuestBuilder::TakeEvents() { return std::exchange(events_, {}); }

void GuestBuilder::Flush(GuestPtr mm, uint64_t start, uint64_t end) {
  const uint64_t generation = ++Ptr<MmRecord>(mm)->flush_generation;
  Tell(EventKind::kFlush, mm, start, end, generation);
}

GuestPtr GuestBuilder::NewTask(uint32_t pid, GuestPtr mm, GuestPtr space) {
  const GuestPtr address = AllocateObject("task_struct");
  const GuestPtr stack = DirectMap(AllocateStack(address) << kPageShift);
  auto* task = Ptr<TaskRecord>(address);
  task->magic = proto::kTaskMagic;
  task->pid = pid;
  task->mm = mm;
  task->stack = stack;
  task->usage = 2;
  const GuestPtr children = address + offsetof(TaskRecord, children);
  task->children = {children, children};
  ListAdd(header().tasks, address + offsetof(TaskRecord, tasks));
  const uint64_t bucket = pid & (header().pid_buckets - 1);
  ListAdd(header().pid_hash + bucket * sizeof(Link), address + offsetof(TaskRecord, pid_hash));
  ++header().task_count;
  const GuestPtr id = NewPid(pid, space);
  Ptr<TaskRecord>(address)->id = id;
  Ptr<proto::PidRecord>(id)->task = address;
  return address;
}

GuestPtr GuestBuilder::AddTask(uint32_t pid, GuestPtr parent, GuestPtr mm, GuestPtr space) {
  if (space == 0) {
    space = parent == 0 ? initial_space_ : PidSpaceOf(Peek<TaskRecord>(parent).id);
  }
  const GuestPtr address = NewTask(pid, mm, space);
  auto* task = Ptr<TaskRecord>(address);
  task->tgid = pid;
  task->leader = address;
  const GuestPtr ring = address + offsetof(TaskRecord, group);
  task->group = {ring, ring};
  task->parent = parent;
  std::strncpy(task->comm, "task", sizeof(task->comm));
  GuestPtr group = task->id;
  GuestPtr session = task->id;
  if (parent != 0) {
    ListAdd(parent + offsetof(TaskRecord, children), address + offsetof(TaskRecord, sibling));
    group = FindPid(Peek<TaskRecord>(parent).pgid);
    session = FindPid(Peek<TaskRecord>(parent).sid);
  }
  JoinChains(address, group, session);
  AddShares(address, parent);
  if (Peek<PidNamespaceRecord>(space).reaper == 0) {
    Ptr<PidNamespaceRecord>(space)->reaper = address;
  }
  return address;
}

GuestPtr GuestBuilder::AddThread(uint32_t pid, GuestPtr leader) {
  const TaskRecord lead = Peek<TaskRecord>(leader);
  const GuestPtr address = NewTask(pid, lead.mm, PidSpaceOf(lead.id));
  auto* task = Ptr<TaskRecord>(address);
  task->tgid = lead.tgid;
  task->leader = leader;
  task->parent = lead.parent;
  task->pgid = lead.pgid;
  task->sid = lead.sid;
  ListAdd(leader + offsetof(TaskRecord, group), address + offsetof(TaskRecord, group));
  ShareAll(address, leader);
  if (lead.mm != 0) {
    ++Ptr<MmRecord>(lead.mm)->users;
  }
  return address;
}

void GuestBuilder::RemoveTask(GuestPtr address) {
  const TaskRecord task = Peek<TaskRecord>(address);
  if (task.mm != 0 && --Ptr<MmRecord>(task.mm)->users == 0) {
    RemoveMm(task.mm);
  }
  for (const GuestPtr child :
       List(address + offsetof(TaskRecord, children), offsetof(TaskRecord, sibling))) {
    ListRemove(child + offsetof(TaskRecord, sibling));
    ListAdd(init_ + offsetof(TaskRecord, children), child + offsetof(TaskRecord, sibling));
    Ptr<TaskRecord>(child)->parent = init_;
  }
  DropShares(address);
  for (const uint64_t link :
       {offsetof(TaskRecord, tasks), offsetof(TaskRecord, pid_hash), offsetof(TaskRecord, group)}) {
    ListRemove(address + link);
  }
  if (task.sibling.next != 0) {
    ListRemove(address + offsetof(TaskRecord, sibling));
  }
  for (uint64_t i = 0; i < proto::kKernelStackBytes / kPageBytes; ++i) {
    FreeFrame((PhysOfDirectMap(task.stack) >> kPageShift) + i);
  }
  auto* cpu = Ptr<proto::CpuRecord>(header().cpus);
  if (cpu->current == address) {
    cpu->current = init_;
  }
  --header().task_count;
  if (task.leader == address) {
    LeaveChains(address);
  }
  Ptr<proto::PidRecord>(task.id)->task = 0;
  if (Peek<PidNamespaceRecord>(PidSpaceOf(task.id)).reaper == address) {
    Ptr<PidNamespaceRecord>(PidSpaceOf(task.id))->reaper = 0;
  }
  ReleasePidIfUnused(task.id);
  FreeObject("task_struct", address);
}

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

void GuestBuilder::FreeTables(uint64_t table_pfn, unsigned level, GuestPtr mm) {
  const auto& entries = Peek<Pte[512]>(DirectMap(table_pfn << kPageShift));
  for (unsigned i = 0; level > 1 && i < proto::kEntriesPerTable; ++i) {
    if ((entries[i] & proto::kPtePresent) != 0) {
      FreeTables(PfnOf(entries[i]), level - 1, mm);
    }
  }
  --Ptr<MmRecord>(mm)->table_frames;
  FreeFrame(table_pfn);
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

uint64_t GuestBuilder::AllocateAnon(GuestPtr address, uint64_t va) {
  if (Peek<VmaRecord>(address).lineage == 0) {
    const GuestPtr lineage = AllocateObject("anon_lineage");
    const GuestPtr members = lineage + offsetof(proto::LineageRecord, members);
    *Ptr<proto::LineageRecord>(lineage) = {proto::kLineageMagic, {members, members}, 0};
    JoinLineage(address, lineage);
  }
  const VmaRecord& vma = Peek<VmaRecord>(address);
  const uint64_t index = vma.page_offset + ((va - vma.start) >> kPageShift);
  return AllocateFrame(FrameState::kAnon, proto::OriginOf(vma.lineage, index));
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

uint64_t GuestBuilder::PteGpa(GuestPtr mm, uint64_t va, Tables tables) {
  uint64_t table = Peek<MmRecord>(mm).root_gpa;
  for (unsigned level = proto::kPageTableLevels; level > 1; --level) {
    const uint64_t at = table + 8 * proto::TableIndex(va, level);
    Pte entry = Peek<Pte>(DirectMap(at));
    if ((entry & proto::kPtePresent) == 0) {
      if (tables == Tables::kFind) {
        return 0;
      }
      entry = AllocateFrame(FrameState::kPageTable, level - 1) << kPageShift | kTableFlags;
      *At<Pte>(at) = entry;
      ++Ptr<MmRecord>(mm)->table_frames;
    }
    table = entry & proto::kPteFrameMask;
  }
  return table + 8 * proto::TableIndex(va, 1);
}

Pte GuestBuilder::PeekPte(GuestPtr mm, uint64_t va) {
  const uint64_t gpa = PteGpa(mm, va, Tables::kFind);
  return gpa == 0 ? 0 : Peek<Pte>(DirectMap(gpa));
}

void GuestBuilder::SetPte(GuestPtr mm, uint64_t va, Pte pte) {
  *At<Pte>(PteGpa(mm, va, Tables::kMake)) = pte;
}

void GuestBuilder::Break(GuestPtr mm, GuestPtr vma, uint64_t va) {
  const Pte old = PeekPte(mm, va);
  const Pte flags = LeafFlags(Peek<VmaRecord>(vma).flags) | proto::kPteWritable | proto::kPteDirty;
  const uint64_t old_pfn = PfnOf(old);
  const bool anon = PeekFrame(old_pfn).state == FrameState::kAnon;
  Tell(EventKind::kOwn, mm, va, va + kPageBytes);
  if (anon && PeekFrame(old_pfn).refs == 1) {
    SetPte(mm, va, flags | old_pfn << kPageShift);
    return;
  }
  const uint64_t pfn = AllocateAnon(vma, va);
  std::memcpy(ram_ + (pfn << kPageShift), ram_ + (old_pfn << kPageShift), kPageBytes);
  SetPte(mm, va, flags | pfn << kPageShift);
  if (!anon) {
    ++Ptr<MmRecord>(mm)->anon_pages;
  }
  if (PeekFrame(old_pfn).state == FrameState::kFile) {
    --Ptr<MmRecord>(mm)->file_pages;
  }
  if (old_pfn != zero_pfn_) {
    Put(old_pfn);
  }
  ++Ptr<MmRecord>(mm)->cow_faults;
  Flush(mm);
}

void GuestBuilder::Touch(GuestPtr mm, GuestPtr vma_address, uint64_t va, bool write) {
  const VmaRecord vma = Peek<VmaRecord>(vma_address);
  const Pte pte = PeekPte(mm, va);
  ++Ptr<MmRecord>(mm)->faults;
  if ((pte & proto::kPtePresent) != 0) {
    if (write && (pte & proto::kPteWritable) == 0) {
      Break(mm, vma_address, va);
    }
    return;
  }
  const Pte flags = LeafFlags(vma.flags);
  const Pte write_bits = proto::kPteWritable | proto::kPteDirty;
  if (vma.object != 0) {
    const uint64_t index = vma.page_offset + ((va - vma.start) >> kPageShift);
    if (ObjectPage(vma.object, index) == 0) {
      AddObjectPage(vma.object, index);
    }
    const uint64_t pfn = ObjectPage(vma.object, index);
    ++Frame(pfn).refs;
    ++Ptr<MmRecord>(mm)->file_pages;
    const bool shared = (vma.flags & proto::kVmShared) != 0;
    const bool may_write = shared && (vma.flags & proto::kVmWrite) != 0;
    SetPte(
        mm, va,
        flags | pfn << kPageShift | (may_write ? write_bits : 0) | (shared ? 0 : proto::kPteCow));
    if (write && !shared) {
      Break(mm, vma_address, va);
    }
  } else if (!write) {
    SetPte(mm, va, flags | zero_pfn_ << kPageShift | proto::kPteZero | proto::kPteCow);
  } else {
    const uint64_t pfn = AllocateAnon(vma_address, va);
    Tell(EventKind::kOwn, mm, va, va + kPageBytes);
    ++Ptr<MmRecord>(mm)->anon_pages;
    SetPte(mm, va, flags | write_bits | pfn << kPageShift);
  }
}

void GuestBuilder::Unmap(GuestPtr mm, uint64_t va) {
  const Pte pte = PeekPte(mm, va);
  if ((pte & proto::kPtePresent) == 0) {
    return;
  }
  SetPte(mm, va, 0);
  Tell(EventKind::kDiscard, mm, va, va + kPageBytes);
  const uint64_t pfn = PfnOf(pte);
  if (pfn == zero_pfn_) {
    return;
  }
  auto* record = Ptr<MmRecord>(mm);
  --(PeekFrame(pfn).state == FrameState::kAnon ? record->anon_pages : record->file_pages);
  Put(pfn);
}

void GuestBuilder::ProtectReadOnly(GuestPtr address) {
  auto* vma = Ptr<VmaRecord>(address);
  vma->flags &= ~uint64_t{proto::kVmWrite};
  for (uint64_t va = vma->start; va < vma->end; va += kPageBytes) {
    const Pte pte = PeekPte(vma->mm, va);
    if ((pte & proto::kPteWritable) != 0) {
      SetPte(vma->mm, va, pte & ~proto::kPteWritable);
    }
  }
  Tell(EventKind::kProtect, vma->start, vma->end, vma->flags, vma->mm);
  Flush(vma->mm);
}

GuestPtr GuestBuilder::ForkMm(GuestPtr parent) {
  const GuestPtr child = AddMm();
  const size_t told = events_.size();
  for (const GuestPtr from : Vmas(parent)) {
    const VmaRecord vma = Peek<VmaRecord>(from);
    if ((vma.flags & proto::kVmDontCopy) != 0) {
      continue;
    }
    const GuestPtr copy = AddVma(child, vma.start, (vma.end - vma.start) >> kPageShift, vma.flags,
                                 vma.object, vma.page_offset);
    if (vma.lineage != 0) {
      JoinLineage(copy, vma.lineage);
    }
    for (uint64_t va = vma.start; va < vma.end; va += kPageBytes) {
      Pte pte = PeekPte(parent, va);
      if ((pte & proto::kPtePresent) == 0) {
        continue;
      }
      if ((vma.flags & proto::kVmShared) == 0) {
        pte = (pte & ~proto::kPteWritable) | proto::kPteCow;
        SetPte(parent, va, pte);
      }
      SetPte(child, va, pte);
      const uint64_t pfn = PfnOf(pte);
      if (pfn != zero_pfn_) {
        ++Frame(pfn).refs;
        auto* record = Ptr<MmRecord>(child);
        ++(PeekFrame(pfn).state == FrameState::kAnon ? record->anon_pages : record->file_pages);
      }
    }
  }
  events_.resize(told);  // a fork is one event, not the mappings that it makes
  Tell(EventKind::kMmCopy, parent, child);
  Flush(parent);
  return child;
}

GuestPtr GuestBuilder::Fork(GuestPtr parent_task, uint32_t pid) {
  const GuestPtr mm = Peek<TaskRecord>(parent_task).mm;
  ++header().total_forks;
  return AddTask(pid, parent_task, mm == 0 ? 0 : ForkMm(mm));
}

}  // namespace fv::oracle::testing
