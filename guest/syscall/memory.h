// SPDX-License-Identifier: Apache-2.0
//
// What the system calls of the memory family share.
#pragma once

#include <asm/resource.h>
#include <linux/capability.h>

#include "guest/mm/mm.h"
#include "guest/task/task.h"

namespace fv::guest::sys {

// The caller's address space, told the caller's limits as they are now.
inline Mm& CallerMm(Task& task) {
  Mm& mm = *task.mm();
  mm.limits.address_space = task.rlimit(RLIMIT_AS);
  mm.limits.data = task.rlimit(RLIMIT_DATA);
  mm.limits.stack = task.rlimit(RLIMIT_STACK);
  mm.limits.locked = task.Capable(CAP_IPC_LOCK) ? kNoLimit : task.rlimit(RLIMIT_MEMLOCK);
  mm.limits.privilege = CommitPrivilegeOf(task);
  return mm;
}

}  // namespace fv::guest::sys
