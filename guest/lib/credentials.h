// SPDX-License-Identifier: Apache-2.0
//
// Who a task is: user and group ids and capability sets (credentials(7), capabilities(7)). Tasks
// share one Credentials copy-on-write: it never changes while more than one task refers to it;
// set*id() and capset() make a changed copy and commit that (guest/task/cred.cc).
// Locking: immutable once shared; the count is the owner's business (task_lock on several CPUs).
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/process_records.h"

namespace fv::guest {

struct UserAccount;  // per-uid process and signal counts, guest/task/cred.h

// Supplementary groups, variable length, shared by several Credentials.
struct GroupList {
  uint32_t refs;
  uint32_t count;
  uint32_t gids[1];  // [count], sorted ascending
};

// All capabilities that Linux 6.x knows: CAP_CHOWN (0) to CAP_CHECKPOINT_RESTORE (40).
inline constexpr uint64_t kAllCapabilities = (uint64_t{1} << 41) - 1;
inline constexpr unsigned kLastCapability = 40;

struct Credentials {
  uint64_t magic;     // proto::kCredentialsMagic
  UserAccount* user;  // of the real uid; counted
  uint32_t refs;
  uint32_t securebits;
  uint32_t uid, gid;      // real
  uint32_t euid, egid;    // effective
  uint32_t suid, sgid;    // saved
  uint32_t fsuid, fsgid;  // for file access
  uint64_t cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
  GroupList* groups;  // never nullptr after InitCredentials()

  // `capability` is a CAP_* number of <linux/capability.h>.
  bool Capable(unsigned capability) const { return (cap_effective >> capability & 1) != 0; }
  // `wanted` is the file-system group or a supplementary one.
  bool InGroup(uint32_t wanted) const {
    if (fsgid == wanted) {
      return true;
    }
    for (uint32_t i = 0; groups != nullptr && i < groups->count; ++i) {
      if (groups->gids[i] == wanted) {
        return true;
      }
    }
    return false;
  }
};
static_assert(offsetof(Credentials, user) == offsetof(proto::CredentialsRecord, user) &&
              offsetof(Credentials, refs) == offsetof(proto::CredentialsRecord, refs) &&
              offsetof(Credentials, fsgid) == offsetof(proto::CredentialsRecord, fsgid));

}  // namespace fv::guest
