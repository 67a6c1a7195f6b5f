// SPDX-License-Identifier: Apache-2.0
//
// An id is made in one go (numbers of all levels, then the hash) and dies with the last of task,
// group and session that has it; descriptors hold the object, not the numbers.

#include "guest/task/pid.h"

#include <utility>

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/slab.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

using proto::PidNumberRecord;

constexpr unsigned kBuckets = 1024;

constinit SlabCache<Pid> g_pids("pid");
constinit proto::Link g_all{0, 0};
// Frames of its own: the host sees them written only when the hash changes.
alignas(proto::kPageBytes) constinit proto::Link g_hash[kBuckets] = {};

using AllPids = ListView<Pid, &proto::PidRecord::pids>;
using Bucket = ListView<PidNumberRecord, &PidNumberRecord::hash>;

Bucket BucketOf(uint32_t number, const PidNamespace& space) {
  return Bucket(g_hash[proto::PidNumberBucket(number, space.inode, kBuckets)]);
}

size_t DeeperBytes(uint32_t level) { return level * sizeof(PidNumberRecord); }

// The number in `space`, which `wanted` may ask for.
Result<uint32_t> TakeNumber(PidNamespace& space, const WantedNumbers& wanted, size_t index) {
  if (index >= wanted.count) {
    return space.map.Allocate();
  }
  const int32_t number = wanted.numbers[index];
  // A namespace begins with its init, and nobody else.
  if (number < 1 || number >= static_cast<int32_t>(space.map.limit()) ||
      (number != 1 && space.reaper == 0)) {
    return Error(EINVAL);
  }
  if (!wanted.permitted) {
    return Error(EPERM);
  }
  TRY(space.map.AllocateExact(static_cast<uint32_t>(number)));
  return static_cast<uint32_t>(number);
}

// Gives back the numbers from level `from` on, inwards.
void DropNumbers(Pid& pid, uint32_t from) {
  for (uint32_t level = from; level <= pid.level; ++level) {
    PidNamespace& space = pid.SpaceAt(level);
    space.map.Free(static_cast<uint32_t>(pid.At(level).number));
    if (space.ids == 0) {
      space.map.Rewind();  // the first process could not be made: the next is the first again
    }
  }
}

// A number in each level from the innermost outwards; on failure none.
Status TakeNumbers(Pid& pid, PidNamespace& space, const WantedNumbers& wanted) {
  PidNamespace* at = &space;
  for (uint32_t level = pid.level + 1; level-- > 0; at = at->parent()) {
    PidNumberRecord& record = pid.At(level);
    const Result<uint32_t> number = TakeNumber(*at, wanted, pid.level - level);
    if (!number.ok()) {
      DropNumbers(pid, level + 1);
      return number.error();
    }
    record = {{0, 0}, AddressOf(&pid), AddressOf(at), number.value()};
  }
  return Ok();
}

void Unlist(Pid& pid) {
  for (uint32_t level = 0; level <= pid.level; ++level) {
    PidNamespace& space = pid.SpaceAt(level);
    Bucket::Remove(pid.At(level));
    --space.ids;
    // Who waits for the end of its namespace (EndPidNamespace).
    if (Task* reaper = ReaperOf(space); reaper != nullptr && space.closed) {
      reaper->signal().child_exit.WakeAll();
    }
  }
}

// The last of task, group and session that had the id is gone.
void ReleaseIfUnused(Pid& pid) {
  const bool used =
      pid.task != 0 || !GroupMembers(pid.group).empty() || !SessionMembers(pid.session).empty();
  if (used) {
    return;
  }
  Unlist(pid);
  DropNumbers(pid, 0);
  pid.Release();
}

}  // namespace

void Pid::Release() {
  if (--refs > 0) {
    return;
  }
  AllPids::Remove(*this);
  PidNamespace& own = space();
  KernelFree(reinterpret_cast<void*>(deeper), DeeperBytes(level));
  magic = 0;
  g_pids.Delete(this);
  own.Release();
}

void InitPidTables() {
  g_pids.Register();
  InitHead(g_all);
  for (proto::Link& bucket : g_hash) {
    InitHead(bucket);
  }
  Channel().pids = AddressOf(&g_all);
  Channel().pid_numbers = AddressOf(g_hash);
  Channel().pid_number_buckets = kBuckets;
}

