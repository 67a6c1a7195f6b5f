// SPDX-License-Identifier: Apache-2.0
//
// A lineage: the mappings that may map the same anonymous frames, namely those that descend from
// one mapping by fork, by split and by move (Linux before 2.6.34: anon_vma, one for all
// generations). A private mapping gets its lineage with its first anonymous frame; fork and split
// add the new mapping; the last mapping that leaves frees it. Each anonymous frame records its
// lineage and its page index there (FrameRecord::aux), so whoever holds the frame finds every entry
// that maps it (reverse_map.h).
//
// Fork pays one list insertion for a mapping that has frames and nothing for a frame. Linux's later
// chains give each generation a list of its own: shorter walks for large families, dearer forks.
// Here walks are rare and forks are not.
//
// What Linux's lists show to programs is kept: each generation has a branch of its own, a number,
// and mappings with frames can become one only within a branch (Linux: the same anon_vma). A branch
// that a fork made takes in no mapping without frames either.
//
// Invariants (I14): a mapping with an anonymous frame has a lineage and is on its list; the frame
// names that lineage and Vma::ObjectIndex of its address. A private anonymous mapping's page_offset
// is the page number of the address where it was made, and moves with it once it has a lineage.
// Locking: the list by the lineage's lock (Linux: anon_vma->lock); order: Mm, lineage, frames.
#pragma once

#include <cstdint>

#include "guest/lib/list.h"
#include "guest/lib/result.h"
#include "guest/mm/vma.h"
#include "proto/records.h"

namespace fv::guest {

class Mm;

struct alignas(proto::kOriginAlign) Lineage : proto::LineageRecord {
  using MemberList = ListView<Vma, &proto::VmaRecord::lineage_link>;
  MemberList member_list() const { return MemberList(const_cast<proto::Link&>(members)); }
};

void RegisterLineageCache();

inline Lineage* LineageOf(const Vma& vma) { return reinterpret_cast<Lineage*>(vma.lineage); }

// Makes sure that `vma` has a lineage before it gets its first anonymous frame: a neighbour's if
// they could become one mapping, else a new one. Errors: ENOMEM. (Linux: anon_vma_prepare.)
Status EnsureLineage(Mm& mm, Vma& vma);
// Adds `vma`, which has none, to the lineage and the branch of `relative`, if that has one; next to
// it, where the list is in the cache. (Linux: anon_vma_clone.)
void JoinLineage(Vma& vma, const Vma& relative);
// The same with a new branch: `vma` is the copy of `parent` that a fork has made. (Linux:
// anon_vma_fork.)
void InheritLineage(Vma& vma, const Vma& parent);
// Whether a fork has made the mapping's branch. (Linux: vma_is_fork_child.)
constexpr bool IsForkedBranch(uint64_t branch) { return (branch & 1) != 0; }
// Whether mappings of these branches can become one. (Linux: is_mergeable_anon_vma.)
constexpr bool CanShareBranch(uint64_t a, uint64_t b) {
  return a == b || (b == 0 && !IsForkedBranch(a)) || (a == 0 && !IsForkedBranch(b));
}
// Takes `vma` out of its lineage, if it has one.
void LeaveLineage(Vma& vma);

// FrameRecord::aux of an anonymous frame at `address` of `vma`, which has a lineage.
inline uint64_t OriginAt(const Vma& vma, uint64_t address) {
  return proto::OriginOf(vma.lineage, vma.ObjectIndex(address));
}

}  // namespace fv::guest
