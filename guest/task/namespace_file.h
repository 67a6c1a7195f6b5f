// SPDX-License-Identifier: Apache-2.0
//
// Namespaces as files (namespaces(7), ioctl_ns(2)): what the links in /proc/PID/ns lead to. An open
// one keeps its namespace alive and is what setns(2) takes.
#pragma once

#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/fs/file.h"
#include "guest/lib/result.h"
#include "guest/task/namespaces.h"

namespace fv::guest {

// A namespace, or those that setns(2) takes from a process; what it is not is null.
struct NamespaceTarget {
  uint64_t kind = 0;  // of a single one: CLONE_NEWUTS, CLONE_NEWPID, CLONE_NEWNS
  Ref<UtsNamespace> uts;
  Ref<PidNamespace> pid;
};

// The namespace that an open file stands for; nullptr: it is no such file.
const NamespaceTarget* NamespaceOf(File& file);

// Makes what `target` has the namespaces of `task`. Errors: EPERM, EINVAL (a pid namespace that is
// not below the caller's own; a mount namespace).
Status EnterNamespaces(Task& task, const NamespaceTarget& target);

}  // namespace fv::guest
