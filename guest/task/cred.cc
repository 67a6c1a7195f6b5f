// SPDX-License-Identifier: Apache-2.0
//
// Credentials are changed by copy: PrepareCredentials, change, CommitCredentials; a copy that is
// not committed is put back. Users are found in a list; there are a handful.

#include "guest/task/cred.h"

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/string.h"
#include "guest/mm/slab.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constinit SlabCache<Credentials> g_credentials("cred_jar");
constinit SlabCache<UserAccount> g_users("user_struct");
constinit proto::Link g_accounts{0, 0};
constinit GroupList g_no_groups{1, 0, {0}};

using Accounts = ListView<UserAccount, &proto::UserRecord::users>;

size_t GroupListBytes(uint32_t count) { return sizeof(GroupList) + count * sizeof(uint32_t); }

void PutGroups(GroupList* groups) {
  if (--groups->refs == 0) {
    KernelFree(groups, GroupListBytes(groups->count));
  }
}

Result<UserAccount*> FindOrMakeUser(uint32_t uid) {
  for (UserAccount& user : Accounts(g_accounts)) {
    if (user.uid == uid) {
      GetUser(user);
      return &user;
    }
  }
  UserAccount* user = g_users.New();
  if (user == nullptr) {
    return Error(EAGAIN);
  }
  user->magic = proto::kUserMagic;
  user->uid = uid;
  user->refs = 1;
  Accounts(g_accounts).PushBack(*user);
  return user;
}

// Insertion by heap sort: no recursion, no extra memory, 65,536 entries at most.
void SortGids(uint32_t* gids, uint32_t count) {
  auto sift = [gids](uint32_t root, uint32_t end) {
    for (uint32_t child = 2 * root + 1; child < end; child = 2 * root + 1) {
      if (child + 1 < end && gids[child] < gids[child + 1]) {
        ++child;
      }
      if (gids[root] >= gids[child]) {
        return;
      }
      std::swap(gids[root], gids[child]);
      root = child;
    }
  };
  for (uint32_t i = count / 2; i-- > 0;) {
    sift(i, count);
  }
  for (uint32_t end = count; end-- > 1;) {
    std::swap(gids[0], gids[end]);
    sift(0, end);
  }
}

}  // namespace

void InitCredentials() {
  InitHead(g_accounts);
  Channel().users = AddressOf(&g_accounts);
  g_credentials.Register();
  g_users.Register();
}

void GetUser(UserAccount& user) { ++user.refs; }

void PutUser(UserAccount* user) {
  if (user != nullptr && --user->refs == 0) {
    Unlink(user->users);
    g_users.Delete(user);
  }
}

Result<Credentials*> MakeRootCredentials() {
  Credentials* credentials = g_credentials.New();
  if (credentials == nullptr) {
    return Error(ENOMEM);
  }
  *credentials = Credentials{};
  credentials->magic = proto::kCredentialsMagic;
  credentials->refs = 1;
  credentials->cap_effective = credentials->cap_permitted = credentials->cap_bounding =
      kAllCapabilities;
  credentials->groups = &g_no_groups;
  ++g_no_groups.refs;
  if (Status status = SetUser(*credentials); !status.ok()) {
    PutCredentials(credentials);
    return Error(ENOMEM);
  }
  return credentials;
}

void PutCredentials(Credentials* credentials) {
  if (credentials != nullptr && --credentials->refs == 0) {
    PutGroups(credentials->groups);
    PutUser(credentials->user);
    g_credentials.Delete(credentials);
  }
}

Result<Credentials*> PrepareCredentials() {
  const Credentials& current = CurrentTask()->cred();
  Credentials* copy = g_credentials.New(current);
  if (copy == nullptr) {
    return Error(ENOMEM);
  }
  copy->refs = 1;
  ++copy->groups->refs;
  GetUser(*copy->user);
  return copy;
}

