// SPDX-License-Identifier: Apache-2.0
//
// The classic strategy: every present entry is copied into the child's tables. This loop is what a
// fork costs. It reads an entry, counts the reference in the frame's record (prefetched: for
// scattered frames that miss is the price), and writes the child's entry; the parent's entry is
// written only if it changes, since a write to a loaded table is dear where page tables are
// shadowed. Pages of file mappings are copied too: a fault in the child costs more than their
// entries.
#include "guest/lib/mutants.h"
#include "guest/mm/fork_strategies.h"
#include "guest/mm/page_table.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/spare_trees.h"

namespace fv::guest {

using proto::FrameRecord;
using proto::FrameState;
using proto::Pte;

namespace {

constexpr uint64_t kPrefetchAhead = 8;

struct Copied {
  uint64_t entries = 0;
  uint64_t anon = 0;
  uint64_t file = 0;
  uint64_t protected_entries = 0;
};

enum class Sharing : uint8_t { kPrivate, kShared };

// Entries that differ in these only need not be written: the CPU sets them as it likes.
constexpr Pte kCpuBits = proto::kPteAccessed | proto::kPteDirty;

// `count` entries of one table each. `to` holds zeros, or what an earlier process left there.
template <Sharing kSharing>
void CopyEntries(Pte* from, Pte* to, uint64_t count, Copied& copied) {
  for (uint64_t i = 0; i < count; ++i) {
    const Pte pte = from[i];
    if (i + kPrefetchAhead < count) {
      __builtin_prefetch(&FrameOf(PfnOfPte(from[i + kPrefetchAhead])), 1);
    }
    Pte value = pte;
    if (pte != 0) {
      ++copied.entries;
      if ((pte & proto::kPteZero) == 0) {
        FrameRecord& record = FrameOf(PfnOfPte(pte));
        if (!HasMutant(Mutant::kForkLosesReference)) {
          ++record.refs;
        }
        const uint64_t anon = record.state == FrameState::kAnon;
        copied.anon += anon;
        copied.file += 1 - anon;
        if constexpr (kSharing == Sharing::kPrivate) {
          value = (pte & ~proto::kPteWritable) | proto::kPteCow;
          if (value != pte && !HasMutant(Mutant::kForkKeepsWrite)) {
            from[i] = value;
            copied.protected_entries += (pte & proto::kPteWritable) != 0;
          }
        }
      }
    }
    if (((to[i] ^ value) & ~kCpuBits) != 0) {
      to[i] = value;
    }
  }
}

bool IsEmpty(const Pte* table, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (table[i] != 0) {
      return false;
    }
  }
  return true;
}

class ClassicFork final : public ForkStrategy {
 public:
  Status CopyPages(Mm& parent, const Vma& from, Mm& child, Vma& to, StaleEntries& stale,
                   ForkCounts& counts) const override;
};

Status ClassicFork::CopyPages(Mm& parent, const Vma& from, Mm& child, Vma&, StaleEntries& stale,
                              ForkCounts& counts) const {
  Copied copied;
  const bool shared = from.is_shared() && !HasMutant(Mutant::kSharedAsPrivate);
  const bool complete =
      ForEachTable(parent, from.start, from.end, [&](Pte* table, uint64_t va, uint64_t count) {
        if (IsEmpty(table, count)) {
          return true;
        }
        Result<Pte*> target = EnsurePte(child, va);
        if (!target.ok()) {
          return false;
        }
        stale.ClearTo(va);
        if (shared) {
          CopyEntries<Sharing::kShared>(table, target.value(), count, copied);
        } else {
          CopyEntries<Sharing::kPrivate>(table, target.value(), count, copied);
        }
        stale.Filled(va + (count << proto::kPageShift));
        return true;
      });
  stale.ClearTo(from.end);
  child.anon_pages += copied.anon;
  child.file_pages += copied.file;
  counts.ptes += copied.entries;
  counts.protected_ptes += copied.protected_entries;
  return complete ? Ok() : Status(Error(ENOMEM));
}

constexpr ClassicFork kClassicFork{};

}  // namespace

const ForkStrategy& ClassicForkStrategy() { return kClassicFork; }

}  // namespace fv::guest
