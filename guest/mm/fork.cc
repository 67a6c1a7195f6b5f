// SPDX-License-Identifier: Apache-2.0
//
// dup_mm: the fields, the mappings (DupMmap), then the pages by a strategy, then the hot pages.
#include "guest/mm/fork.h"

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"
#include "guest/mm/commit.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/fork_strategies.h"
#include "guest/mm/lineage.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/page_table.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/spare_trees.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {

using proto::FrameRecord;
using proto::FrameState;
using proto::Pte;

namespace {

void CopyFields(const Mm& parent, Mm& child) {
  child.start_brk = parent.start_brk;
  child.fork_strategy = parent.fork_strategy;
  child.membarrier_registered = parent.membarrier_registered;
  child.brk = parent.brk;
  child.start_stack = parent.start_stack;
  child.limits = parent.limits;
  child.start_code = parent.start_code;
  child.end_code = parent.end_code;
  child.start_data = parent.start_data;
  child.end_data = parent.end_data;
  child.arg_start = parent.arg_start;
  child.arg_end = parent.arg_end;
  child.env_start = parent.env_start;
  child.env_end = parent.env_end;
  memcpy(child.auxv, parent.auxv, sizeof(child.auxv));
  child.coredump_filter = parent.coredump_filter;
  child.thp_disable = parent.thp_disable;
  child.area_cache = parent.area_cache;
  child.area_hole = parent.area_hole;
}

// Every mapping but the DONTCOPY ones; memory locks are not inherited.
Status DupMmap(Mm& parent, Mm& child, ForkCounts& counts) {
  for (Vma& vma : parent.vma_list()) {
    if (!IsCopiedAtFork(vma)) {
      // What lies free in the child only: its search for space must see it.
      child.area_cache = proto::kMmapTop;
      child.area_hole = 0;
      continue;
    }
    CommitCharge charge;
    TRY(charge.Take(parent, HasMutant(Mutant::kForkUncharged) ? 0 : ChargeOf(vma)));
    const bool short_copy = HasMutant(Mutant::kVmaOffByOne) && vma.page_count() > 1;
    Vma* copy = NewVma(child, vma.start, vma.end - (short_copy ? proto::kPageBytes : 0),
                       vma.flags & ~kLockFlags, vma.may, vma.memory_object(), vma.page_offset,
                       vma.source());
    if (copy == nullptr) {
      if (HasMutant(Mutant::kFailKeepsCharge)) {
        charge.Keep();
      }
      return Error(ENOMEM);
    }
    charge.Keep();  // the child's now
    AppendVma(child, *copy, vma);
    if (HasPagesToCopy(vma) && !HasMutant(Mutant::kLineageForgotten)) {
      InheritLineage(*copy, vma);
    }
    ++counts.vmas;
  }
  BuildVmaTree(child);
  return Ok();
}

// Flushes what lost permissions in the mapping: a shared table takes them from its whole span, in
// which other mappings may lie.
void AddLost(const Vma& vma, const ForkCounts& before, const ForkCounts& counts, TlbBatch& batch) {
  if (counts.protected_ptes == before.protected_ptes || HasMutant(Mutant::kForkSkipsFlush)) {
    return;
  }
  constexpr uint64_t kSpan = proto::EntrySpan(2);
  if (counts.shared_tables == before.shared_tables) {
    batch.Add(vma.start, vma.end);
  } else {
    batch.Add(vma.start & ~(kSpan - 1), (vma.end + kSpan - 1) & ~(kSpan - 1));
  }
}

Status CopyAllPages(Mm& parent, Mm& child, const ForkStrategy& strategy, StaleEntries& stale,
                    ForkCounts& counts) {
  TlbBatch batch(parent);
  Vma* to = child.vma_list().front();
  for (Vma& from : parent.vma_list()) {
    if (!IsCopiedAtFork(from)) {
      continue;
    }
    if (HasPagesToCopy(from)) {
      const ForkCounts before = counts;
      stale.ClearTo(from.start);
      Status status = strategy.CopyPages(parent, from, child, *to, stale, counts);
      AddLost(from, before, counts, batch);
      TRY(status);
    }
    to = NextVma(child, *to);
  }
  return Ok();
}

// Undoes the sharing of one page between a parent and the child just made, see HotPages. The two
// references are theirs, so the frame was the parent's alone before the fork.
bool SplitHotPage(Mm& parent, Mm& child, uint64_t address) {
  const Vma* vma = parent.FindVma(address);
  Pte* mine = address < proto::kUserEnd ? LookupPte(parent, address) : nullptr;
  Pte* theirs = mine != nullptr ? LookupPte(child, address) : nullptr;
  if (vma == nullptr || theirs == nullptr || *theirs == 0 || vma->is_shared() ||
      TableIsShared(parent, address) || (vma->flags & proto::kVmWrite) == 0 ||
      (*mine & proto::kPteCow) == 0 || PfnOfPte(*mine) != PfnOfPte(*theirs)) {
    return false;
  }
  const uint64_t pfn = PfnOfPte(*mine);
  FrameRecord& record = FrameOf(pfn);
  if (record.state != FrameState::kAnon || record.refs != 2 || record.pins != 0) {
    return false;
  }
  Result<uint64_t> copy = AllocateFrames(0, FrameState::kAnon, record.aux);
  if (!copy.ok()) {
    return false;
  }
  CopyPage(FrameData(copy.value()), FrameData(pfn));
  const Pte own = AdjustAccess(*mine & ~proto::kPteCow, vma->flags) | proto::kPteDirty;
  *mine = own;
  *theirs = (own & ~proto::kPteFrameMask) | copy.value() << proto::kPageShift;
  const uint64_t page = PageDown(address);
  EmitEvent(proto::EventKind::kOwn, AddressOf(&child), page, page + proto::kPageBytes);
  --record.refs;
  return true;
}

// Frees the tables between the mappings.
void PruneTables(Mm& mm) {
  uint64_t floor = 0;
  for (const Vma& vma : mm.vma_list()) {
    FreeTables(mm, floor, vma.start, floor, vma.start);
    floor = vma.end;
  }
  FreeTables(mm, floor, proto::kUserEnd, floor, proto::kUserEnd);
}

}  // namespace

