// SPDX-License-Identifier: Apache-2.0
//
// Making and finding process ids (guest/lib/pid.h) and pid namespaces, and what has an id: tasks,
// process groups, sessions. Groups and sessions are chains of the leaders of their processes, so
// that nobody walks all tasks to find them.
// Locking: pidmap_lock for numbers and hash; the tasklist lock for chains.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/pid.h"
#include "guest/lib/result.h"
#include "guest/task/task.h"

namespace fv::guest {

// Processes of a group or session, by their leaders.
using GroupMembers = ListView<Task, &proto::TaskRecord::group_link>;
using SessionMembers = ListView<Task, &proto::TaskRecord::session_link>;

// The numbers that clone3's set_tid asks for, the innermost namespace's first.
struct WantedNumbers {
  const int32_t* numbers = nullptr;
  size_t count = 0;
  bool permitted = false;  // CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN
};

// Hash and lists; the initial namespace. Part of InitTasks().
void InitPidTables();
void InitPidNamespaces();
PidNamespace& InitialPidNamespace();

// ---- Namespaces: pid_namespace.cc --------------------------------------------------------------
// An empty one below `parent`. Errors: ENOSPC (nested too deep), ENOMEM.
Result<Ref<PidNamespace>> MakePidNamespace(PidNamespace& parent);
// The init of a pid namespace ends, as the last of its group: kills everybody else in there and
// returns when they are gone (Linux: zap_pid_ns_processes). REQUIRES: called by that task.
void EndPidNamespace(Task& task);
inline Task* ReaperOf(const PidNamespace& space) {
  return static_cast<Task*>(reinterpret_cast<proto::TaskRecord*>(space.reaper));
}
inline void SetReaper(PidNamespace& space, Task* reaper) {
  space.reaper = reaper == nullptr ? 0 : AddressOf(static_cast<proto::TaskRecord*>(reaper));
}

// ---- Ids: pid.cc --------------------------------------------------------------------------------
// An id in `space`, with a number in every namespace above it too. Errors: ENOMEM (also: the init
// of the namespace is gone), EAGAIN (no number is free), EINVAL, EPERM, EEXIST (set_tid).
Result<Pid*> AllocatePid(PidNamespace& space, const WantedNumbers& wanted);
// Gives the numbers of an id back that never had a task.
void AbandonPid(Pid& pid);
// The id that has `number` in `space`; nullptr: none.
Pid* FindPid(uint32_t number, const PidNamespace& space);
// By the number in the initial namespace.
inline Pid* FindGlobalPid(uint32_t number) { return FindPid(number, InitialPidNamespace()); }
inline Task* TaskOf(const Pid* pid) {
  return pid == nullptr ? nullptr
                        : static_cast<Task*>(reinterpret_cast<proto::TaskRecord*>(pid->task));
}
// The thread that has `number` in `space`; nullptr: none.
inline Task* FindTaskIn(uint32_t number, const PidNamespace& space) {
  return TaskOf(FindPid(number, space));
}

// `task` has the id that it was made with; a leader is in its group and session too.
void AttachIds(Task& task);
// A dead task has no id any more, nor group and session.
void DetachIds(Task& task);
// execve by another thread than the leader: they swap ids, `task` takes the leader's place in group
// and session.
void ExchangeIds(Task& task, Task& leader);
// All threads of the process.
void SetGroup(Task& leader, Pid& group);
void SetSession(Task& leader, Pid& session);

// ---- What a task is called where ------------------------------------------------------------
// The namespace that a task lives in; REQUIRES: it has not been released.
inline PidNamespace& ActivePidNamespace(const Task& task) { return task.id().space(); }
// Numbers in `space`; 0: cannot be seen from there.
inline uint32_t PidIn(const Task& task, const PidNamespace& space) {
  return task.id().NumberIn(space);
}
inline uint32_t TgidIn(const Task& task, const PidNamespace& space) {
  return task.leader()->id().NumberIn(space);
}
inline uint32_t PgidIn(const Task& task, const PidNamespace& space) {
  return task.signal().group->NumberIn(space);
}
inline uint32_t SidIn(const Task& task, const PidNamespace& space) {
  return task.signal().session->NumberIn(space);
}
// What a thread calls itself.
inline uint32_t OwnTid(const Task& task) { return PidIn(task, ActivePidNamespace(task)); }
// Of the parent's process; 0 for who has none in `space`.
uint32_t PpidIn(const Task& task, const PidNamespace& space);
// The thread that `caller` calls `number`; nullptr: none.
inline Task* FindTaskFor(const Task& caller, uint32_t number) {
  return FindTaskIn(number, ActivePidNamespace(caller));
}
// The number in the initial namespace of what `caller` calls `number`; 0: there is nothing.
uint32_t GlobalNumberFor(const Task& caller, uint32_t number);

}  // namespace fv::guest
