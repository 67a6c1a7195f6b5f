// SPDX-License-Identifier: Apache-2.0
//
// See fork_ondemand.h. A table is judged once, at the first mapping that reaches into it.
#include "guest/mm/fork_ondemand.h"

#include "guest/mm/fork_registry.h"
#include "guest/mm/fork_strategies.h"
#include "guest/mm/page_table.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/spare_trees.h"

namespace fv::guest {

using proto::Pte;

namespace {

constexpr uint64_t kTableSpan = proto::EntrySpan(2);

// Whether the child gets every mapping that reaches into [start, start + kTableSpan) as it is,
// `first` being the first of them.
bool AllCopied(const Mm& mm, const Vma& first, uint64_t start) {
  for (const Vma* vma = &first; vma != nullptr && vma->start < start + kTableSpan;
       vma = mm.FindVmaFrom(vma->end)) {
    if (!IsCopiedAtFork(*vma) || !HasPagesToCopy(*vma)) {
      return false;
    }
  }
  return true;
}

bool HasEntries(const Pte* table, unsigned at_least) {
  unsigned found = 0;
  for (unsigned i = 0; i < proto::kEntriesPerTable && found < at_least; ++i) {
    found += table[i] != 0;
  }
  return found >= at_least;
}

}  // namespace

OndemandFork::Treatment OndemandFork::TreatmentOf(Mm& parent, const Vma& from, Mm& child,
                                                  uint64_t va) const {
  if (TableIsShared(child, va)) {
    return Treatment::kDone;
  }
  const uint64_t start = va & ~(kTableSpan - 1);
  if (parent.FindVmaFrom(start) != &from || !AllCopied(parent, from, start)) {
    return Treatment::kCopy;
  }
  const Pte entry = *TableEntryOf(parent, va);
  if ((entry & proto::kPteSharedTable) != 0) {
    return Treatment::kShare;
  }
  return HasEntries(TableOf(entry), fewest_entries_) ? Treatment::kShare : Treatment::kCopy;
}

Status OndemandFork::CopyPart(uint64_t va, uint64_t count, Mm& parent, const Vma& from, Mm& child,
                              StaleEntries& stale, ForkCounts& counts) const {
  const uint64_t start = va & ~(kTableSpan - 1);
  switch (TreatmentOf(parent, from, child, va)) {
    case Treatment::kCopy:
      TRY(OwnTables(parent, va, va + 1));
      return CopyTablePart(LookupPte(parent, va), va, count, from, child, stale, counts);
    case Treatment::kShare:
      stale.ClearTo(start);
      TRY(ShareTable(parent, child, va, counts));
      break;
    case Treatment::kDone:
      break;
  }
  stale.Filled(start + kTableSpan);
  return Ok();
}

Status OndemandFork::CopyPages(Mm& parent, const Vma& from, Mm& child, Vma&, StaleEntries& stale,
                               ForkCounts& counts) const {
  Status status = Ok();
  ForEachTable(parent, from.start, from.end, [&](Pte*, uint64_t va, uint64_t count) {
    status = CopyPart(va, count, parent, from, child, stale, counts);
    return status.ok();
  });
  stale.ClearTo(from.end);
  return status;
}

namespace {

constexpr OndemandFork kOndemandFork;
FV_FORK_STRATEGY constexpr RegisteredStrategy kRegistered = {"ondemand", proto::ForkMemory::kShares,
                                                             &kOndemandFork};

}  // namespace

}  // namespace fv::guest
