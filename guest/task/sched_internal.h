// SPDX-License-Identifier: Apache-2.0
//
// The scheduler's side doors for guest/task itself: boot, fork, exec, exit and the trap hooks.
#pragma once

#include <cstdint>

namespace fv::guest {

class Task;

// RLIMIT_* of <asm/resource.h>, where that header would collide with the C library's in tests.
inline constexpr unsigned kRlimitCpu = 0;
inline constexpr unsigned kRlimitStack = 3;
inline constexpr unsigned kRlimitCore = 4;
inline constexpr unsigned kRlimitNproc = 6;
inline constexpr unsigned kRlimitSigpending = 11;

// `idle` becomes the current task of this CPU; the run queue is empty.
void InitScheduler(Task& idle);
Task* IdleTask();
// Waiting on the run queue, the running one not counted.
uint32_t RunnableTasks();

// User code of `task` runs next: its page-table root and kernel stack. REQUIRES: it has an mm.
void InstallUserContext(Task& task);
// Copies FPU state and segment bases from the CPU if it holds those of `task`.
void SaveUserRegisters(Task& task);
// exec: the CPU was loaded with the registers of `task`.
void SetUserRegistersOwner(Task* task);
// `task` is about to be freed or has no use for its registers any more.
void ForgetUserRegisters(Task& task);

// First thing after a switch, also on a new task's stack: drops the task that died before it.
void FinishSwitch();
void SchedulerTick();
// Continues a task that a job-control stop holds.
void WakeStopped(Task& task);
// Gives back the kernel stack of a task that will not run again.
void FreeTaskStack(Task& task);

}  // namespace fv::guest
