// SPDX-License-Identifier: Apache-2.0
//
// The recent strategy, for a process that forks again and again while it works, as one that saves
// snapshots of itself: what it wrote since its last fork it will write again. Where that is a few
// pages of a table, the child gets copies of them at once and neither process faults on them; a
// page copied costs a thirtieth of a fault. All other tables are the ondemand strategy's business.
// A page written since the last fork has a writable entry: fork takes that away, and a table shared
// by the last fork is parted when the first page is written. (Where the last child ended before
// that, the table is as it was; such tables are new ones here.)
#include "guest/introspect/introspect.h"
#include "guest/lib/string.h"
#include "guest/mm/copy_entries.h"
#include "guest/mm/fork_ondemand.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/fork_strategies.h"
#include "guest/mm/page_table.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/spare_trees.h"
#include "guest/mm/vma.h"

namespace fv::guest {

using proto::FrameState;
using proto::Pte;

namespace {

class RecentFork final : public ForkStrategy {
 public:
  // A table with more writable pages is new or all in use: to copy its pages would be eager.
  static constexpr uint64_t kMostPages = 32;

  Status CopyPages(Mm& parent, const Vma& from, Mm& child, Vma& to, StaleEntries& stale,
                   ForkCounts& counts) const override;
};

constexpr OndemandFork kOthers;

bool IsRecent(Pte pte) { return (pte & proto::kPteWritable) != 0; }

bool HasFewRecent(const Pte* table, uint64_t count) {
  uint64_t recent = 0;
  for (uint64_t i = 0; i < count && recent <= RecentFork::kMostPages; ++i) {
    recent += IsRecent(table[i]);
  }
  return recent != 0 && recent <= RecentFork::kMostPages;
}

// The child's entry for a page of its own with the content of what `pte` maps, which of a private
// mapping's writable entry is an anonymous frame. Errors: ENOMEM.
Result<Pte> CopyBehind(Pte pte) {
  const uint64_t pfn = PfnOfPte(pte);
  const uint64_t copy = TRY(AllocateFrames(0, FrameState::kAnon, FrameOf(pfn).aux));
  CopyPage(FrameData(copy), FrameData(pfn));
  return (pte & ~proto::kPteFrameMask) | copy << proto::kPageShift;
}

// Copies of the recent pages, references for the others. What was done before a failure is counted.
Status CopyTable(Pte* table, Pte* target, uint64_t va, uint64_t count, const Mm& child,
                 StaleEntries& stale, CopiedEntries& copied) {
  for (uint64_t at = 0; at < count;) {
    uint64_t next = at;
    while (next < count && !IsRecent(table[next])) {
      ++next;
    }
    CopyEntries<Sharing::kPrivate>(table + at, target + at, next - at, copied);
    const uint64_t page = va + (next << proto::kPageShift);
    stale.Filled(page);
    if (next < count) {
      target[next] = TRY(CopyBehind(table[next]));
      ++copied.anon;
      stale.Filled(page + proto::kPageBytes);
      EmitEvent(proto::EventKind::kOwn, AddressOf(&child), page, page + proto::kPageBytes);
    }
    at = next + 1;
  }
  return Ok();
}

Status CopyPart(Pte* table, uint64_t va, uint64_t count, Mm& child, StaleEntries& stale,
                ForkCounts& counts) {
  Pte* target = TRY(EnsurePte(child, va));
  stale.ClearTo(va);
  CopiedEntries copied;
  Status status = CopyTable(table, target, va, count, child, stale, copied);
  child.anon_pages += copied.anon;
  child.file_pages += copied.file;
  counts.ptes += copied.entries;
  counts.protected_ptes += copied.protected_entries;
  return status;
}

Status RecentFork::CopyPages(Mm& parent, const Vma& from, Mm& child, Vma&, StaleEntries& stale,
                             ForkCounts& counts) const {
  Status status = Ok();
  ForEachTable(parent, from.start, from.end, [&](Pte* table, uint64_t va, uint64_t count) {
    const bool own = !from.is_shared() && !TableIsShared(parent, va);
    status = own && HasFewRecent(table, count)
                 ? CopyPart(table, va, count, child, stale, counts)
                 : kOthers.CopyPart(va, count, parent, from, child, stale, counts);
    return status.ok();
  });
  if (status.ok()) {
    stale.ClearTo(from.end);
  }
  return status;
}

constexpr RecentFork kRecentFork;
FV_FORK_STRATEGY constexpr RegisteredStrategy kRegistered = {"recent", proto::ForkMemory::kShares,
                                                             &kRecentFork};

}  // namespace

}  // namespace fv::guest
