// SPDX-License-Identifier: Apache-2.0
//
// A set is copied as a whole before a task gets it, so that a failure leaves the task as it was.

#include "guest/task/namespaces.h"

#include <linux/capability.h>

#include "guest/lib/print.h"
#include "guest/mm/slab.h"
#include "guest/task/clone_args.h"
#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constinit SlabCache<UtsNamespace> g_uts_cache("uts_namespace");
constinit UtsNamespace* g_initial_uts = nullptr;
constexpr uint32_t kFirstDynamicInode = 0xF0000000;
constinit uint32_t g_next_inode = kFirstDynamicInode;

constexpr uint64_t kSupported = kCloneNewUts | kCloneNewPid;

}  // namespace

uint32_t NewNamespaceInode() { return g_next_inode++; }

void UtsNamespace::Release() {
  if (--refs_ == 0) {
    g_uts_cache.Delete(this);
  }
}

void InitNamespaces() {
  g_uts_cache.Register();
  g_initial_uts = g_uts_cache.New(FirstSystemName(), kFirstUtsInode);
  if (g_initial_uts == nullptr) {
    Panic("no memory for the first uts namespace");
  }
}

UtsNamespace& InitialUtsNamespace() { return *g_initial_uts; }

Result<Ref<UtsNamespace>> CopyUtsNamespace(const UtsNamespace& from) {
  UtsNamespace* copy = g_uts_cache.New(from.name, NewNamespaceInode());
  if (copy == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<UtsNamespace>::Adopt(copy);
}

Result<NamespaceSet> CopyNamespaces(uint64_t flags, const Task& task) {
  NamespaceSet set{task.uts, task.pid_for_children};
  if ((flags & kCloneNamespaces) == 0) {
    return set;
  }
  if ((flags & kCloneNewUser) != 0) {
    return Error(EINVAL);  // this one would need no privilege
  }
  if (!task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  if ((flags & kCloneNamespaces & ~kSupported) != 0) {
    return Error(EINVAL);
  }
  if ((flags & kCloneNewUts) != 0) {
    set.uts = TRY(CopyUtsNamespace(*task.uts));
  }
  if ((flags & kCloneNewPid) != 0) {
    if (task.pid_for_children.get() != &ActivePidNamespace(task)) {
      return Error(EINVAL);
    }
    set.pid_for_children = TRY(MakePidNamespace(*task.pid_for_children));
  }
  return set;
}

}  // namespace fv::guest
