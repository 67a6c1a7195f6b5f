// SPDX-License-Identifier: Apache-2.0
//
// The eager strategy: the child gets a copy of every anonymous page at once, as on Unix before
// copy-on-write. Fork costs what is resident; no write faults afterwards, in neither. Pages of a
// file that nobody wrote to are mapped, as the classic strategy maps them.
#include "guest/introspect/introspect.h"
#include "guest/lib/string.h"
#include "guest/mm/copy_entries.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/fork_strategies.h"
#include "guest/mm/page_table.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/spare_trees.h"
#include "guest/mm/vma.h"

namespace fv::guest {

using proto::FrameState;
using proto::Pte;

namespace {

class EagerFork final : public ForkStrategy {
 public:
  Status CopyPages(Mm& parent, const Vma& from, Mm& child, Vma& to, StaleEntries& stale,
                   ForkCounts& counts) const override;
};

// The child's entry for what the parent's `pte` of a private mapping maps. Errors: ENOMEM.
Result<Pte> CopyBehind(Pte pte, const Vma& vma, Mm& child) {
  if ((pte & proto::kPteZero) != 0) {
    return pte;
  }
  const uint64_t pfn = PfnOfPte(pte);
  if (FrameOf(pfn).state != FrameState::kAnon) {
    GetFrame(pfn);  // read-only and marked copy-on-write in a private mapping
    ++child.file_pages;
    return pte;
  }
  const uint64_t copy = TRY(AllocateFrames(0, FrameState::kAnon, FrameOf(pfn).aux));
  CopyPage(FrameData(copy), FrameData(pfn));
  ++child.anon_pages;
  const Pte own = AdjustAccess(pte & ~proto::kPteCow, vma.flags) | proto::kPteDirty;
  return (own & ~proto::kPteFrameMask) | copy << proto::kPageShift;
}

void EmitOwn(const Mm& child, uint64_t start, uint64_t end) {
  if (start < end) {
    EmitEvent(proto::EventKind::kOwn, AddressOf(&child), start, end);
  }
}

// What CopyTablePart is for the classic strategy.
Status CopyPagesOfTable(Pte* table, uint64_t va, uint64_t count, const Vma& vma, Mm& child,
                        StaleEntries& stale, ForkCounts& counts) {
  if (NoEntries(table, count)) {
    return Ok();
  }
  Pte* target = TRY(EnsurePte(child, va));
  stale.ClearTo(va);
  uint64_t own_from = va;  // the pages since then that were copied
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t page = va + (i << proto::kPageShift);
    target[i] = table[i] == 0 ? 0 : TRY(CopyBehind(table[i], vma, child));
    counts.ptes += table[i] != 0;
    stale.Filled(page + proto::kPageBytes);
    if (PfnOfPte(target[i]) == PfnOfPte(table[i])) {
      EmitOwn(child, own_from, page);
      own_from = page + proto::kPageBytes;
    }
  }
  EmitOwn(child, own_from, va + (count << proto::kPageShift));
  return Ok();
}

Status EagerFork::CopyPages(Mm& parent, const Vma& from, Mm& child, Vma&, StaleEntries& stale,
                            ForkCounts& counts) const {
  TRY(OwnTables(parent, from.start, from.end));
  const auto copy_part = from.is_shared() ? CopyTablePart : CopyPagesOfTable;
  Status status = Ok();
  ForEachTable(parent, from.start, from.end, [&](Pte* table, uint64_t va, uint64_t count) {
    status = copy_part(table, va, count, from, child, stale, counts);
    return status.ok();
  });
  if (status.ok()) {
    stale.ClearTo(from.end);
  }
  return status;
}

constexpr EagerFork kEagerFork{};
FV_FORK_STRATEGY constexpr RegisteredStrategy kRegistered = {"eager", proto::ForkMemory::kCopies,
                                                             &kEagerFork};

}  // namespace

}  // namespace fv::guest
