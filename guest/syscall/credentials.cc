// SPDX-License-Identifier: Apache-2.0
//
// Changing who one is: set*uid(2), set*gid(2), groups (credentials(7)). Every call makes a changed
// copy and commits it, so that tasks that share credentials keep theirs (F10).

#include <linux/capability.h>

#include "guest/lib/mutants.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/cred.h"
#include "guest/task/sched_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint32_t kKeep = ~uint32_t{0};  // -1: leave this id as it is
constexpr uint32_t kMaxGroups = 65536;

enum class Kind { kUser, kGroup };

struct Ids {
  uint32_t real, effective, saved, filesystem;
  bool Has(uint32_t id) const { return id == real || id == effective || id == saved; }
};

Ids IdsOf(const Credentials& cred, Kind kind) {
  return kind == Kind::kUser ? Ids{cred.uid, cred.euid, cred.suid, cred.fsuid}
                             : Ids{cred.gid, cred.egid, cred.sgid, cred.fsgid};
}

bool Privileged(const Task& task, Kind kind) {
  return task.Capable(kind == Kind::kUser ? CAP_SETUID : CAP_SETGID);
}

// Errors: EAGAIN, ENOMEM.
Status Commit(Task& task, Kind kind, const Ids& ids) {
  const Credentials& old = task.cred();
  Credentials* changed = TRY(PrepareCredentials());
  ScopeGuard undo([changed] { PutCredentials(changed); });
  if (kind == Kind::kUser) {
    changed->uid = ids.real;
    changed->euid = ids.effective;
    changed->suid = ids.saved;
    changed->fsuid = ids.filesystem;
    if (changed->uid != old.uid) {
      TRY(SetUser(*changed));
    }
    AdjustCapabilities(*changed, old);
  } else {
    changed->gid = ids.real;
    changed->egid = ids.effective;
    changed->sgid = ids.saved;
    changed->fsgid = ids.filesystem;
  }
  undo.Dismiss();
  if (changed->user != old.user) {
    // The change happens, and the execve that usually follows is refused (execve(2), EAGAIN). The
    // caller itself is not among the user's processes yet.
    task.over_nproc = changed->uid != 0 && changed->user->processes > task.rlimit(kRlimitNproc);
  }
  CommitCredentials(changed);
  return Ok();
}

Result<uint64_t> Done(const Status& status) {
  return status.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(status.error());
}

// setuid(2): all three with privilege, else the effective one among real and saved.
Result<uint64_t> SetId(Task& task, Kind kind, uint32_t id) {
  Ids ids = IdsOf(task.cred(), kind);
  if (id == kKeep) {
    return Error(EINVAL);
  }
  if (Privileged(task, kind)) {
    ids.real = ids.saved = id;
  } else if (id != ids.real && id != ids.saved) {
    return Error(EPERM);
  }
  ids.effective = ids.filesystem = id;
  return Done(Commit(task, kind, ids));
}

// setreuid(2).
Result<uint64_t> SetRealEffective(Task& task, Kind kind, uint32_t real, uint32_t effective) {
  const Ids old = IdsOf(task.cred(), kind);
  Ids ids = old;
  const bool privileged = Privileged(task, kind);
  if (real != kKeep) {
    if (!privileged && real != old.real && real != old.effective) {
      return Error(EPERM);
    }
    ids.real = real;
  }
  if (effective != kKeep) {
    if (!privileged && !old.Has(effective)) {
      return Error(EPERM);
    }
    ids.effective = effective;
  }
  if (real != kKeep || (effective != kKeep && effective != old.real)) {
    ids.saved = ids.effective;
  }
  ids.filesystem = ids.effective;
  return Done(Commit(task, kind, ids));
}

// setresuid(2).
Result<uint64_t> SetAllThree(Task& task, Kind kind, const uint32_t (&wanted)[3]) {
  const Ids old = IdsOf(task.cred(), kind);
  Ids ids = old;
  uint32_t* targets[3] = {&ids.real, &ids.effective, &ids.saved};
  for (unsigned i = 0; i < 3; ++i) {
    if (wanted[i] == kKeep) {
      continue;
    }
    if (!Privileged(task, kind) && !old.Has(wanted[i])) {
      return Error(EPERM);
    }
    *targets[i] = wanted[i];
  }
  ids.filesystem = ids.effective;
  return Done(Commit(task, kind, ids));
}

