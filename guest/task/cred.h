// SPDX-License-Identifier: Apache-2.0
//
// Making, sharing and changing Credentials (guest/lib/credentials.h), and the per-user counts that
// RLIMIT_NPROC and RLIMIT_SIGPENDING limit.
// Locking: the account table's lock; a Credentials is immutable once it is shared.
#pragma once

#include <cstdint>

#include "guest/lib/credentials.h"
#include "guest/lib/list.h"
#include "guest/lib/result.h"

namespace fv::guest {

class Task;

// Counted by the Credentials and queued signals that point here.
struct UserAccount : proto::UserRecord {};

void InitCredentials();
// uid 0 with all capabilities; with a reference for the caller. Errors: ENOMEM.
Result<Credentials*> MakeRootCredentials();

inline Credentials& GetCredentials(Credentials& credentials) {
  ++credentials.refs;
  return credentials;
}
void PutCredentials(Credentials* credentials);

// A copy of the current task's that the caller may change. Errors: ENOMEM.
Result<Credentials*> PrepareCredentials();
// Makes `changed` the current task's; takes over the reference. Moves the process count to the
// account of a new real uid. REQUIRES: SetUser() was called if `uid` changed.
void CommitCredentials(Credentials* changed);
// Points `credentials` at the account of its `uid`. Errors: EAGAIN (no memory).
Status SetUser(Credentials& credentials);
// Replaces the supplementary groups; `gids` is sorted by this. Errors: ENOMEM.
Status SetGroups(Credentials& credentials, const uint32_t* gids, uint32_t count);
// The capability changes that follow a change of uids (capabilities(7), "Effect of user ID
// changes").
void AdjustCapabilities(Credentials& changed, const Credentials& old);
// What execve does to capabilities (capabilities(7)); `set_id`: a set-user-ID root program.
void CapabilitiesAtExec(Credentials& changed);

void GetUser(UserAccount& user);
void PutUser(UserAccount* user);

}  // namespace fv::guest
