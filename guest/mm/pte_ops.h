// SPDX-License-Identifier: Apache-2.0
//
// What a mapping lets an entry of its pages say, and removing entries. The rules, for a private
// mapping: an anonymous frame's entry is writable, or marked kPteCow because the frame is shared;
// a page of the file is always marked kPteCow; the zero frame is marked kPteZero. A shared
// mapping's entries are writable exactly if the mapping is. Locking: the address space's lock.
#pragma once

#include <cstdint>

#include "guest/mm/mm.h"
#include "guest/mm/page_table.h"
#include "guest/mm/tlb_batch.h"

namespace fv::guest {

inline constexpr proto::Pte kPteAccessBits =
    proto::kPteUser | proto::kPteWritable | proto::kPteNoExecute;

// The access bits of an entry that nothing else restricts.
constexpr proto::Pte AccessBits(uint64_t vm_flags) {
  if ((vm_flags & kVmAccess) == 0) {
    return proto::kPteNoExecute;  // PROT_NONE: present, but not the user's
  }
  return proto::kPteUser | ((vm_flags & proto::kVmWrite) != 0 ? proto::kPteWritable : 0) |
         ((vm_flags & proto::kVmExec) != 0 ? 0 : proto::kPteNoExecute);
}

// A present entry with the access bits of `vm_flags`; copy-on-write ones do not become writable.
constexpr proto::Pte AdjustAccess(proto::Pte pte, uint64_t vm_flags) {
  proto::Pte bits = (pte & proto::kPteGuard) != 0 ? proto::kPteNoExecute : AccessBits(vm_flags);
  if ((pte & (proto::kPteCow | proto::kPteZero)) != 0) {
    bits &= ~proto::kPteWritable;
  }
  return (pte & ~kPteAccessBits) | bits;
}

constexpr bool LosesPermission(proto::Pte before, proto::Pte after) {
  const proto::Pte lost = before & ~after & (proto::kPteUser | proto::kPteWritable);
  return lost != 0 || (after & ~before & proto::kPteNoExecute) != 0;
}

// Guards (guard.h) survive everything but munmap.
enum class ZapGuards : uint8_t { kKeep, kRemove };
// Removes every entry of [start, end) and the references that they hold. Tables stay, but for
// shared ones. REQUIRES: OwnEdgeTables for the range; OwnForZap where guards are to stay.
void ZapRange(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch,
              ZapGuards guards = ZapGuards::kKeep);
// Removes those that map pages of an object. REQUIRES: the tables are owned (OwnTables).
void ZapObjectFrames(Mm& mm, uint64_t start, uint64_t end, TlbBatch& batch);
// Makes the tables of [start, end) of `vma` the address space's own as far as ZapRange with kKeep
// needs it: all of them if there may be guards, else those at the edges. Errors: ENOMEM.
Status OwnForZap(Mm& mm, const Vma& vma, uint64_t start, uint64_t end);
// The same for an address space that will never run again: entries are not even cleared, since
// their tables are freed next.
void ZapDying(Mm& mm, uint64_t start, uint64_t end);
// REQUIRES: the tables are owned (OwnTables). Gives the entries of [start, end) the access bits of
// `vm_flags`.
void ProtectRange(Mm& mm, uint64_t start, uint64_t end, uint64_t vm_flags, TlbBatch& batch);

}  // namespace fv::guest
