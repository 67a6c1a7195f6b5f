// SPDX-License-Identifier: Apache-2.0
//
// See fork_ondemand.h. A table is judged once, at the first mapping that reaches into it.
#include "guest/mm/fork_ondemand.h"

#include "guest/mm/copy_entries.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/fork_strategies.h"
#include "guest/mm/page_table.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/spare_trees.h"

namespace fv::guest {

using proto::Pte;

namespace {

constexpr uint64_t kTableSpan = proto::EntrySpan(2);

// Whether any page of the mapping within [start, end), the span of one table, is present.
bool HasEntriesIn(const Mm& mm, const Vma& vma, uint64_t start, uint64_t end) {
  const uint64_t from = vma.start > start ? vma.start : start;
  const uint64_t to = vma.end < end ? vma.end : end;
  return !NoEntries(LookupPte(mm, from), (to - from) >> proto::kPageShift);
}

// What the child gets of [start, start + kTableSpan), `first` being the first mapping that reaches
// into it.
enum class Span : uint8_t { kNotAsItIs, kAnonymous, kAny };

Span SpanOf(const Mm& mm, const Vma& first, uint64_t start) {
  const uint64_t end = start + kTableSpan;
  Span span = Span::kAnonymous;
  const Vma* vma = &first;
  while (vma != nullptr && vma->start < end) {
    if (!IsCopiedAtFork(*vma) || (!HasPagesToCopy(*vma) && HasEntriesIn(mm, *vma, start, end))) {
      return Span::kNotAsItIs;
    }
    if (vma->memory_object() != nullptr) {
      span = Span::kAny;
    }
    vma = vma->end < end ? mm.FindVmaFrom(vma->end) : nullptr;
  }
  return span;
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
  const uint64_t start = va & ~(kTableSpan - 1);
  if (from.start > start) {  // a mapping below may have had its turn
    if (TableIsShared(child, va)) {
      return Treatment::kDone;
    }
    if (parent.FindVmaFrom(start) != &from) {
      return Treatment::kCopy;
    }
  }
  const Span span = SpanOf(parent, from, start);
  const Pte entry = *TableEntryOf(parent, va);
  const bool shared = (entry & proto::kPteSharedTable) != 0;
  if (span == Span::kNotAsItIs || (!shared && !HasEntries(TableOf(entry), fewest_entries_))) {
    return Treatment::kCopy;
  }
  return span == Span::kAnonymous ? Treatment::kShareAnonymous : Treatment::kShareAny;
}

Status OndemandFork::CopyPart(uint64_t va, uint64_t count, Mm& parent, const Vma& from, Mm& child,
                              StaleEntries& stale, ForkCounts& counts) const {
  const uint64_t start = va & ~(kTableSpan - 1);
  const Treatment treatment = TreatmentOf(parent, from, child, va);
  switch (treatment) {
    case Treatment::kCopy:
      TRY(OwnTables(parent, va, va + 1));
      return CopyTablePart(LookupPte(parent, va), va, count, from, child, stale, counts);
    case Treatment::kShareAnonymous:
    case Treatment::kShareAny:
      stale.ClearTo(start);
      TRY(ShareTable(
          parent, child, va,
          treatment == Treatment::kShareAny ? TableContent::kAny : TableContent::kAnonymous,
          counts));
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