Result<Mm*> DupMm(Mm& parent, ForkCounts& counts, const HotPages& hot,
                  const ForkStrategy* strategy) {
  if (strategy == nullptr) {
    strategy = ForkStrategies()[parent.fork_strategy].strategy;
  }
  const uint64_t begin = ReadTsc();
  bool adopted = false;
  Mm* child = TRY(CreateMm(parent.table_frames, adopted));
  ScopeGuard undo([child] { child->Put(); });
  ForgetIf(Mutant::kFailKeepsMm, undo);
  // Destroyed before `undo` runs: a child that is put has no stale entries.
  StaleEntries stale(*child, adopted ? StaleEntries::Tree::kAdopted : StaleEntries::Tree::kFresh);
  CopyFields(parent, *child);
  TRY(DupMmap(parent, *child, counts));
  EmitEvent(proto::EventKind::kMmCopy, AddressOf(&parent), AddressOf(child));
  const uint64_t mapped = ReadTsc();
  counts.vma_cycles = mapped - begin;
  TRY(CopyAllPages(parent, *child, *strategy, stale, counts));
  stale.Finish();
  if (child->table_frames > parent.table_frames) {
    PruneTables(*child);  // the tree's last owner had mappings elsewhere
  }
  for (unsigned i = 0; i < hot.count; ++i) {
    counts.hot_pages += SplitHotPage(parent, *child, hot.address[i]);
  }
  NotePeak(*child);
  counts.tables = child->table_frames;
  counts.table_cycles = ReadTsc() - mapped;
  undo.Dismiss();
  return child;
}

}  // namespace fv::guest
