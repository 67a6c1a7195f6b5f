// SPDX-License-Identifier: Apache-2.0
//
// Lock lists. A change first cuts the owner's locks out of the range, then adds the new one; the
// pieces left and right of the range keep their type (fcntl(2)). All waiters share one queue: they
// are few, and each looks again for itself.
#include "guest/fs/file_lock.h"

#include <new>

#include "guest/fs/object.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

namespace {

struct FileLock {
  explicit FileLock(const LockRequest& made) : request(made) {}
  proto::Link link{0, 0};
  LockRequest request;
};
using LockList = ListView<FileLock, &FileLock::link>;

// Who waits for whom, to refuse cycles of record locks (EDEADLK).
struct LockWaiter {
  proto::Link link{0, 0};
  const void* owner = nullptr;
  const void* holder = nullptr;
};

struct LockState {
  WaitQueue changed;
  List<LockWaiter, &LockWaiter::link> waiting;
};

LockState& State() {
  alignas(LockState) static constinit unsigned char bytes[sizeof(LockState)]{};
  static constinit bool made = false;
  if (!made) {
    new (bytes) LockState();
    made = true;
  }
  return *reinterpret_cast<LockState*>(bytes);
}

LockList LocksOf(Inode& inode) {
  if (!IsLinked(inode.locks)) {
    InitHead(inode.locks);
  }
  return LockList(inode.locks);
}

bool Overlaps(const LockRequest& a, const LockRequest& b) {
  return a.kind == b.kind && a.start <= b.end && b.start <= a.end;
}

// The one that starts first, which is what F_GETLK tells.
FileLock* ConflictOf(Inode& inode, const LockRequest& request) {
  FileLock* first = nullptr;
  for (FileLock& lock : LocksOf(inode)) {
    if (Overlaps(lock.request, request) && lock.request.owner != request.owner &&
        (lock.request.type == LockType::kExclusive || request.type == LockType::kExclusive) &&
        (first == nullptr || lock.request.start < first->request.start)) {
      first = &lock;
    }
  }
  return first;
}

// `owner` waits, over any number of others, for `from`.
bool WaitsFor(const void* owner, const void* from) {
  constexpr unsigned kMaxDepth = 10;
  for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
    const void* next = nullptr;
    for (const LockWaiter& waiter : State().waiting) {
      if (waiter.owner == from) {
        next = waiter.holder;
      }
    }
    if (next == nullptr) {
      return false;
    }
    if (next == owner) {
      return true;
    }
    from = next;
  }
  return false;
}

// Cuts [start, end] out of `lock`. `spare` becomes the right piece if two are left.
enum class SpareUse { kUnused, kUsed };
SpareUse Cut(Inode& inode, FileLock& lock, const LockRequest& range, FileLock& spare) {
  LockRequest& held = lock.request;
  const bool left = held.start < range.start;
  const bool right = held.end > range.end;
  if (left && right) {
    spare.request = held;
    spare.request.start = range.end + 1;
    held.end = range.start - 1;
    LocksOf(inode).PushBack(spare);
    return SpareUse::kUsed;
  }
  if (left) {
    held.end = range.start - 1;
  } else if (right) {
    held.start = range.end + 1;
  } else {
    Unlink(lock.link);
    DestroyObject(&lock);
  }
  return SpareUse::kUnused;
}

// Joins the owner's neighbours of the same type, so that lists stay short.
void Merge(Inode& inode, FileLock& lock) {
  for (FileLock* at = LocksOf(inode).front(); at != nullptr;) {
    FileLock* next = LocksOf(inode).Next(*at);
    LockRequest& mine = lock.request;
    const LockRequest& other = at->request;
    const bool same = at != &lock && other.kind == mine.kind && other.owner == mine.owner &&
                      other.type == mine.type;
    if (same && (other.end + 1 == mine.start || mine.end + 1 == other.start)) {
      mine.start = other.start < mine.start ? other.start : mine.start;
      mine.end = other.end > mine.end ? other.end : mine.end;
      Unlink(at->link);
      DestroyObject(at);
    }
    at = next;
  }
}

