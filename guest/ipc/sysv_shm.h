// SPDX-License-Identifier: Apache-2.0
//
// System V shared memory (shmget(2), shmat(2)). A segment is a memory object with an identifier;
// the mappings refer to the segment as their source, so the references of that kind are shm_nattch.
// A segment marked for removal goes with its last mapping.
// Locking: the segment's (shm_perm.lock); one vCPU needs none.
#pragma once

#include <cstdint>

#include "guest/ipc/sysv_ids.h"
#include "guest/mm/mm.h"

namespace fv::guest {

class Task;

class ShmSegment final : public IpcObject, public MappingSource {
 public:
  ShmSegment(Ref<MemoryObject> object, int key, uint64_t bytes, uint32_t creator);

  // A mapping comes (attached, split, forked) or goes.
  void AddRef() override;
  void Release() override;
  size_t MappingPath(char* out, size_t capacity) const override;
  uint64_t MappingDevice() const override;
  uint64_t MappingInode() const override { return static_cast<uint64_t>(id); }

  const Ref<MemoryObject>& object() const { return object_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t attached() const { return attached_; }
  ShmStatAbi StatNow() const;
  uint64_t ResidentPages() const;
  // IPC_RMID: at once, or with the last mapping.
  void MarkRemoved();

 private:
  void Destroy();

  Ref<MemoryObject> object_;
  uint64_t bytes_;
  uint64_t attached_ = 0;
  int64_t attach_time_ = 0, detach_time_ = 0;
  uint32_t creator_;
  uint32_t last_pid_ = 0;
  // By the key that it was made with, which it has no longer once it is marked for removal.
  char name_[sizeof("/SYSV01234567")];
};

IpcTable& ShmTable();
// Pages of all segments, and how many of them are present.
struct ShmUsage {
  uint64_t total;
  uint64_t resident;
};
ShmUsage CountShmPages();

// Errors: EINVAL (0 bytes or too many), ENOMEM, ENOSPC.
Result<int> MakeShmSegment(Task& task, int key, uint64_t bytes, uint32_t flags);
// shmat(2) with ShmAtFlag; the address. Errors: EACCES, EINVAL, ENOMEM.
Result<uint64_t> AttachShm(Task& task, ShmSegment& segment, uint64_t address, uint32_t flags);
// shmdt(2). Errors: EINVAL.
Status DetachShm(Mm& mm, uint64_t address);

}  // namespace fv::guest
