// SPDX-License-Identifier: Apache-2.0
//
// The classic strategy: every present entry is copied into the child's tables. The loop over the
// entries (CopyEntries) is what a fork costs. Pages of file mappings are copied too: a fault in the
// child costs more than their entries.
#include "guest/lib/mutants.h"
#include "guest/mm/copy_entries.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/fork_strategies.h"
#include "guest/mm/page_table.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/spare_trees.h"
#include "guest/mm/vma.h"

namespace fv::guest {

using proto::Pte;

Status CopyTablePart(Pte* table, uint64_t va, uint64_t count, const Vma& vma, Mm& child,
                     StaleEntries& stale, ForkCounts& counts) {
  if (NoEntries(table, count)) {
    return Ok();
  }
  Pte* target = TRY(EnsurePte(child, va));
  stale.ClearTo(va);
  CopiedEntries copied;
  const bool as_shared =
      vma.is_shared() ? !HasMutant(Mutant::kSharedAsPrivate) : HasMutant(Mutant::kPrivateAsShared);
  if (as_shared) {
    CopyEntries<Sharing::kShared>(table, target, count, copied);
  } else {
    CopyEntries<Sharing::kPrivate>(table, target, count, copied);
  }
  stale.Filled(va + (count << proto::kPageShift));
  child.anon_pages += copied.anon;
  child.file_pages += copied.file;
  counts.ptes += copied.entries;
  counts.protected_ptes += copied.protected_entries;
  return Ok();
}

namespace {

class ClassicFork final : public ForkStrategy {
 public:
  Status CopyPages(Mm& parent, const Vma& from, Mm& child, Vma& to, StaleEntries& stale,
                   ForkCounts& counts) const override;
};

Status ClassicFork::CopyPages(Mm& parent, const Vma& from, Mm& child, Vma&, StaleEntries& stale,
                              ForkCounts& counts) const {
  TRY(OwnTables(parent, from.start, from.end));
  const bool complete =
      ForEachTable(parent, from.start, from.end, [&](Pte* table, uint64_t va, uint64_t count) {
        return CopyTablePart(table, va, count, from, child, stale, counts).ok();
      });
  stale.ClearTo(from.end);
  return complete ? Ok() : Status(Error(ENOMEM));
}

constexpr ClassicFork kClassicFork{};
FV_FORK_STRATEGY constexpr RegisteredStrategy kRegistered = {"classic", proto::ForkMemory::kShares,
                                                             &kClassicFork};

}  // namespace

}  // namespace fv::guest
