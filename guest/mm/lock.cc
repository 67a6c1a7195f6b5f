// SPDX-License-Identifier: Apache-2.0
//
// mlock and its family. Nothing is ever paged out, so a lock is a flag, a count against
// RLIMIT_MEMLOCK, and the pages made present.
#include <linux/mman.h>

#include "guest/introspect/introspect.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

uint64_t FlagsFor(LockMode mode) {
  return mode == LockMode::kOnFault ? kLockFlags : uint64_t{proto::kVmLocked};
}

// Makes the lock of [start, end) what `wanted` (of kLockFlags) says. Errors: ENOMEM for a gap or
// too many mappings.
Status ChangeLock(Mm& mm, uint64_t start, uint64_t end, uint64_t wanted) {
  uint64_t at = start;
  while (at < end) {
    Vma* vma = mm.FindVma(at);
    if (vma == nullptr) {
      return Error(ENOMEM);
    }
    const uint64_t stop = vma->end < end ? vma->end : end;
    if ((vma->flags & kLockFlags) != wanted) {
      Vma* part = TRY(IsolateRange(mm, at, stop));
      const bool was_locked = (part->flags & proto::kVmLocked) != 0;
      part->flags = (part->flags & ~kLockFlags) | wanted;
      mm.locked_pages -= was_locked ? part->page_count() : 0;
      mm.locked_pages += wanted != 0 ? part->page_count() : 0;
      MergeVma(mm, *part);
    }
    at = stop;
  }
  return Ok();
}

// Pages of [start, end) that are locked already: they do not count twice.
uint64_t LockedIn(const Mm& mm, uint64_t start, uint64_t end) {
  uint64_t pages = 0;
  Mm::VmaList list = mm.vma_list();
  for (Vma* vma = mm.FindVmaFrom(start); vma != nullptr && vma->start < end;
       vma = list.Next(*vma)) {
    const uint64_t low = vma->start > start ? vma->start : start;
    const uint64_t high = vma->end < end ? vma->end : end;
    pages += (vma->flags & proto::kVmLocked) != 0 ? (high - low) >> proto::kPageShift : 0;
  }
  return pages;
}

// Linux: __mlock_posix_error_return.
Status PopulateLocked(Mm& mm, uint64_t start, uint64_t end) {
  for (Vma* vma = mm.FindVmaFrom(start); vma != nullptr && vma->start < end;
       vma = NextVma(mm, *vma)) {
    const uint64_t from = vma->start > start ? vma->start : start;
    const uint64_t to = vma->end < end ? vma->end : end;
    switch (PopulateVma(mm, *vma, from, to, PopulateAccess(*vma))) {
      case FaultResult::kHandled:
        break;
      case FaultResult::kOutOfMemory:
        return Error(EAGAIN);
      default:
        return Error(ENOMEM);
    }
  }
  return Ok();
}

}  // namespace

Status Mm::Lock(uint64_t address, uint64_t length, LockMode mode) {
  if (limits.locked == 0) {
    return Error(EPERM);
  }
  const uint64_t start = PageDown(address);
  const uint64_t bytes = PageUp(length + (address - start));
  const uint64_t end = start + bytes;
  const bool wraps = end < start;
  if (bytes == 0) {
    return Ok();
  }
  // The limit is looked at before the range (Linux: do_mlock).
  const uint64_t more = (bytes >> proto::kPageShift) - (wraps ? 0 : LockedIn(*this, start, end));
  if (limits.locked != kNoLimit && locked_pages + more > limits.locked >> proto::kPageShift) {
    return Error(ENOMEM);
  }
  if (wraps) {
    return Error(EINVAL);
  }
  NoteChange(proto::SafepointKind::kSyscall);
  TRY(ChangeLock(*this, start, end, FlagsFor(mode)));
  return mode == LockMode::kNow ? PopulateLocked(*this, start, end) : Ok();
}

Status Mm::Unlock(uint64_t address, uint64_t length) {
  const uint64_t start = PageDown(address);
  const uint64_t end = start + PageUp(length + (address - start));
  if (end < start) {
    return Error(EINVAL);
  }
  NoteChange(proto::SafepointKind::kSyscall);
  return ChangeLock(*this, start, end, 0);
}

Status Mm::LockAll(int flags) {
  const uint64_t lock = FlagsFor((flags & MCL_ONFAULT) != 0 ? LockMode::kOnFault : LockMode::kNow);
  if (flags != 0 && limits.locked == 0) {
    return Error(EPERM);
  }
  if ((flags & MCL_CURRENT) != 0 && limits.locked != kNoLimit &&
      total_pages << proto::kPageShift > limits.locked) {
    return Error(ENOMEM);
  }
  default_flags = (default_flags & ~kLockFlags) | ((flags & MCL_FUTURE) != 0 ? lock : 0);
  if (flags != 0 && (flags & MCL_CURRENT) == 0) {
    return Ok();
  }
  for (Vma* vma = vma_list().front(); vma != nullptr;) {
    const uint64_t end = vma->end;
    TRY(ChangeLock(*this, vma->start, end, flags != 0 ? lock : 0));
    vma = FindVmaFrom(end);
  }
  if (flags != 0 && (flags & MCL_ONFAULT) == 0) {
    Populate(0, proto::kUserEnd);
  }
  NoteChange(proto::SafepointKind::kSyscall);
  return Ok();
}

}  // namespace fv::guest
