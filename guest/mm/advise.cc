// SPDX-License-Identifier: Apache-2.0
//
// madvise. Advice falls into three kinds: on pages (DONTNEED, REMOVE, POPULATE_*), on the mapping's
// flags (DONTFORK, WIPEONFORK, ...), and advice that changes nothing a program can see here.
#include <linux/mman.h>

#include "guest/introspect/introspect.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

bool IsKnown(int advice) {
  return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
         (advice >= MADV_FREE && advice <= MADV_DOFORK) ||
         (advice >= MADV_MERGEABLE && advice <= MADV_POPULATE_WRITE) ||
         advice == MADV_DONTNEED_LOCKED;
}

// The mapping's flags after the advice, or EINVAL where it does not apply.
Result<uint64_t> AdvisedFlags(const Vma& vma, int advice) {
  switch (advice) {
    case MADV_DONTFORK:
      return vma.flags | proto::kVmDontCopy;
    case MADV_DOFORK:
      return vma.flags & ~uint64_t{proto::kVmDontCopy};
    case MADV_WIPEONFORK:
      if (vma.object != 0 || vma.is_shared()) {
        return Error(EINVAL);
      }
      return vma.flags | proto::kVmWipeOnFork;
    case MADV_KEEPONFORK:
      return vma.flags & ~uint64_t{proto::kVmWipeOnFork};
    default:
      return vma.flags;
  }
}

Status DropPages(Mm& mm, const Vma& vma, uint64_t start, uint64_t end, int advice) {
  if (advice == MADV_DONTNEED && (vma.flags & proto::kVmLocked) != 0) {
    return Error(EINVAL);
  }
  TRY(OwnEdgeTables(mm, start, end));
  TlbBatch batch(mm);
  ZapRange(mm, start, end, batch);
  return Ok();
}

// MADV_REMOVE: the pages go from the object, for everybody.
Status RemovePages(const Vma& vma, uint64_t start, uint64_t end) {
  if ((vma.flags & proto::kVmLocked) != 0 || vma.object == 0) {
    return Error(EINVAL);
  }
  if ((vma.flags & (proto::kVmShared | proto::kVmWrite)) != (proto::kVmShared | proto::kVmWrite)) {
    return Error(EACCES);
  }
  return vma.memory_object()->PunchHole(vma.ObjectIndex(start) << proto::kPageShift, end - start);
}

Status PopulatePages(Mm& mm, Vma& vma, uint64_t start, uint64_t end, FaultAccess access) {
  switch (PopulateVma(mm, vma, start, end, access)) {
    case FaultResult::kHandled:
      return Ok();
    case FaultResult::kBusAdrErr:
      return Error(EFAULT);
    case FaultResult::kOutOfMemory:
      return Error(ENOMEM);
    default:
      return Error(EINVAL);
  }
}

// One mapping's part [start, end). Returns the mapping that the range is in afterwards.
Result<Vma*> AdviseVma(Mm& mm, Vma& vma, uint64_t start, uint64_t end, int advice) {
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
      TRY(DropPages(mm, vma, start, end, advice));
      return &vma;
    case MADV_REMOVE:
      TRY(RemovePages(vma, start, end));
      return &vma;
    case MADV_FREE:
      // Pages may be freed later, under pressure; there is none here, so nothing happens.
      if (vma.object != 0) {
        return Error(EINVAL);
      }
      return &vma;
    case MADV_POPULATE_READ:
      TRY(PopulatePages(mm, vma, start, end, FaultAccess::kRead));
      return &vma;
    case MADV_POPULATE_WRITE:
      TRY(PopulatePages(mm, vma, start, end, FaultAccess::kWrite));
      return &vma;
    default:
      break;
  }
  const uint64_t flags = TRY(AdvisedFlags(vma, advice));
  if (flags == vma.flags) {
    return &vma;
  }
  Vma* part = TRY(IsolateRange(mm, start, end));
  part->flags = flags;
  return &MergeVma(mm, *part);
}

}  // namespace

Status Mm::Advise(uint64_t address, uint64_t length, int advice) {
  if (!IsKnown(advice) || (address & (proto::kPageBytes - 1)) != 0) {
    return Error(EINVAL);
  }
  const uint64_t bytes = PageUp(length);
  const uint64_t end = address + bytes;
  if ((length != 0 && bytes == 0) || end < address) {
    return Error(EINVAL);
  }
  NoteChange(proto::SafepointKind::kSyscall);
  bool gap = false;  // the rest is done all the same, as on Linux
  uint64_t at = address;
  while (at < end) {
    Vma* vma = FindVmaFrom(at);
    if (vma == nullptr || vma->start >= end) {
      gap = true;
      break;
    }
    if (vma->start > at) {
      gap = true;
      at = vma->start;
    }
    const uint64_t stop = vma->end < end ? vma->end : end;
    TRY(AdviseVma(*this, *vma, at, stop, advice));
    at = stop;
  }
  return gap ? Status(Error(ENOMEM)) : Ok();
}

}  // namespace fv::guest
