// SPDX-License-Identifier: Apache-2.0
//
// See reverse_map.h.
#include "guest/mm/reverse_map.h"

#include "guest/mm/frames.h"
#include "guest/mm/shared_tables.h"

namespace fv::guest {

using proto::FrameRecord;
using proto::FrameState;

namespace {

// Page indices that differ by this have the same low bits.
constexpr uint64_t kIndexPeriod = uint64_t{1} << 32;

}  // namespace

Candidates FindCandidates(uint64_t pfn) {
  const FrameRecord& record = FrameOf(pfn);
  Candidates candidates;
  if (record.refs == record.pins) {
    return candidates;  // pinned only: what it came from may be gone
  }
  candidates.index = proto::OriginIndex(record.aux);
  const proto::GuestPtr holder = proto::OriginHolder(record.aux);
  if (record.state == FrameState::kAnon) {
    candidates.lineage = reinterpret_cast<Lineage*>(holder);
  } else if (record.state == FrameState::kFile) {
    candidates.object = reinterpret_cast<MemoryObject*>(holder);
  }
  return candidates;
}

proto::Pte* FindEntry(const Vma& vma, uint32_t index, uint64_t pfn, uint64_t& address) {
  const Mm& mm = *reinterpret_cast<const Mm*>(vma.mm);
  const uint64_t from = vma.ObjectIndex(address);
  uint64_t at = address + (((index - from) & (kIndexPeriod - 1)) << proto::kPageShift);
  for (; at < vma.end; at += kIndexPeriod << proto::kPageShift) {
    proto::Pte* pte = LookupPte(mm, at);
    if (pte != nullptr && *pte != 0 && PfnOfPte(*pte) == pfn) {
      address = at;
      return pte;
    }
  }
  return nullptr;
}

uint64_t MapCount(uint64_t pfn) {
  const FrameRecord& record = FrameOf(pfn);
  const uint64_t others = uint64_t{record.pins};
  switch (record.state) {
    case FrameState::kAnon:
      return record.refs - others;
    case FrameState::kFile:
      // One reference is the object's; a frame that was truncated away is only pinned.
      return record.refs > others ? record.refs - others - 1 : 0;
    default:
      return 0;
  }
}

uint64_t MappersOf(const Mm& mm, uint64_t address, uint64_t pfn) {
  const uint64_t count = MapCount(pfn);
  if (count == 0 || !TableIsShared(mm, address)) {
    return count;
  }
  return count + FrameOf(PfnOfPointer(LookupPte(mm, address))).refs - 1;
}

}  // namespace fv::guest