namespace {
void TellOfIds(const Credentials& old, const Credentials& now) {
  if (old.uid != now.uid || old.euid != now.euid || old.suid != now.suid ||
      old.fsuid != now.fsuid) {
    EmitEvent(proto::EventKind::kUid, now.uid, now.euid, now.suid, now.fsuid);
  }
  if (old.gid != now.gid || old.egid != now.egid || old.sgid != now.sgid ||
      old.fsgid != now.fsgid) {
    EmitEvent(proto::EventKind::kGid, now.gid, now.egid, now.sgid, now.fsgid);
  }
}
}  // namespace

void CommitCredentials(Credentials* changed) {
  NoteChange(proto::SafepointKind::kSyscall);
  Task& task = *CurrentTask();
  Credentials* old = task.credentials();
  if (old->user != changed->user) {
    --old->user->processes;
    ++changed->user->processes;
  }
  const bool ids_changed = old->euid != changed->euid || old->egid != changed->egid ||
                           old->fsuid != changed->fsuid || old->fsgid != changed->fsgid;
  if (ids_changed) {
    task.pdeath_signal = 0;
    SetDumpable(task, 0);  // what it had in memory is not for its new user (prctl(2))
  }
  TellOfIds(*old, *changed);
  task.set_credentials(changed);
  PutCredentials(old);
}

Status SetUser(Credentials& credentials) {
  UserAccount* user = TRY(FindOrMakeUser(credentials.uid));
  PutUser(credentials.user);
  credentials.user = user;
  return Ok();
}

Status SetGroups(Credentials& credentials, const uint32_t* gids, uint32_t count) {
  auto* list = static_cast<GroupList*>(KernelAllocate(GroupListBytes(count)));
  if (list == nullptr) {
    return Error(ENOMEM);
  }
  list->refs = 1;
  list->count = count;
  if (count > 0) {
    memcpy(list->gids, gids, count * sizeof(uint32_t));
  }
  if (HasMutant(Mutant::kGroupsOverrun)) {
    list->gids[count + 1] = 0;
  }
  SortGids(list->gids, count);
  PutGroups(credentials.groups);
  credentials.groups = list;
  return Ok();
}

void AdjustCapabilities(Credentials& changed, const Credentials& old) {
  constexpr uint32_t kKeepCaps = 1u << 4;  // SECBIT_KEEP_CAPS
  constexpr uint32_t kNoFixup = 1u << 2;   // SECBIT_NO_SETUID_FIXUP
  constexpr uint64_t kFsCapabilities = 0x1F | 1u << 9 | 1u << 27 | uint64_t{1} << 32;
  if ((changed.securebits & kNoFixup) != 0) {
    return;
  }
  const bool had_root = old.uid == 0 || old.euid == 0 || old.suid == 0;
  const bool has_root = changed.uid == 0 || changed.euid == 0 || changed.suid == 0;
  if (had_root && !has_root) {
    if ((changed.securebits & kKeepCaps) == 0) {
      changed.cap_permitted = changed.cap_effective = 0;
    }
    changed.cap_ambient = 0;
  }
  if (old.euid == 0 && changed.euid != 0) {
    changed.cap_effective = 0;
  } else if (old.euid != 0 && changed.euid == 0) {
    changed.cap_effective = changed.cap_permitted;
  }
  if (old.fsuid == 0 && changed.fsuid != 0) {
    changed.cap_effective &= ~kFsCapabilities;
  } else if (old.fsuid != 0 && changed.fsuid == 0) {
    changed.cap_effective |= changed.cap_permitted & kFsCapabilities;
  }
}

void CapabilitiesAtExec(Credentials& changed) {
  constexpr uint32_t kNoRoot = 1u << 0;  // SECBIT_NOROOT
  const bool root = (changed.securebits & kNoRoot) == 0 && (changed.uid == 0 || changed.euid == 0);
  uint64_t file_permitted = 0;
  bool file_effective = false;
  if (root) {
    file_permitted = changed.cap_bounding | changed.cap_inheritable;
    file_effective = changed.euid == 0;
  }
  changed.cap_permitted = root ? file_permitted : changed.cap_ambient;
  changed.cap_effective = root && file_effective ? changed.cap_permitted : changed.cap_ambient;
  changed.securebits &= ~(1u << 4);  // keep-caps does not survive an exec
}

}  // namespace fv::guest
