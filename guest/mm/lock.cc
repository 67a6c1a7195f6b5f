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

enum class LockChange : uint8_t { kLock, kUnlock };

// Sets or clears the flag on [start, end). Errors: ENOMEM for a gap or too many mappings.
Status ChangeLock(Mm& mm, uint64_t start, uint64_t end, LockChange change) {
  uint64_t at = start;
  while (at < end) {
    Vma* vma = mm.FindVma(at);
    if (vma == nullptr) {
      return Error(ENOMEM);
    }
    const uint64_t stop = vma->end < end ? vma->end : end;
    const bool locked = (vma->flags & proto::kVmLocked) != 0;
    if (locked != (change == LockChange::kLock)) {
      Vma* part = TRY(IsolateRange(mm, at, stop));
      part->flags ^= proto::kVmLocked;
      if (change == LockChange::kLock) {
        mm.locked_pages += part->page_count();
      } else {
        mm.locked_pages -= part->page_count();
      }
      MergeVma(mm, *part);
    }
    at = stop;
  }
  return Ok();
}

uint64_t LockedBytes(const Mm& mm) { return mm.locked_pages << proto::kPageShift; }

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

Status Mm::Lock(uint64_t address, uint64_t length, bool on_fault) {
  if (limits.locked == 0) {
    return Error(EPERM);
  }
  const uint64_t start = PageDown(address);
  const uint64_t bytes = PageUp(length + (address - start));
  const uint64_t end = start + bytes;
  if (end < start) {
    return Error(EINVAL);
  }
  if (bytes == 0) {
    return Ok();
  }
  if (limits.locked != kNoLimit &&
      bytes > limits.locked -
                  (LockedBytes(*this) < limits.locked ? LockedBytes(*this) : limits.locked)) {
    return Error(ENOMEM);
  }
  NoteChange(proto::SafepointKind::kSyscall);
  TRY(ChangeLock(*this, start, end, LockChange::kLock));
  return on_fault ? Ok() : PopulateLocked(*this, start, end);
}

Status Mm::Unlock(uint64_t address, uint64_t length) {
  const uint64_t start = PageDown(address);
  const uint64_t end = start + PageUp(length + (address - start));
  if (end < start) {
    return Error(EINVAL);
  }
  return ChangeLock(*this, start, end, LockChange::kUnlock);
}

Status Mm::LockAll(int flags) {
  if ((flags & MCL_FUTURE) == 0) {
    default_flags &= ~uint64_t{proto::kVmLocked};
  }
  if (flags != 0 && limits.locked == 0) {
    return Error(EPERM);
  }
  if ((flags & MCL_CURRENT) != 0 && limits.locked != kNoLimit &&
      total_pages << proto::kPageShift > limits.locked) {
    return Error(ENOMEM);
  }
  default_flags |= (flags & MCL_FUTURE) != 0 ? proto::kVmLocked : 0;
  if (flags != 0 && (flags & MCL_CURRENT) == 0) {
    return Ok();
  }
  const LockChange change = flags != 0 ? LockChange::kLock : LockChange::kUnlock;
  for (Vma* vma = vma_list().front(); vma != nullptr;) {
    const uint64_t end = vma->end;
    TRY(ChangeLock(*this, vma->start, end, change));
    vma = FindVmaFrom(end);
  }
  if (flags != 0 && (flags & MCL_ONFAULT) == 0) {
    Populate(0, proto::kUserEnd);
  }
  NoteChange(proto::SafepointKind::kSyscall);
  return Ok();
}

}  // namespace fv::guest