Result<Pid*> AllocatePid(PidNamespace& space, const WantedNumbers& wanted) {
  if (wanted.count > space.level + 1) {
    return Error(EINVAL);
  }
  Pid* pid = g_pids.New();
  if (pid == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard undo([pid] {
    KernelFree(reinterpret_cast<void*>(pid->deeper), DeeperBytes(pid->level));
    g_pids.Delete(pid);
  });
  if (space.level > 0) {
    pid->deeper = AddressOf(KernelAllocate(DeeperBytes(space.level)));
    if (pid->deeper == 0) {
      return Error(ENOMEM);
    }
  }
  pid->level = space.level;
  TRY(TakeNumbers(*pid, space, wanted));
  if (space.closed) {
    DropNumbers(*pid, 0);
    return Error(ENOMEM);  // odd, but what Linux says of a namespace without init
  }
  undo.Dismiss();
  pid->magic = proto::kPidMagic;
  pid->refs = 1;
  InitHead(pid->group);
  InitHead(pid->session);
  space.AddRef();
  for (uint32_t level = 0; level <= pid->level; ++level) {
    PidNamespace& at = pid->SpaceAt(level);
    ++at.ids;
    BucketOf(static_cast<uint32_t>(pid->At(level).number), at).PushFront(pid->At(level));
  }
  AllPids(g_all).PushBack(*pid);
  return pid;
}

void AbandonPid(Pid& pid) { ReleaseIfUnused(pid); }

Pid* FindPid(uint32_t number, const PidNamespace& space) {
  const uint64_t address = AddressOf(&space);
  for (PidNumberRecord& record : BucketOf(number, space)) {
    if (record.number == number && record.space == address) {
      return static_cast<Pid*>(reinterpret_cast<proto::PidRecord*>(record.pid));
    }
  }
  return nullptr;
}

void AttachIds(Task& task) {
  task.id().task = AddressOf(static_cast<proto::TaskRecord*>(&task));
  if (task.IsLeader()) {
    if (!HasMutant(Mutant::kGroupForgotten)) {
      GroupMembers(task.signal().group->group).PushFront(task);
    }
    SessionMembers(task.signal().session->session).PushBack(task);
  }
}

void DetachIds(Task& task) {
  SignalStruct& signal = task.signal();
  Pid& own = task.id();
  if (IsLinked(task.group_link)) {
    GroupMembers::Remove(task);
    SessionMembers::Remove(task);
    Pid* group = std::exchange(signal.group, nullptr);
    Pid* session = std::exchange(signal.session, nullptr);
    if (group != &own && group != session) {
      ReleaseIfUnused(*group);
    }
    if (session != &own) {
      ReleaseIfUnused(*session);
    }
  }
  own.task = 0;
  own.exit_waiters.WakeAll();
  task.TaskRecord::id = 0;
  ReleaseIfUnused(own);
}

void ExchangeIds(Task& task, Task& leader) {
  Pid& thread_id = task.id();
  Pid& leader_id = leader.id();
  task.TaskRecord::id = AddressOf(&leader_id);
  leader.TaskRecord::id = AddressOf(&thread_id);
  leader_id.task = AddressOf(static_cast<proto::TaskRecord*>(&task));
  thread_id.task = AddressOf(static_cast<proto::TaskRecord*>(&leader));
  task.pid = leader_id.global();
  leader.pid = thread_id.global();
  GroupMembers(task.signal().group->group).InsertAfter(leader, task);
  GroupMembers::Remove(leader);
  SessionMembers(task.signal().session->session).InsertAfter(leader, task);
  SessionMembers::Remove(leader);
  PidNamespace& space = leader_id.space();
  if (ReaperOf(space) == &leader) {
    SetReaper(space, &task);
  }
}

void SetGroup(Task& leader, Pid& group) {
  Pid* before = leader.signal().group;
  if (before == &group) {
    return;
  }
  GroupMembers::Remove(leader);
  GroupMembers(group.group).PushFront(leader);  // the newest hears of a signal first
  leader.signal().group = &group;
  ForEachThread(leader, [&group](Task& thread) { thread.pgid = group.global(); });
  ReleaseIfUnused(*before);
}

void SetSession(Task& leader, Pid& session) {
  Pid* before = leader.signal().session;
  if (before == &session) {
    return;
  }
  SessionMembers::Remove(leader);
  SessionMembers(session.session).PushBack(leader);
  leader.signal().session = &session;
  ForEachThread(leader, [&session](Task& thread) { thread.sid = session.global(); });
  ReleaseIfUnused(*before);
}

uint32_t PpidIn(const Task& task, const PidNamespace& space) {
  const Task* parent = task.parent();
  return parent == nullptr ? 0 : TgidIn(*parent, space);
}

uint32_t GlobalNumberFor(const Task& caller, uint32_t number) {
  const Pid* pid = FindPid(number, ActivePidNamespace(caller));
  return pid == nullptr ? 0 : pid->global();
}

}  // namespace fv::guest
