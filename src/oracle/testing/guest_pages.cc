// SPDX-License-Identifier: Apache-2.0
//
// What a kernel does to page-table entries, on the synthetic guest: faults, copy-on-write, fork.
#include <cstddef>
#include <cstring>

#include "src/oracle/testing/guest_builder.h"

namespace fv::oracle::testing {

using proto::DirectMap;
using proto::EventKind;
using proto::FrameState;
using proto::kPageBytes;
using proto::kPageShift;
using proto::MmRecord;
using proto::Pte;
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

uint64_t GuestBuilder::PteGpa(GuestPtr mm, uint64_t va, Tables tables) {
  uint64_t table = Peek<MmRecord>(mm).root_gpa;
  for (unsigned level = proto::kPageTableLevels; level > 1; --level) {
    const uint64_t at = table + sizeof(Pte) * proto::TableIndex(va, level);
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
  return table + sizeof(Pte) * proto::TableIndex(va, 1);
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

void GuestBuilder::Touch(GuestPtr mm, GuestPtr vma_address, uint64_t va, Access access) {
  const bool write = access == Access::kWrite;
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

void GuestBuilder::Flush(GuestPtr mm, uint64_t start, uint64_t end) {
  const uint64_t generation = ++Ptr<MmRecord>(mm)->flush_generation;
  Tell(EventKind::kFlush, mm, start, end, generation);
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

}  // namespace fv::oracle::testing
