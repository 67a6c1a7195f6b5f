// SPDX-License-Identifier: Apache-2.0
//
// What the files of guest/task share about the making and unmaking of tasks: caches, kernel stacks,
// the pid hash and family links.
// Locking: the tasklist lock for links and hash; the caches lock themselves.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/task/task.h"

namespace fv::guest {

// ---- Storage ----------------------------------------------------------------------------------
// A task (state kNew, usage 2: one for itself, one for release) with a kernel stack whose canary
// stands. Errors: ENOMEM.
Result<Task*> AllocateTask();
// Gives the task an FPU area in the state of a new program. Errors: ENOMEM.
Status AllocateFpu(Task& task);
// For the host, in the word of the task's kernel stack behind those of guest/arch/arch.h: where its
// floating-point registers are saved; nullptr: the CPU has them.
inline void TellSavedFpu(const Task& task, const void* area) {
  reinterpret_cast<const void**>(task.stack)[3] = area;
}
Sighand* NewSighand();  // nullptr: no memory
void PutSighand(Sighand* sighand);
SignalStruct* NewSignalStruct();
void PutSignalStruct(SignalStruct* signal);

// ---- Identity and links -------------------------------------------------------------------------
// Caches, list heads, channel roots; part of InitTasks().
void InitTaskTables();
void HashTask(Task& task);
void UnhashTask(Task& task);
// On the list of all tasks and in the counts.
void PublishTask(Task& task);
void WithdrawTask(Task& task);
void SetParent(Task& child, Task& parent);

uint64_t MaxThreads();  // limit of nr_threads (F02, F07)
uint64_t ThreadCount();

// Calls f(Task&) for every thread of the group of `task`.
template <typename F>
void ForEachThread(Task& task, F f) {
  Task* at = &task;
  do {
    Task* next = &NextThread(*at);
    f(*at);
    at = next;
  } while (at != &task);
}

// The initial limits of pid 1 (Linux's INIT_RLIMITS, with F02's numbers).
void SetInitialLimits(SignalStruct& signal);

}  // namespace fv::guest
