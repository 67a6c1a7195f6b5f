// SPDX-License-Identifier: Apache-2.0
//
// The mixed strategy, the worked example of docs/new-strategy.md: the page tables of large mappings
// are shared, as ondemand does it, and small mappings are copied, as classic does it. Stack and
// data of a program are small and written at once by both sides, so to share their tables only
// means to part them again. No kernel that users get has it; tests link it into one of their own.
#include "guest/mm/fork_ondemand.h"
#include "guest/mm/fork_registry.h"
#include "guest/mm/fork_strategies.h"
#include "guest/mm/page_table.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/spare_trees.h"
#include "guest/mm/vma.h"

namespace fv::guest {
namespace {

// Mappings from this size on fill at least one page table.
constexpr uint64_t kLargeBytes = 2 * proto::EntrySpan(2);
constexpr OndemandFork kOndemand;

class MixedFork final : public ForkStrategy {
 public:
  Status CopyPages(Mm& parent, const Vma& from, Mm& child, Vma& to, StaleEntries& stale,
                   ForkCounts& counts) const override;
};

Status MixedFork::CopyPages(Mm& parent, const Vma& from, Mm& child, Vma& to, StaleEntries& stale,
                            ForkCounts& counts) const {
  if (from.end - from.start >= kLargeBytes) {
    return kOndemand.CopyPages(parent, from, child, to, stale, counts);
  }
  Status status = Ok();
  ForEachTable(parent, from.start, from.end, [&](proto::Pte*, uint64_t va, uint64_t count) {
    if (TableIsShared(child, va)) {
      return true;  // it went along with a large mapping that ends in the same table
    }
    status = OwnTables(parent, va, va + 1);  // of an earlier fork
    if (status.ok()) {
      status = CopyTablePart(LookupPte(parent, va), va, count, from, child, stale, counts);
    }
    return status.ok();
  });
  stale.ClearTo(from.end);
  return status;
}

constexpr MixedFork kMixedFork;
FV_FORK_STRATEGY constexpr RegisteredStrategy kRegistered = {"mixed", proto::ForkMemory::kShares,
                                                             &kMixedFork};

}  // namespace
}  // namespace fv::guest
