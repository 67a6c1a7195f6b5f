// SPDX-License-Identifier: Apache-2.0
//
// The steps of a fork in which a child takes over a part of its parent, or a share in it. Each
// makes its part whole or leaves the child without it; CopyProcess undoes the parts of before
// (guest/task/fork.cc). `flags` are those of clone(2).
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/mm/fork.h"
#include "guest/task/clone_args.h"

namespace fv::guest {

class Task;

// A task with the fields that a child takes over; all others are fresh (F03, F08, F09, F14).
// ENOMEM.
Result<Task*> DupTaskStruct(const Task& parent);
// The parent's credentials; its user has one more process.
void CopyCreds(const Task& parent, Task& child);
// Descriptors, and the program's file. ENOMEM.
Status CopyFiles(uint64_t flags, const Task& parent, Task& child);
// Directories and umask. ENOMEM.
Status CopyFs(uint64_t flags, const Task& parent, Task& child);
// Handlers. ENOMEM.
Status CopySighand(uint64_t flags, const Task& parent, Task& child);
// What a thread group shares (F25): limits and adjustments are copied, timers and pending signals
// are not. ENOMEM.
Status CopySignal(uint64_t flags, const Task& parent, Task& child);
// The address space; `counts` tells what the copy took. ENOMEM.
Status CopyMm(const CloneArgs& args, Task& parent, Task& child, ForkCounts& counts);
// Registers: the parent's, but for what the call asked for and the 0 that the child sees (F29).
// EPERM: a thread block outside user memory.
Status CopyThread(const CloneArgs& args, Task& parent, Task& child);

}  // namespace fv::guest