Status Apply(Inode& inode, const LockRequest& request) {
  FileLock* fresh = MakeObject<FileLock>(request);
  FileLock* spare = MakeObject<FileLock>(request);
  if (fresh == nullptr || spare == nullptr) {
    if (fresh != nullptr) {
      DestroyObject(fresh);
    }
    if (spare != nullptr) {
      DestroyObject(spare);
    }
    return Error(request.kind == LockKind::kRecord ? ENOLCK : ENOMEM);
  }
  SpareUse used = SpareUse::kUnused;
  for (FileLock* at = LocksOf(inode).front(); at != nullptr;) {
    FileLock* next = LocksOf(inode).Next(*at);
    if (at != spare && at->request.owner == request.owner && Overlaps(at->request, request)) {
      // At most one lock sticks out on both sides: the owner's locks do not overlap.
      used = Cut(inode, *at, request, *spare) == SpareUse::kUsed ? SpareUse::kUsed : used;
    }
    at = next;
  }
  if (used == SpareUse::kUnused) {
    DestroyObject(spare);
  }
  if (request.type == LockType::kNone) {
    DestroyObject(fresh);
  } else {
    LocksOf(inode).PushBack(*fresh);
    Merge(inode, *fresh);
  }
  State().changed.WakeAll();
  return Ok();
}

FileLock* FlockOf(Inode& inode, const void* owner) {
  for (FileLock& lock : LocksOf(inode)) {
    if (lock.request.kind == LockKind::kFlock && lock.request.owner == owner) {
      return &lock;
    }
  }
  return nullptr;
}

void Drop(FileLock& lock) {
  Unlink(lock.link);
  DestroyObject(&lock);
  State().changed.WakeAll();
}

// A change of type is two steps: the old lock goes, and is lost if the new one is not to be had.
Status SetFlock(Inode& inode, const LockRequest& request, LockWait wait) {
  FileLock* fresh = nullptr;
  if (request.type != LockType::kNone) {
    fresh = MakeObject<FileLock>(request);
    if (fresh == nullptr) {
      return Error(ENOMEM);
    }
  }
  ScopeGuard give_back([&] {
    if (fresh != nullptr) {
      DestroyObject(fresh);
    }
  });
  for (;;) {
    FileLock* held = FlockOf(inode, request.owner);
    if (held != nullptr && held->request.type == request.type) {
      return Ok();
    }
    if (held != nullptr) {
      Drop(*held);
    }
    if (request.type == LockType::kNone) {
      return Ok();
    }
    if (ConflictOf(inode, request) == nullptr) {
      LocksOf(inode).PushBack(*fresh);
      give_back.Dismiss();
      return Ok();
    }
    if (wait == LockWait::kNo) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(State().changed, kNoDeadline,
                  [&] { return ConflictOf(inode, request) == nullptr; }));
  }
}

void DropAll(Inode& inode, const void* owner) {
  if (!IsLinked(inode.locks) || LocksOf(inode).empty()) {
    return;
  }
  for (FileLock* at = LocksOf(inode).front(); at != nullptr;) {
    FileLock* next = LocksOf(inode).Next(*at);
    if (at->request.owner == owner) {
      Unlink(at->link);
      DestroyObject(at);
    }
    at = next;
  }
  State().changed.WakeAll();
}

}  // namespace

Status SetLock(Inode& inode, const LockRequest& request, LockWait wait) {
  if (request.kind == LockKind::kFlock) {
    return SetFlock(inode, request, wait);
  }
  while (request.type != LockType::kNone) {
    const FileLock* conflict = ConflictOf(inode, request);
    if (conflict == nullptr) {
      break;
    }
    if (wait == LockWait::kNo) {
      return Error(EAGAIN);
    }
    if (WaitsFor(request.owner, conflict->request.owner)) {
      return Error(EDEADLK);
    }
    LockWaiter self{.owner = request.owner, .holder = conflict->request.owner};
    State().waiting.PushBack(self);
    // Another holder means another look for a cycle.
    const Status status = WaitUntil(State().changed, kNoDeadline, [&] {
      const FileLock* now = ConflictOf(inode, request);
      return now == nullptr || now->request.owner != self.holder;
    });
    Unlink(self.link);
    TRY(status);
  }
  return Apply(inode, request);
}

bool FindConflict(Inode& inode, const LockRequest& request, LockRequest& out) {
  const FileLock* conflict = ConflictOf(inode, request);
  if (conflict != nullptr) {
    out = conflict->request;
  }
  return conflict != nullptr;
}

void ReleaseRecordLocks(Inode& inode, const void* owner) { DropAll(inode, owner); }
void ReleaseFileLocks(Inode& inode, const void* file) { DropAll(inode, file); }

}  // namespace fv::guest
