// SPDX-License-Identifier: Apache-2.0
//
// Identifiers and permissions of System V IPC (sysvipc(7)): one table for each of semaphores,
// shared memory and messages. An identifier is an index and a sequence number, which grows when
// indices come round, so that the identifier of something removed stays wrong for long.
//
// Invariant: an object is in its table from Add to Remove, and FindKey sees it unless its key is
// IPC_PRIVATE.
// Locking: the table's (ids->rwsem), then the object's; one vCPU needs none. Whoever sleeps on an
// object is told of its removal by who removes it, and does not touch it afterwards.
#pragma once

#include <cstdint>

#include "guest/ipc/sysv_abi.h"
#include "guest/lib/result.h"

namespace fv::guest {

struct Credentials;

struct IpcObject {
  int key = kIpcPrivate;
  int id = -1;
  uint16_t sequence = 0;
  uint32_t uid = 0, gid = 0, cuid = 0, cgid = 0;
  uint32_t mode = 0;  // permission bits; ShmMode
  int64_t ctime = 0;  // seconds

  // The fields that all three structures of IPC_STAT begin with.
  IpcPermAbi Perm() const;
};

class IpcTable {
 public:
  constexpr explicit IpcTable(int limit) : limit_(limit) {}
  // Gives `object` its identifier; `flags` has its permissions, `cred` its owner.
  // Errors: ENOSPC, ENOMEM.
  Status Add(IpcObject& object, int key, uint32_t flags, const Credentials& cred);
  void Remove(IpcObject& object);

  IpcObject* Find(int id) const;  // nullptr: there is none
  IpcObject* FindKey(int key) const;
  IpcObject* At(int index) const;  // by index alone (SEM_STAT and the like)
  int highest() const;             // the highest index in use, -1 without any
  int used() const { return used_; }

  int next_id = -1;  // for the next object, or the next free index after it; -1: any

 private:
  Status Grow();
  Result<int> AnyId();
  Result<int> IdFrom(int id);

  int limit_;
  int capacity_ = 0;
  int used_ = 0;
  int last_index_ = -1;
  uint16_t sequence_ = 0;
  IpcObject** slots_ = nullptr;
};

// The caller may do what `wanted` (permission bits, of whatever class) says. Errors: EACCES.
Status CheckIpcAccess(const IpcObject& object, const Credentials& cred, uint32_t wanted);
// The caller may change or remove it. Errors: EPERM.
Status CheckIpcOwner(const IpcObject& object, const Credentials& cred);
// IPC_SET: owner and permission bits from `wanted`.
void SetIpcPerm(IpcObject& object, const IpcPermAbi& wanted);
// Now, in seconds of the wall clock.
int64_t IpcTime();

// semget(2), shmget(2), msgget(2): the identifier for `key`. `make()` makes and adds an object,
// giving Result<int>; `fits(object)` checks an existing one against the request.
// Errors: ENOENT, EEXIST, EACCES, and those of the two.
template <typename Make, typename Fits>
Result<uint64_t> GetIpc(const IpcTable& table, int key, uint32_t flags, const Credentials& cred,
                        Make make, Fits fits) {
  IpcObject* found = key == kIpcPrivate ? nullptr : table.FindKey(key);
  if (found == nullptr) {
    if (key != kIpcPrivate && (flags & kIpcCreat) == 0) {
      return Error(ENOENT);
    }
    return static_cast<uint64_t>(TRY(make()));
  }
  if ((flags & (kIpcCreat | kIpcExcl)) == (kIpcCreat | kIpcExcl)) {
    return Error(EEXIST);
  }
  TRY(fits(*found));
  TRY(CheckIpcAccess(*found, cred, flags));
  return static_cast<uint64_t>(found->id);
}

// The object of `table`, whose objects are all `Object`s, that is called `id`. Errors: EINVAL.
template <typename Object>
Result<Object*> FindIpc(const IpcTable& table, int id) {
  IpcObject* found = table.Find(id);
  return found == nullptr ? Result<Object*>(Error(EINVAL)) : static_cast<Object*>(found);
}

// The object that a command is about which only tells: IPC_STAT names it by its identifier,
// MSG_STAT and the like by its index. The caller must be allowed to read it, unless `command` is
// `without_asking` (MSG_STAT_ANY). Errors: EINVAL, EACCES.
template <typename Object>
Result<Object*> FindIpcToStat(const IpcTable& table, int number, int command, int without_asking,
                              const Credentials& cred) {
  constexpr uint32_t kMayRead = 0444;
  IpcObject* found = command == kIpcStat ? table.Find(number) : table.At(number);
  if (found == nullptr) {
    return Error(EINVAL);
  }
  if (command != without_asking) {
    TRY(CheckIpcAccess(*found, cred, kMayRead));
  }
  return static_cast<Object*>(found);
}

}  // namespace fv::guest
