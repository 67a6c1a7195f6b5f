// SPDX-License-Identifier: Apache-2.0
//
// Giving a second table the entries of a first one: the frames get another reference each, private
// pages become copy-on-write in both. The loop reads an entry, counts the reference in the frame's
// record (prefetched: for scattered frames that miss is the price), and writes the new entry; the
// old one is written only if it changes, since a write to a loaded table is dear where page tables
// are shadowed. Locking: the locks of the address spaces that reach the tables.
#pragma once

#include <cstdint>

#include "guest/lib/mutants.h"
#include "guest/mm/frames.h"
#include "proto/pte.h"

namespace fv::guest {

struct CopiedEntries {
  uint64_t entries = 0;
  uint64_t anon = 0;
  uint64_t file = 0;
  uint64_t protected_entries = 0;  // of the first table, which lost write permission
};

enum class Sharing : uint8_t {
  kPrivate,  // the entries of a private mapping
  kShared,   // of a shared one: they are copied as they are
  kByFrame,  // of any: what maps an anonymous frame is private, all else is as it should be already
};

// `count` entries of one table each. `to` holds zeros, or what an earlier process left there.
template <Sharing kSharing>
void CopyEntries(proto::Pte* from, proto::Pte* to, uint64_t count, CopiedEntries& copied) {
  constexpr uint64_t kPrefetchAhead = 8;
  // Entries that differ in these only need not be written: the CPU sets them as it likes.
  constexpr proto::Pte kCpuBits = proto::kPteAccessed | proto::kPteDirty;
  for (uint64_t i = 0; i < count; ++i) {
    const proto::Pte pte = from[i];
    if (i + kPrefetchAhead < count) {
      __builtin_prefetch(&FrameOf(PfnOfPte(from[i + kPrefetchAhead])), 1);
    }
    proto::Pte value = pte;
    if (pte != 0) {
      ++copied.entries;
      if ((pte & proto::kPteZero) == 0) {
        proto::FrameRecord& record = FrameOf(PfnOfPte(pte));
        const bool grandchild = record.refs > 1;
        if (!HasMutant(Mutant::kForkLosesReference) &&
            !(HasMutant(Mutant::kThirdUncounted) && grandchild)) {
          ++record.refs;
        }
        if (HasMutant(Mutant::kForkCountsTwice)) {
          ++record.refs;
        }
        const uint64_t anon = record.state == proto::FrameState::kAnon;
        copied.anon += anon;
        copied.file += 1 - anon;
        if (kSharing == Sharing::kPrivate || (kSharing == Sharing::kByFrame && anon != 0)) {
          value = (pte & ~proto::kPteWritable) | proto::kPteCow;
          if (value != pte && !HasMutant(Mutant::kForkKeepsWrite)) {
            from[i] = value;
            copied.protected_entries += (pte & proto::kPteWritable) != 0;
          }
          if (HasMutant(Mutant::kChildKeepsWrite)) {
            value = pte;
          }
        }
      }
    }
    if (((to[i] ^ value) & ~kCpuBits) != 0) {
      to[i] = value;
    }
  }
}

// True if the `count` entries from `table` on are all absent.
inline bool NoEntries(const proto::Pte* table, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (table[i] != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace fv::guest
