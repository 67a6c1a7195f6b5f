// SPDX-License-Identifier: Apache-2.0
//
// Pid namespaces: making them, and their end (pid_namespaces(7)). A namespace lives as long as an
// id in it, a namespace below it, a task whose children would go there, a mounted /proc or an open
// file refers to it; it takes processes as long as its init does.
// Locking: the list and the counts by pidmap_lock.

#include "guest/introspect/introspect.h"
#include "guest/mm/slab.h"
#include "guest/task/lifecycle.h"
#include "guest/task/namespaces.h"
#include "guest/task/pid.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

constinit SlabCache<PidNamespace> g_spaces("pid_namespace");
constinit proto::Link g_list{0, 0};
constinit PidNamespace* g_initial = nullptr;

using AllSpaces = ListView<PidNamespace, &proto::PidNamespaceRecord::spaces>;

PidNamespace* NewSpace(PidNamespace* parent, uint32_t inode) {
  PidNamespace* space = g_spaces.New();
  if (space == nullptr) {
    return nullptr;
  }
  space->magic = proto::kPidNamespaceMagic;
  space->refs = 1;
  space->inode = inode;
  if (parent != nullptr) {
    parent->AddRef();
    space->level = parent->level + 1;
    space->PidNamespaceRecord::parent = AddressOf(static_cast<proto::PidNamespaceRecord*>(parent));
  }
  AllSpaces(g_list).PushBack(*space);
  return space;
}

void KillOthers(const Task& task, const PidNamespace& space) {
  for (uint32_t number = space.map.NextInUse(1); number != 0;
       number = space.map.NextInUse(number + 1)) {
    Task* other = FindTaskIn(number, space);
    if (other != nullptr && other->tgid != task.tgid) {
      (void)SendSignal(*other, KernelSignal(kSigKill)).ok();
    }
  }
}

}  // namespace

void PidNamespace::Release() {
  // Each level held the one above: no recursion for a chain of them.
  for (PidNamespace* at = this; at != nullptr && --at->refs == 0;) {
    PidNamespace* above = at->parent();
    AllSpaces::Remove(*at);
    at->magic = 0;
    g_spaces.Delete(at);
    at = above;
  }
}

void InitPidNamespaces() {
  g_spaces.Register();
  InitHead(g_list);
  Channel().pid_namespaces = AddressOf(&g_list);
  g_initial = NewSpace(nullptr, kFirstPidInode);
  if (g_initial == nullptr) {
    Panic("no memory for the first pid namespace");
  }
}

PidNamespace& InitialPidNamespace() { return *g_initial; }

Result<Ref<PidNamespace>> MakePidNamespace(PidNamespace& parent) {
  if (parent.level >= kMaxPidLevel) {
    return Error(ENOSPC);
  }
  PidNamespace* space = NewSpace(&parent, NewNamespaceInode());
  if (space == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<PidNamespace>::Adopt(space);
}

void EndPidNamespace(Task& task) {
  PidNamespace& space = ActivePidNamespace(task);
  space.closed = true;
  // Children that die from now on, or come as orphans, need nobody to wait for them.
  task.sighand().Of(kSigChld).handler = kSigIgn;
  KillOthers(task, space);
  const uint32_t own_ids = task.IsLeader() ? 1 : 2;  // a leader that died before is a zombie still
  (void)WaitUntil(
      task.signal().child_exit, kNoDeadline,
      [&] {
        while (Task* child = ZombieChildOf(*task.leader())) {
          ReleaseTask(*child);
        }
        return space.ids <= own_ids;
      },
      WaitKind::kUninterruptible)
      .ok();
  if (space.reboot_signal != 0) {
    task.leader()->exit_code = static_cast<uint32_t>(space.reboot_signal);
  }
}

}  // namespace fv::guest
