// SPDX-License-Identifier: Apache-2.0
//
// The search for free address space, from kMmapTop downwards. Two hints make a series of mappings
// cheap: the search continues where the last one ended, and restarts from the top only when a hole
// passed on the way, or freed since, may be large enough. (Linux 2.6: free_area_cache.)
#include "guest/mm/mm_internal.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

// The highest address below `top` with `length` free bytes at or above kUserStart, or 0. `hole`
// grows to the largest hole passed.
uint64_t SearchDown(Mm& mm, uint64_t top, uint64_t length, uint64_t& hole) {
  Vma* above = mm.FindVmaFrom(top);
  if (above != nullptr && GuardedStart(*above) < top) {
    top = GuardedStart(*above);
  }
  Vma* below = above != nullptr ? PrevVma(mm, *above) : mm.vma_list().back();
  for (;;) {
    const uint64_t low =
        below != nullptr && below->end > proto::kUserStart ? below->end : proto::kUserStart;
    const uint64_t size = top > low ? top - low : 0;
    if (size >= length) {
      return top - length;
    }
    hole = size > hole ? size : hole;
    if (below == nullptr || below->start <= proto::kUserStart) {
      return 0;
    }
    top = GuardedStart(*below);
    below = PrevVma(mm, *below);
  }
}

}  // namespace

Result<uint64_t> FindFreeArea(Mm& mm, uint64_t length) {
  if (length <= mm.area_hole) {
    mm.area_cache = proto::kMmapTop;
    mm.area_hole = 0;
  }
  uint64_t found = SearchDown(mm, mm.area_cache, length, mm.area_hole);
  if (found != 0) {
    mm.area_cache = found;
    return found;
  }
  mm.area_cache = proto::kMmapTop;
  mm.area_hole = 0;
  uint64_t ignored = 0;
  found = SearchDown(mm, proto::kMmapTop, length, ignored);
  if (found == 0) {
    found = SearchDown(mm, proto::kUserEnd, length, ignored);
  }
  if (found == 0) {
    return Error(ENOMEM);
  }
  return found;
}

Result<uint64_t> FindFreeAreaNear(Mm& mm, uint64_t hint, uint64_t length, uint64_t ceiling) {
  if (hint != 0 && hint <= proto::kUserEnd - length) {
    const Vma* above = mm.FindVmaFrom(hint);
    if (above == nullptr || hint + length <= GuardedStart(*above)) {
      return hint;
    }
  }
  if (ceiling != 0) {
    uint64_t ignored = 0;
    const uint64_t found = SearchDown(mm, ceiling, length, ignored);
    return found != 0 ? Result<uint64_t>(found) : Result<uint64_t>(Error(ENOMEM));
  }
  return FindFreeArea(mm, length);
}

void NoteFreedArea(Mm& mm, uint64_t end) {
  const uint64_t top = end < proto::kMmapTop ? end : proto::kMmapTop;
  if (top > mm.area_cache) {
    mm.area_cache = top;
    mm.area_hole = 0;
  }
}

}  // namespace fv::guest
