// SPDX-License-Identifier: Apache-2.0
//
// Life of an address space; look-up of mappings. See mm.h.
#include "guest/mm/mm.h"

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/print.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"
#include "guest/mm/commit.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/lineage.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/page_table.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/slab.h"
#include "guest/mm/spare_trees.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

constinit SlabCache<Mm> mm_cache("mm");
constinit proto::Link all_mms{0, 0};
constinit uint32_t boot_strategy = 0;

}  // namespace

void RegisterObjectCache();  // memory_object.cc

void InitMm(const proto::BootInfo& boot) {
  InitCommit();
  mm_cache.Register();
  RegisterVmaCache();
  RegisterLineageCache();
  RegisterObjectCache();
  const Result<uint32_t> strategy = FindForkStrategy(boot.fork_strategy);
  if (!strategy.ok()) {
    Panic("no fork strategy \"%s\"", boot.fork_strategy);
  }
  boot_strategy = strategy.value();
  InitHead(all_mms);
  Channel().mms = AddressOf(&all_mms);
}

Result<Mm*> CreateMm(uint32_t tables, bool& adopted) {
  Mm* mm = mm_cache.New();
  if (mm == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard undo([mm] { mm_cache.Delete(mm); });
  ForgetIf(Mutant::kFailKeepsRoot, undo);
  adopted = AdoptTree(*mm, tables);
  if (!adopted) {
    const uint64_t root =
        TRY(AllocateZeroedFrame(proto::FrameState::kPageTable, proto::kPageTableLevels));
    LinkKernelWindow(static_cast<uint64_t*>(FrameData(root)));
    mm->root_gpa = root << proto::kPageShift;
    mm->table_frames = 1;
  }
  undo.Dismiss();
  mm->magic = proto::kMmMagic;
  mm->users = 1;
  mm->fork_strategy = boot_strategy;
  mm->count = 1;
  InitHead(mm->vmas);
  InsertBetween(mm->mms, reinterpret_cast<proto::Link*>(all_mms.prev), &all_mms);
  return mm;
}

Result<Mm*> Mm::Create() {
  bool adopted = false;
  Mm* mm = TRY(CreateMm(0, adopted));
  StaleEntries(*mm, adopted ? StaleEntries::Tree::kAdopted : StaleEntries::Tree::kFresh).Finish();
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
    if (root_gpa != 0) {
      PutFrame(root_gpa >> proto::kPageShift);
    }
    magic = 0;
    mm_cache.Delete(this);
  }
}

// Gives up the page tables; the root as well if the structure goes next.
void Mm::FreeTree() {
  if (count == 1 && StashTree(*this)) {
    root_gpa = 0;
    return;
  }
  FreeAllTables(*this);
  FV_CHECK(table_frames == 1);
  if (count > 1) {
    memset(RootTable(*this), 0, proto::kKernelPml4Slot * sizeof(proto::Pte));
  }
}

void Mm::TearDown() {
  EmitEvent(proto::EventKind::kMmEnd, AddressOf(this));
  DropSharedTables(*this, 0, proto::kUserEnd, nullptr);
  for (Vma& vma : vma_list()) {
    ZapDying(*this, vma.start, vma.end);
  }
  FV_CHECK(anon_pages == 0 && file_pages == 0);
  while (Vma* vma = vma_list().front()) {
    UnchargeCommit(ChargeOf(*vma));
    VmaList::Remove(*vma);
    Unlink(vma->object_link);
    DeleteVma(vma);
  }
  vma_root = 0;
  vma_count = 0;
  total_pages = 0;
  locked_pages = 0;
  FreeTree();
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
