// SPDX-License-Identifier: Apache-2.0
//
// madvise. Advice falls into four kinds: on pages (DONTNEED, REMOVE, POPULATE_*), on guards, on
// what was used (COLD, PAGEOUT: nothing is ever paged out, but the accessed bits go), and on the
// mapping's flags (DONTFORK, WIPEONFORK, RANDOM, ...), of which some only show in /proc/PID/smaps.
#include <linux/mman.h>

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/mm/guard.h"
#include "guest/mm/mm_internal.h"
#include "guest/mm/pte_ops.h"
#include "guest/mm/references.h"
#include "guest/mm/shared_tables.h"
#include "guest/mm/vma_set.h"

namespace fv::guest {
namespace {

// Newer than the headers of this build (Linux 6.13).
constexpr int kGuardInstall = 102;
constexpr int kGuardRemove = 103;

bool IsKnown(int advice) {
  return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
         (advice >= MADV_FREE && advice <= MADV_DOFORK) ||
         (advice >= MADV_MERGEABLE && advice <= MADV_POPULATE_WRITE) ||
         advice == MADV_DONTNEED_LOCKED || advice == kGuardInstall || advice == kGuardRemove;
}

constexpr uint64_t With(uint64_t flags, uint64_t set, uint64_t clear) {
  return (flags & ~clear) | set;
}

// The mapping's flags after the advice, or EINVAL where it does not apply.
Result<uint64_t> AdvisedFlags(const Vma& vma, int advice) {
  constexpr uint64_t kOrder = proto::kVmSequential | proto::kVmRandom;
  constexpr uint64_t kHuge = proto::kVmHugePage | proto::kVmNoHugePage;
  switch (advice) {
    case MADV_NORMAL:
      return With(vma.flags, 0, kOrder);
    case MADV_SEQUENTIAL:
      return With(vma.flags, proto::kVmSequential, kOrder);
    case MADV_RANDOM:
      return With(vma.flags, proto::kVmRandom, kOrder);
    case MADV_DONTFORK:
      return With(vma.flags, proto::kVmDontCopy, 0);
    case MADV_DOFORK:
      return With(vma.flags, 0, proto::kVmDontCopy);
    case MADV_WIPEONFORK:
      if (vma.object != 0 || vma.is_shared()) {
        return Error(EINVAL);
      }
      return With(vma.flags, proto::kVmWipeOnFork, 0);
    case MADV_KEEPONFORK:
      return With(vma.flags, 0, proto::kVmWipeOnFork);
    case MADV_DONTDUMP:
      return With(vma.flags, proto::kVmDontDump, 0);
    case MADV_DODUMP:
      return With(vma.flags, 0, proto::kVmDontDump);
    case MADV_HUGEPAGE:
      return With(vma.flags, proto::kVmHugePage, kHuge);
    case MADV_NOHUGEPAGE:
      return With(vma.flags, proto::kVmNoHugePage, kHuge);
    case MADV_MERGEABLE:
      // Of shared memory there is one already (Linux: vma_ksm_compatible).
      return vma.is_shared() ? vma.flags : With(vma.flags, proto::kVmMergeable, 0);
    case MADV_UNMERGEABLE:
      return With(vma.flags, 0, proto::kVmMergeable);
    default:
      return vma.flags;
  }
}

// MADV_REMOVE: the pages go from the object, for everybody.
Status RemovePages(const Vma& vma, uint64_t start, uint64_t end) {
  if ((vma.flags & proto::kVmLocked) != 0 || vma.object == 0) {
    return Error(EINVAL);
  }
  // What the mapping might be given counts, not what it has. (Linux: vma_is_shared_maywrite.)
  if (!vma.is_shared() || (vma.may & proto::kVmWrite) == 0) {
    return Error(EACCES);
  }
  return vma.memory_object()->PunchHole(vma.ObjectIndex(start) << proto::kPageShift, end - start);
}

Status PopulatePages(Mm& mm, Vma& vma, uint64_t start, uint64_t end, FaultAccess access) {
  // What only runs can be read by a program, but not be asked for.
  if (access == FaultAccess::kRead && (vma.flags & proto::kVmRead) == 0) {
    return Error(EINVAL);
  }
  switch (PopulateVma(mm, vma, start, end, access)) {
    case FaultResult::kHandled:
      return Ok();
    case FaultResult::kBusAdrErr:
    case FaultResult::kSegvMapErr:  // a guard
      return Error(EFAULT);
    case FaultResult::kOutOfMemory:
      return Error(ENOMEM);
    default:
      return Error(EINVAL);
  }
}

// Advice on the pages of one mapping's part [start, end). EINVAL for what does not apply to it.
Status AdvisePages(Mm& mm, Vma& vma, uint64_t start, uint64_t end, int advice) {
  const bool locked = (vma.flags & proto::kVmLocked) != 0;
  TlbBatch batch(mm);
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
      if (locked && advice == MADV_DONTNEED) {
        return Error(EINVAL);
      }
      TRY(OwnForZap(mm, vma, start, end));
      ZapRange(mm, start, end, batch, ZapGuards::kKeep);
      return Ok();
    case MADV_REMOVE:
      return RemovePages(vma, start, end);
    case MADV_FREE:
      // Pages may be freed later, under pressure; there is none here, so nothing happens.
      return locked || vma.object != 0 ? Status(Error(EINVAL)) : Ok();
    case MADV_COLD:
    case MADV_PAGEOUT:
      if (locked) {
        return Error(EINVAL);
      }
      return ClearAccessed(mm, start, end, batch);
    case MADV_POPULATE_READ:
      return PopulatePages(mm, vma, start, end, FaultAccess::kRead);
    case MADV_POPULATE_WRITE:
      return PopulatePages(mm, vma, start, end, FaultAccess::kWrite);
    case kGuardInstall:
      return locked ? Status(Error(EINVAL)) : InstallGuards(mm, vma, start, end, batch);
    case kGuardRemove:
      return RemoveGuards(mm, start, end, batch);
    default:
      return Ok();
  }
}

// One mapping's part [start, end).
Status AdviseVma(Mm& mm, Vma& vma, uint64_t start, uint64_t end, int advice) {
  TRY(AdvisePages(mm, vma, start, end, advice));
  const uint64_t flags = TRY(AdvisedFlags(vma, advice));
  if (flags != vma.flags) {
    const Result<Vma*> part = IsolateRange(mm, start, end);
    if (!part.ok()) {
      return Error(EAGAIN);  // ENOMEM means a gap in the range (madvise(2))
    }
    part.value()->flags = flags;
    EmitEvent(proto::EventKind::kAdvise, AddressOf(&mm), start, end, flags);
    MergeVma(mm, *part.value());
  }
  return Ok();
}

}  // namespace

Status Mm::Advise(uint64_t address, uint64_t length, int advice) {
  if (HasMutant(Mutant::kCanaryHit)) {
    *reinterpret_cast<uint64_t*>(CurrentStackBase()) = 0;
  }
  if (!IsKnown(advice) || (address & (proto::kPageBytes - 1)) != 0) {
    return Error(EINVAL);
  }
  const uint64_t bytes = PageUp(length);
  const uint64_t end = address + bytes;
  if ((length != 0 && bytes == 0) || end < address) {
    return Error(EINVAL);
  }
  NoteChange(proto::SafepointKind::kSyscall);
  bool gap = false;  // the rest is done all the same, as on Linux; but populating ends there
  const bool populates = advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
  uint64_t at = address;
  while (at < end) {
    Vma* vma = FindVmaFrom(at);
    if (vma == nullptr || vma->start >= end) {
      gap = true;
      break;
    }
    if (vma->start > at) {
      gap = true;
      if (populates) {
        break;
      }
      at = vma->start;
    }
    const uint64_t stop = vma->end < end ? vma->end : end;
    TRY(AdviseVma(*this, *vma, at, stop, advice));
    at = stop;
  }
  return gap ? Status(Error(ENOMEM)) : Ok();
}

}  // namespace fv::guest
