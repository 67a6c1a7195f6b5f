// SPDX-License-Identifier: Apache-2.0
//
// shmget(2), shmat(2), shmdt(2), shmctl(2).
#include "guest/ipc/sysv_shm.h"

#include <linux/capability.h>
#include <linux/resource.h>

#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/task.h"

namespace fv::guest::sys {
namespace {

Result<ShmSegment*> FindSegment(int id) { return FindIpc<ShmSegment>(ShmTable(), id); }

uint64_t HighestIndex() {
  const int highest = ShmTable().highest();
  return static_cast<uint64_t>(highest < 0 ? 0 : highest);
}

Result<uint64_t> Limits(const SyscallArgs& args) {
  ShmLimitsAbi limits{};
  limits.max = limits.all = kShmMax;
  limits.min = 1;
  limits.mni = limits.seg = kShmMni;
  TRY(WriteUser(*args.task.mm(), args.a[2], limits));
  return HighestIndex();
}

Result<uint64_t> Usage(const SyscallArgs& args) {
  const ShmUsage pages = CountShmPages();
  ShmUsageAbi usage{};
  usage.used_ids = ShmTable().used();
  usage.total = pages.total;
  usage.resident = pages.resident;
  TRY(WriteUser(*args.task.mm(), args.a[2], usage));
  return HighestIndex();
}

// IPC_STAT, SHM_STAT and SHM_STAT_ANY; the latter two take an index and give the identifier.
Result<uint64_t> Stat(const SyscallArgs& args, int id, int command) {
  const ShmSegment* segment =
      TRY(FindIpcToStat<ShmSegment>(ShmTable(), id, command, kShmStatAny, args.task.cred()));
  TRY(WriteUser(*args.task.mm(), args.a[2], segment->StatNow()));
  return static_cast<uint64_t>(command == kIpcStat ? 0 : segment->id);
}

// IPC_SET and IPC_RMID.
Result<uint64_t> Change(const SyscallArgs& args, int command) {
  ShmStatAbi wanted{};
  if (command == kIpcSet) {
    wanted = TRY(ReadUser<ShmStatAbi>(*args.task.mm(), args.a[2]));
  }
  ShmSegment* segment = TRY(FindSegment(args.Int(0)));
  TRY(CheckIpcOwner(*segment, args.task.cred()));
  if (command == kIpcSet) {
    SetIpcPerm(*segment, wanted.perm);
  } else {
    segment->MarkRemoved();
  }
  return uint64_t{0};
}

// SHM_LOCK and SHM_UNLOCK: nothing is ever swapped, so it is a mark and its permission.
Result<uint64_t> Lock(const SyscallArgs& args, int command) {
  ShmSegment* segment = TRY(FindSegment(args.Int(0)));
  const Credentials& cred = args.task.cred();
  if (!cred.Capable(CAP_IPC_LOCK)) {
    if (cred.euid != segment->uid && cred.euid != segment->cuid) {
      return Error(EPERM);
    }
    if (command == kShmLock && args.task.rlimit(RLIMIT_MEMLOCK) == 0) {
      return Error(EPERM);
    }
  }
  segment->mode =
      command == kShmLock ? segment->mode | kShmLocked : segment->mode & ~uint32_t{kShmLocked};
  return uint64_t{0};
}

}  // namespace

// shmget(key, bytes, flags)
Result<uint64_t> shmget(const SyscallArgs& args) {
  const int key = args.Int(0);
  const uint64_t bytes = args.a[1];
  const uint32_t flags = args.Uint(2);
  auto make = [&] { return MakeShmSegment(args.task, key, bytes, flags); };
  auto fits = [bytes](const IpcObject& found) -> Status {
    const bool enough = static_cast<const ShmSegment&>(found).bytes() >= bytes;
    return enough ? Ok() : Status(Error(EINVAL));
  };
  return GetIpc(ShmTable(), key, flags, args.task.cred(), make, fits);
}

// shmat(id, address, flags)
Result<uint64_t> shmat(const SyscallArgs& args) {
  return AttachShm(args.task, *TRY(FindSegment(args.Int(0))), args.a[1], args.Uint(2));
}

Result<uint64_t> shmdt(const SyscallArgs& args) {
  TRY(DetachShm(*args.task.mm(), args.a[0]));
  return uint64_t{0};
}

// shmctl(id, command, argument)
Result<uint64_t> shmctl(const SyscallArgs& args) {
  const int id = args.Int(0);
  const int command = args.Int(1);
  if (id < 0 || command < 0) {
    return Error(EINVAL);
  }
  switch (command) {
    case kIpcInfo:
      return Limits(args);
    case kShmInfo:
      return Usage(args);
    case kIpcStat:
    case kShmStat:
    case kShmStatAny:
      return Stat(args, id, command);
    case kIpcSet:
    case kIpcRmid:
      return Change(args, command);
    case kShmLock:
    case kShmUnlock:
      return Lock(args, command);
    default:
      return Error(EINVAL);
  }
}

}  // namespace fv::guest::sys
