// SPDX-License-Identifier: Apache-2.0
//
// Loops over level-1 tables: one call a table, no call an entry. Frame records are prefetched
// ahead: with scattered frames their cache misses are the cost of these loops.
#include "guest/mm/pte_ops.h"

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/shared_tables.h"

namespace fv::guest {

using proto::FrameRecord;
using proto::FrameState;
using proto::Pte;

namespace {

constexpr uint64_t kPrefetchAhead = 8;

enum class Clear : uint8_t { kNo, kYes, kAllButGuards };

struct Removed {
  uint64_t entries = 0;
  uint64_t anon = 0;
  uint64_t file = 0;
};

// Drops the references of `count` entries.
template <Clear kClear>
void ZapEntries(Pte* table, uint64_t count, Removed& removed) {
  if (HasMutant(Mutant::kUnmapOffByOne) && kClear == Clear::kYes && count > 1) {
    --count;
  }
  for (uint64_t i = 0; i < count; ++i) {
    const Pte pte = table[i];
    if (pte == 0) {
      continue;
    }
    if (i + kPrefetchAhead < count) {
      __builtin_prefetch(&FrameOf(PfnOfPte(table[i + kPrefetchAhead])), 1);
    }
    if constexpr (kClear == Clear::kAllButGuards) {
      if ((pte & proto::kPteGuard) != 0) {
        continue;
      }
    }
    if constexpr (kClear != Clear::kNo) {
      table[i] = 0;
    }
    ++removed.entries;
    if ((pte & proto::kPteZero) != 0) {
      continue;
    }
    const uint64_t pfn = PfnOfPte(pte);
    FrameRecord& record = FrameOf(pfn);
    const bool anon = record.state == FrameState::kAnon;
    removed.anon += anon;
    removed.file += !anon;
    if (--record.refs == 0) {
      FreeFrames(pfn, 0);
    }
  }
}

}  // namespace

void ZapRange(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch, ZapGuards guards) {
  NotePeak(mm);
  DropSharedTables(mm, start, end, &batch);
  ForEachTable(mm, start, end, [&](Pte* table, uint64_t va, uint64_t count) {
    Removed removed;
    if (HasMutant(Mutant::kUnmapKeepsEntries)) {
      ZapEntries<Clear::kNo>(table, count, removed);
    } else if (guards == ZapGuards::kKeep) {
      ZapEntries<Clear::kAllButGuards>(table, count, removed);
    } else {
      ZapEntries<Clear::kYes>(table, count, removed);
    }
    mm.anon_pages -= HasMutant(Mutant::kResidentWrong) ? 0 : removed.anon;
    mm.file_pages -= removed.file;
    if (removed.entries != 0 && !HasMutant(Mutant::kUnmapSkipsFlush)) {
      batch.Add(va, va + (count << proto::kPageShift));
    }
    return true;
  });
  EmitEvent(proto::EventKind::kDiscard, AddressOf(&mm), start, end);
}

void ZapObjectFrames(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch) {
  constexpr Pte kNoFrame = proto::kPteZero | proto::kPteGuard;
  const auto is_object_frame = [](Pte pte) {
    return pte != 0 && (pte & kNoFrame) == 0 && FrameOf(PfnOfPte(pte)).state == FrameState::kFile;
  };
  ForEachTable(mm, start, end, [&](const Pte* table, uint64_t va, uint64_t count) {
    for (uint64_t i = 0, run = 0; i < count; i = run + 1) {
      for (run = i; run < count && is_object_frame(table[run]);) {
        ++run;
      }
      if (run > i) {
        ZapRange(mm, va + (i << proto::kPageShift), va + (run << proto::kPageShift), batch);
      }
    }
    return true;
  });
}

Status OwnForZap(Mm& mm, const Vma& vma, uint64_t start, uint64_t end) {
  const bool guards = (vma.flags & proto::kVmMaybeGuard) != 0;
  return guards ? OwnTables(mm, start, end) : OwnEdgeTables(mm, start, end);
}

void ZapDying(Mm& mm, uint64_t start, uint64_t end) {
  ForEachTable(mm, start, end, [&](Pte* table, uint64_t, uint64_t count) {
    Removed removed;
    ZapEntries<Clear::kNo>(table, count, removed);
    mm.anon_pages -= removed.anon;
    mm.file_pages -= removed.file;
    return true;
  });
}

void ProtectRange(Mm& mm, uint64_t start, uint64_t end, uint64_t vm_flags, TlbBatch& batch) {
  ForEachTable(mm, start, end, [&](Pte* table, uint64_t va, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const Pte before = table[i];
      if (before == 0) {
        continue;
      }
      const Pte after = AdjustAccess(before, vm_flags);
      if (after == before || HasMutant(Mutant::kProtectForgets)) {
        continue;
      }
      table[i] = after;
      if (LosesPermission(before, after) && !HasMutant(Mutant::kProtectSkipsFlush)) {
        batch.Add(va + (i << proto::kPageShift));
      }
    }
    return true;
  });
}

}  // namespace fv::guest
