// SPDX-License-Identifier: Apache-2.0
//
// The ondemand strategy: a page table whose mappings the child gets unchanged is shared instead of
// copied (shared_tables.h); whoever first needs to change it makes the copy that fork did not make.
// A table with few entries is copied all the same: that costs less than the fault that would part
// it later.
#pragma once

#include "guest/mm/fork.h"

namespace fv::guest {

class OndemandFork final : public ForkStrategy {
 public:
  // A table with fewer present entries is copied.
  static constexpr unsigned kFewestEntries = 64;
  explicit constexpr OndemandFork(unsigned fewest_entries = kFewestEntries)
      : fewest_entries_(fewest_entries) {}

  Status CopyPages(Mm& parent, const Vma& from, Mm& child, Vma& to, StaleEntries& stale,
                   ForkCounts& counts) const override;

  // For one table: the `count` pages of `from` from `va` on. May share what follows in the table
  // too; asked for a later mapping in it, this then does nothing. Errors: ENOMEM.
  Status CopyPart(uint64_t va, uint64_t count, Mm& parent, const Vma& from, Mm& child,
                  StaleEntries& stale, ForkCounts& counts) const;

 private:
  enum class Treatment : uint8_t { kCopy, kShareAnonymous, kShareAny, kDone };
  Treatment TreatmentOf(Mm& parent, const Vma& from, Mm& child, uint64_t va) const;

  unsigned fewest_entries_;
};

}  // namespace fv::guest
