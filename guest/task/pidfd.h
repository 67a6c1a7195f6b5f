// SPDX-License-Identifier: Apache-2.0
//
// pidfds (pidfd_open(2)): a descriptor that refers to a process and becomes readable when it ends.
#pragma once

#include <cstdint>

#include "guest/fs/fd_table.h"
#include "guest/lib/result.h"

namespace fv::guest {

class Task;

// A file for `task`. Errors: ENOMEM.
Result<Ref<File>> MakePidfd(Task& task, uint32_t flags);
// The task that a pidfd refers to, nullptr if `file` is no pidfd. Valid while the file is held; it
// may be dead.
Task* TaskOfPidfd(File& file);
// CLONE_PIDFD: makes one in `parent` and writes its number to user memory. Errors: EFAULT, EMFILE.
Status InstallPidfd(Task& parent, Task& child, uint64_t user_address);

}  // namespace fv::guest
