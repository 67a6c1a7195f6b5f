// SPDX-License-Identifier: Apache-2.0
//
// pidfds (pidfd_open(2)): a descriptor that refers to a process, or to one thread, and becomes
// readable when it ends. It holds the id, whose task another thread's execve changes.
#pragma once

#include <cstdint>

#include "guest/fs/fd_table.h"
#include "guest/lib/result.h"

namespace fv::guest {

class Task;

// In the file's flags: it refers to the thread. Newer than the headers of this build (Linux 6.9).
inline constexpr uint32_t kPidfdThread = 0200;  // PIDFD_THREAD, which is O_EXCL

// `flags`: O_NONBLOCK, kPidfdThread. Errors: ENOMEM.
Result<Ref<File>> MakePidfd(Pid& pid, uint32_t flags);
// The id that a pidfd refers to, nullptr if `file` is no pidfd. Valid while the file is held. Its
// task (TaskOf) is nullptr once it was waited for.
Pid* PidOfPidfd(File& file);
// CLONE_PIDFD: makes one in `parent` and writes its number to user memory. `flags` as MakePidfd.
// Errors: EFAULT, EMFILE, ENOMEM.
Status InstallPidfd(Task& parent, Task& child, uint64_t user_address, uint32_t flags);

}  // namespace fv::guest
