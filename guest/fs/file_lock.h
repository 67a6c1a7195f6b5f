// SPDX-License-Identifier: Apache-2.0
//
// Advisory locks: flock(2) locks belong to an open file, fcntl(2) record locks to a descriptor
// table (a process: not inherited by fork, gone when any descriptor of the file is closed), open
// file description locks to an open file. All of an inode's locks are on one list. Locking:
// flc_lock would guard the lists.
#pragma once

#include <cstdint>

#include "guest/fs/inode.h"
#include "guest/lib/result.h"

namespace fv::guest {

enum class LockKind : uint8_t { kFlock, kRecord };
enum class LockType : uint8_t { kShared, kExclusive, kNone };
enum class LockWait : uint8_t { kNo, kYes };

struct LockRequest {
  LockKind kind = LockKind::kRecord;
  LockType type = LockType::kNone;
  const void* owner = nullptr;  // FdTable or File
  uint32_t pid = 0;             // for F_GETLK; 0 for open file description locks
  uint64_t start = 0;
  uint64_t end = ~uint64_t{0};  // inclusive
};

// Takes, changes or (kNone) drops a lock over the range. Errors: EAGAIN (held by another, kNo),
// EDEADLK, kErestartSys; without memory ENOLCK (kRecord), ENOMEM. Dropping a flock lock succeeds;
// a refused or interrupted change of one drops it (flock(2)).
Status SetLock(Inode& inode, const LockRequest& request, LockWait wait);
// A lock that stands in the way of `request`, into `out`; false: none (F_GETLK).
bool FindConflict(Inode& inode, const LockRequest& request, LockRequest& out);
// A descriptor of `inode` in the table `owner` was closed: its record locks go.
void ReleaseRecordLocks(Inode& inode, const void* owner);
// The open file is gone: its flock and open file description locks go.
void ReleaseFileLocks(Inode& inode, const void* file);

}  // namespace fv::guest