// setfsuid(2): returns the old value whatever happens.
Result<uint64_t> SetFilesystemId(Task& task, Kind kind, uint32_t id) {
  const Ids old = IdsOf(task.cred(), kind);
  const bool allowed = old.Has(id) || id == old.filesystem || Privileged(task, kind);
  if (id != kKeep && allowed && id != old.filesystem) {
    Ids ids = old;
    ids.filesystem = id;
    (void)Commit(task, kind, ids).ok();
  }
  return uint64_t{old.filesystem};
}

Result<uint64_t> WriteThree(const SyscallArgs& args, Kind kind) {
  const Ids ids = IdsOf(args.task.cred(), kind);
  const uint32_t values[3] = {ids.real, ids.effective, ids.saved};
  for (unsigned i = 0; i < 3; ++i) {
    TRY(WriteUser(*args.task.mm(), args.a[i], values[i]));
  }
  return uint64_t{0};
}

}  // namespace

namespace sys {

Result<uint64_t> setuid(const SyscallArgs& args) {
  return SetId(args.task, Kind::kUser, args.Uint(0));
}
Result<uint64_t> setgid(const SyscallArgs& args) {
  return SetId(args.task, Kind::kGroup, args.Uint(0));
}
Result<uint64_t> setreuid(const SyscallArgs& args) {
  return SetRealEffective(args.task, Kind::kUser, args.Uint(0), args.Uint(1));
}
Result<uint64_t> setregid(const SyscallArgs& args) {
  return SetRealEffective(args.task, Kind::kGroup, args.Uint(0), args.Uint(1));
}
Result<uint64_t> setresuid(const SyscallArgs& args) {
  return SetAllThree(args.task, Kind::kUser, {args.Uint(0), args.Uint(1), args.Uint(2)});
}
Result<uint64_t> setresgid(const SyscallArgs& args) {
  return SetAllThree(args.task, Kind::kGroup, {args.Uint(0), args.Uint(1), args.Uint(2)});
}
Result<uint64_t> setfsuid(const SyscallArgs& args) {
  return SetFilesystemId(args.task, Kind::kUser, args.Uint(0));
}
Result<uint64_t> setfsgid(const SyscallArgs& args) {
  return SetFilesystemId(args.task, Kind::kGroup, args.Uint(0));
}
Result<uint64_t> getresuid(const SyscallArgs& args) { return WriteThree(args, Kind::kUser); }
Result<uint64_t> getresgid(const SyscallArgs& args) { return WriteThree(args, Kind::kGroup); }

Result<uint64_t> getgroups(const SyscallArgs& args) {
  const GroupList& groups = *args.task.cred().groups;
  const int capacity = args.Int(0);
  if (capacity < 0) {
    return Error(EINVAL);
  }
  if (capacity > 0) {
    if (groups.count > static_cast<uint32_t>(capacity)) {
      return Error(EINVAL);
    }
    const size_t copied = groups.count + (HasMutant(Mutant::kGroupsOverread) ? 2 : 0);
    TRY(CopyToUser(*args.task.mm(), args.a[1], groups.gids, copied * sizeof(uint32_t)));
  }
  return uint64_t{groups.count};
}

Result<uint64_t> setgroups(const SyscallArgs& args) {
  const uint32_t count = args.Uint(0);
  if (!args.task.Capable(CAP_SETGID)) {
    return Error(EPERM);
  }
  if (count > kMaxGroups) {
    return Error(EINVAL);
  }
  const size_t bytes = count * sizeof(uint32_t);
  auto* gids = static_cast<uint32_t*>(KernelAllocate(bytes + sizeof(uint32_t)));
  if (gids == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_gids([=] { KernelFree(gids, bytes + sizeof(uint32_t)); });
  TRY(CopyFromUser(*args.task.mm(), gids, args.a[1], bytes));
  for (uint32_t i = 0; i < count; ++i) {
    if (gids[i] == ~uint32_t{0}) {
      return Error(EINVAL);  // nobody's number
    }
  }
  Credentials* changed = TRY(PrepareCredentials());
  if (Status status = SetGroups(*changed, gids, count); !status.ok()) {
    PutCredentials(changed);
    return status.error();
  }
  CommitCredentials(changed);
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
