// SPDX-License-Identifier: Apache-2.0
#include "guest/ipc/sysv_ids.h"

#include <linux/capability.h>

#include "guest/arch/arch.h"
#include "guest/lib/credentials.h"
#include "guest/lib/string.h"
#include "guest/mm/slab.h"

namespace fv::guest {
namespace {

constexpr int kIndices = 32768;  // IPCMNI: an identifier is sequence * kIndices + index
constexpr int kMaxSequence = 0x7fffffff / kIndices;
// Indices come round after this many, or half as many again as are in use (Linux: ipc_min_cycle).
constexpr int kMinCycle = 64;
constexpr uint32_t kPermissionBits = 0777;

}  // namespace

IpcPermAbi IpcObject::Perm() const {
  IpcPermAbi perm{};
  perm.key = key;
  perm.uid = uid;
  perm.gid = gid;
  perm.cuid = cuid;
  perm.cgid = cgid;
  perm.mode = mode;
  perm.seq = sequence;
  return perm;
}

Status IpcTable::Grow() {
  const int wanted = capacity_ == 0 ? kMinCycle : capacity_ * 2;
  const size_t bytes = sizeof(IpcObject*) * static_cast<size_t>(wanted);
  auto** slots = static_cast<IpcObject**>(KernelAllocateZeroed(bytes));
  if (slots == nullptr) {
    return Error(ENOMEM);
  }
  const size_t old_bytes = sizeof(IpcObject*) * static_cast<size_t>(capacity_);
  memcpy(slots, slots_, old_bytes);
  KernelFree(slots_, old_bytes);
  slots_ = slots;
  capacity_ = wanted;
  return Ok();
}

// An index and sequence number in turn. Errors: ENOMEM.
Result<int> IpcTable::AnyId() {
  int cycle = used_ * 3 / 2;
  cycle = cycle < kMinCycle ? kMinCycle : cycle > limit_ ? limit_ : cycle;
  while (capacity_ < cycle) {
    TRY(Grow());
  }
  int index = last_index_;
  do {
    index = index + 1 < cycle ? index + 1 : 0;
  } while (slots_[index] != nullptr);
  if (index <= last_index_) {
    sequence_ = sequence_ < kMaxSequence ? static_cast<uint16_t>(sequence_ + 1) : 0;
  }
  last_index_ = index;
  return sequence_ * kIndices + index;
}

// The sequence number of `id` and the first free index from its own on. Errors: ENOMEM, ENOSPC.
Result<int> IpcTable::IdFrom(int id) {
  int index = id % kIndices;
  while (At(index) != nullptr) {
    ++index;
  }
  if (index >= kIndices) {
    return Error(ENOSPC);
  }
  while (capacity_ <= index) {
    TRY(Grow());
  }
  return id - id % kIndices + index;
}

Status IpcTable::Add(IpcObject& object, int key, uint32_t flags, const Credentials& cred) {
  if (used_ >= limit_) {
    return Error(ENOSPC);
  }
  const int wanted = next_id;
  next_id = -1;
  const int id = TRY(wanted < 0 ? AnyId() : IdFrom(wanted));
  slots_[id % kIndices] = &object;
  ++used_;
  object.key = key;
  object.sequence = static_cast<uint16_t>(id / kIndices);
  object.id = id;
  object.uid = object.cuid = cred.euid;
  object.gid = object.cgid = cred.egid;
  object.mode = flags & kPermissionBits;
  object.ctime = IpcTime();
  return Ok();
}

void IpcTable::Remove(IpcObject& object) {
  slots_[object.id % kIndices] = nullptr;
  --used_;
}

IpcObject* IpcTable::At(int index) const {
  return index >= 0 && index < capacity_ ? slots_[index] : nullptr;
}

IpcObject* IpcTable::Find(int id) const {
  IpcObject* object = id < 0 ? nullptr : At(id % kIndices);
  return object != nullptr && object->id == id ? object : nullptr;
}

IpcObject* IpcTable::FindKey(int key) const {
  for (int i = 0; i < capacity_; ++i) {
    if (slots_[i] != nullptr && slots_[i]->key == key) {
      return slots_[i];
    }
  }
  return nullptr;
}

int IpcTable::highest() const {
  int index = capacity_ - 1;
  while (index >= 0 && slots_[index] == nullptr) {
    --index;
  }
  return index;
}

Status CheckIpcAccess(const IpcObject& object, const Credentials& cred, uint32_t wanted) {
  const uint32_t requested = wanted >> 6 | wanted >> 3 | wanted;
  uint32_t granted = object.mode;
  if (cred.euid == object.cuid || cred.euid == object.uid) {
    granted >>= 6;
  } else if (cred.InGroup(object.cgid) || cred.InGroup(object.gid)) {
    granted >>= 3;
  }
  const bool allowed = (requested & ~granted & 7) == 0 || cred.Capable(CAP_IPC_OWNER);
  return allowed ? Ok() : Status(Error(EACCES));
}

Status CheckIpcOwner(const IpcObject& object, const Credentials& cred) {
  const bool owner =
      cred.euid == object.cuid || cred.euid == object.uid || cred.Capable(CAP_SYS_ADMIN);
  return owner ? Ok() : Status(Error(EPERM));
}

void SetIpcPerm(IpcObject& object, const IpcPermAbi& wanted) {
  object.uid = wanted.uid;
  object.gid = wanted.gid;
  object.mode = (object.mode & ~kPermissionBits) | (wanted.mode & kPermissionBits);
  object.ctime = IpcTime();
}

int64_t IpcTime() { return static_cast<int64_t>(RealtimeNs() / 1'000'000'000); }

}  // namespace fv::guest
