// SPDX-License-Identifier: Apache-2.0
//
// madvise, mincore, msync and the mlock family.
#include <linux/mman.h>

#include "guest/lib/string.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/memory.h"
#include "guest/syscall/syscall.h"

namespace fv::guest::sys {
namespace {

constexpr uint64_t kPageMask = proto::kPageBytes - 1;

Status CheckMsync(uint64_t start, int flags) {
  const int known = MS_ASYNC | MS_INVALIDATE | MS_SYNC;
  const bool both = (flags & MS_ASYNC) != 0 && (flags & MS_SYNC) != 0;
  return (flags & ~known) != 0 || (start & kPageMask) != 0 || both ? Status(Error(EINVAL)) : Ok();
}

Result<uint64_t> LockRange(const SyscallArgs& args, int flags) {
  if ((flags & ~MLOCK_ONFAULT) != 0) {
    return Error(EINVAL);
  }
  const LockMode mode = (flags & MLOCK_ONFAULT) != 0 ? LockMode::kOnFault : LockMode::kNow;
  TRY(CallerMm(args.task).Lock(args.a[0], args.a[1], mode));
  return 0;
}

}  // namespace

Result<uint64_t> madvise(const SyscallArgs& args) {
  TRY(CallerMm(args.task).Advise(args.a[0], args.a[1], args.Int(2)));
  return 0;
}

Result<uint64_t> mincore(const SyscallArgs& args) {
  const uint64_t start = args.a[0];
  const uint64_t length = args.a[1];
  if ((start & kPageMask) != 0) {
    return Error(EINVAL);
  }
  if (length > proto::kUserEnd || start > proto::kUserEnd - length) {
    return Error(ENOMEM);
  }
  Mm& mm = CallerMm(args.task);
  const uint64_t pages = (length + kPageMask) >> proto::kPageShift;
  uint8_t vector[256];
  for (uint64_t done = 0; done < pages;) {
    const uint64_t batch = pages - done < sizeof(vector) ? pages - done : sizeof(vector);
    uint64_t known = 0;
    for (; known < batch; ++known) {
      const Result<bool> resident = mm.IsResident(start + ((done + known) << proto::kPageShift));
      if (!resident.ok()) {
        break;
      }
      vector[known] = resident.value() ? 1 : 0;
    }
    if (known == 0) {
      return Error(ENOMEM);
    }
    TRY(CopyToUser(mm, args.a[2] + done, vector, known));  // also what lies before a hole
    done += known;
  }
  return 0;
}

Result<uint64_t> msync(const SyscallArgs& args) {
  const int flags = args.Int(2);
  TRY(CheckMsync(args.a[0], flags));
  const SyncMode mode = (flags & MS_INVALIDATE) != 0 ? SyncMode::kInvalidate : SyncMode::kWrite;
  TRY(CallerMm(args.task).Sync(args.a[0], args.a[1], mode));
  return 0;
}

Result<uint64_t> mlock(const SyscallArgs& args) { return LockRange(args, 0); }
Result<uint64_t> mlock2(const SyscallArgs& args) { return LockRange(args, args.Int(2)); }

Result<uint64_t> munlock(const SyscallArgs& args) {
  TRY(CallerMm(args.task).Unlock(args.a[0], args.a[1]));
  return 0;
}

Result<uint64_t> mlockall(const SyscallArgs& args) {
  const int flags = args.Int(0);
  if (flags == 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 ||
      flags == MCL_ONFAULT) {
    return Error(EINVAL);
  }
  TRY(CallerMm(args.task).LockAll(flags));
  return 0;
}

Result<uint64_t> munlockall(const SyscallArgs& args) {
  TRY(CallerMm(args.task).LockAll(0));
  return 0;
}

}  // namespace fv::guest::sys
