// SPDX-License-Identifier: Apache-2.0
//
// The scheduler: one run queue a CPU, round robin with slices by nice value, SCHED_FIFO and
// SCHED_RR before everybody else. Preemption at the tick when a slice is used up and another task
// waits. The sleeping and waking hooks that the rest of the kernel uses stand in
// guest/lib/wait_queue.h. Locking: the run queue's lock on several CPUs; interrupts are off always.
#pragma once

#include <cstdint>

#include "guest/lib/wait_queue.h"
#include "guest/task/run_queue.h"
#include "proto/records.h"

namespace fv::guest {

class Task;

// This CPU's record; accessor for per-CPU data.
proto::CpuRecord& ThisCpu();

// Gives the CPU to the next runnable task (or the idle task). The caller stays runnable if its
// state is kRunning. Returns when it is switched to again.
void Schedule();
// sched_yield(2).
void YieldCurrent();
// First time on the run queue.
void WakeUpNewTask(Task& task);
// Something else should run before the current task returns to user code.
bool NeedResched();
// A signal may have to be noticed: wakes `task` if it sleeps in a way that this one interrupts.
enum class SignalReach { kCatchable, kFatal };
void SignalWake(Task& task, SignalReach reach);
// `policy`, `nice`, `rt_priority` or `inherited_priority` of a task changed.
void Requeue(Task& task);
// A CPU-time timer or limit of the current task was set: it needs the tick now.
void RefreshTick();
// Adds the running task's time since its last mark to user or kernel time.
void AccountUserTime();
void AccountKernelTime();

// One-shot event that one task waits for (vfork).
struct Completion {
  bool done = false;
  WaitQueue queue;
  void Complete() {
    done = true;
    queue.WakeAll();
  }
};

}  // namespace fv::guest
