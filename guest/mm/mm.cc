// SPDX-License-Identifier: Apache-2.0
//
// Life of an address space; look-up of mappings. See mm.h.
#include "guest/mm/mm.h"

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"
#include "guest/mm/page_table.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/slab.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

constinit SlabCache<Mm> mm_cache("mm");
constinit proto::Link all_mms{0, 0};

}  // namespace

void RegisterObjectCache();  // memory_object.cc

void InitMm() {
  mm_cache.Register();
  RegisterVmaCache();
  RegisterObjectCache();
  InitHead(all_mms);
  Channel().mms = AddressOf(&all_mms);
}

Result<Mm*> Mm::Create() {
  Mm* mm = mm_cache.New();
  if (mm == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard undo([mm] { mm_cache.Delete(mm); });
  const uint64_t root =
      TRY(AllocateZeroedFrame(proto::FrameState::kPageTable, proto::kPageTableLevels));
  undo.Dismiss();
  LinkKernelWindow(static_cast<uint64_t*>(FrameData(root)));
  mm->magic = proto::kMmMagic;
  mm->root_gpa = root << proto::kPageShift;
  mm->users = 1;
  mm->count = 1;
  mm->table_frames = 1;
  InitHead(mm->vmas);
  InsertBetween(mm->mms, reinterpret_cast<proto::Link*>(all_mms.prev), &all_mms);
  return mm;
}

void Mm::Put() {
  FV_CHECK(users > 0);
  if (--users == 0) {
    TearDown();
    Drop();
  }
}

void Mm::Drop() {
  FV_CHECK(count > 0);
  if (--count == 0) {
    Unlink(mms);
    PutFrame(root_gpa >> proto::kPageShift);
    magic = 0;
    mm_cache.Delete(this);
  }
}

void Mm::TearDown() {
  for (Vma& vma : vma_list()) {
    ZapDying(*this, vma.start, vma.end);
  }
  FreeAllTables(*this);
  memset(RootTable(*this), 0, proto::kKernelPml4Slot * sizeof(proto::Pte));
  while (Vma* vma = vma_list().front()) {
    VmaList::Remove(*vma);
    Unlink(vma->object_link);
    DeleteVma(vma);
  }
  vma_root = 0;
  vma_count = 0;
  total_pages = 0;
  locked_pages = 0;
  FV_CHECK(anon_pages == 0 && file_pages == 0 && table_frames == 1);
}

Vma* Mm::FindVmaFrom(uint64_t address) const {
  Vma* node = reinterpret_cast<Vma*>(vma_root);
  Vma* best = nullptr;
  while (node != nullptr) {
    if (address >= node->end) {
      node = VmaTree::right(*node);
      continue;
    }
    best = node;
    if (address >= node->start) {
      break;
    }
    node = VmaTree::left(*node);
  }
  return best;
}

Vma* Mm::FindVma(uint64_t address) const {
  Vma* vma = FindVmaFrom(address);
  return vma != nullptr && vma->start <= address ? vma : nullptr;
}

}  // namespace fv::guest
