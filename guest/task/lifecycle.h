// SPDX-License-Identifier: Apache-2.0
//
// Beginning and end of tasks: fork, exit, release (Linux's names).
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/task/clone_args.h"
#include "guest/task/signal.h"

namespace fv::guest {

class Mm;
class Task;

// ---- fork.cc ------------------------------------------------------------------------------------
// A child of the current task as `args` says, not yet running: published (task list, pid hash,
// family) as the last step. Errors: EAGAIN, ENOMEM, EINVAL, EEXIST, EFAULT, kErestartNoIntr.
Result<Task*> CopyProcess(const CloneArgs& args);
// The whole system call: child made, woken, vfork waited for. Returns the child's pid.
Result<uint64_t> KernelClone(const CloneArgs& args);
// A kernel thread (no address space) that runs `entry`; for pid 1 and the first program.
Result<Task*> MakeKernelTask(void (*entry)(void*), Task* parent);

// ---- exit.cc ------------------------------------------------------------------------------------
// Ends the current task with a wait status (exit(2): code << 8; a signal: its number).
[[noreturn]] void DoExit(uint32_t status);
// Ends the whole thread group of the current task (exit_group(2), fatal signals).
[[noreturn]] void DoGroupExit(uint32_t status);
// The address space is about to change or go: robust futexes, clear_child_tid, vfork's parent.
void MmRelease(Task& task);
// Drops descriptors, working directory and executable.
void ExitFiles(Task& task);

// ---- release.cc --------------------------------------------------------------------------------
// A dead task leaves every list and gives up its pid; freed when its last reference goes.
void ReleaseTask(Task& task);
// Tells the parent (signal, wake-up). True: nobody will wait, release at once.
bool DoNotifyParent(Task& task, int signo);
void NotifyParentOfStop(Task& task, SigChldCode why);
// The children of a thread that ends go to another one of its process.
void HandChildrenOver(Task& thread);
// Gives the children of a dead group to a subreaper or init.
void ForgetOriginalParent(Task& leader);
// No member of the process group other than `ignored` has a parent that could continue it.
bool WillBecomeOrphaned(uint32_t pgid, const Task* ignored);
bool HasStoppedJobs(uint32_t pgid);
// A child that can be waited for, being dead with all its threads; nullptr: none.
Task* ZombieChildOf(Task& parent);
// Whether only `task` is left of its thread group.
bool GroupIsEmpty(Task& task);

// ---- unshare.cc: a private copy of what is shared -----------------------------------------------
Status UnshareFiles(Task& task);
Status UnshareFs(Task& task);

uint64_t MaxRss(uint64_t so_far, const Mm& mm);
// The usage of a whole group: its dead threads and the living ones.
TaskTimes GroupTimes(Task& task);

}  // namespace fv::guest
