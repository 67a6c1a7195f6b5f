// SPDX-License-Identifier: Apache-2.0
//
// Signals between the files of guest/task: queues, group stops, what fork, exec and exit do to
// pending signals and handlers.
// Locking: the Sighand's siglock on several CPUs.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/task/signal.h"

namespace fv::guest {

struct TrapFrame;

// ---- signal_queue.cc ---------------------------------------------------------------------------
// Appends to `pending`, with the entry `reserved` if there is one. Errors: EAGAIN (a realtime
// signal that cannot be queued).
Status QueueSignal(Task& charged, SigPending& pending, const SigInfo& info,
                   SigQueueEntry* reserved);
// An entry for one signal at a time that will not fail for want of memory; nullptr: no memory, or
// RLIMIT_SIGPENDING. It may be queued again once it is on no queue. DropReserved gives it up, which
// does not take back a signal that is pending.
SigQueueEntry* ReserveSignal(Task& charged);
void DropReserved(SigQueueEntry& entry);
// Takes the next signal of `task`, the current one, that is in `wanted`; 0 if there is none.
int DequeueSignal(Task& task, SigSet wanted, SigInfo& info);
// The same for a handler or a default action: the instruction's own fault goes first, so that the
// frame has its place. If one may be delivered, the first of all faults is, though it be blocked: a
// program sees that of faults that it sends itself (Linux: dequeue_synchronous_signal).
int DequeueForDelivery(Task& task, SigInfo& info);
void FlushPending(SigPending& pending);
// Removes all of `signals` from the queue.
void RemovePending(SigPending& pending, SigSet signals);
void InitSignals();

// ---- signal_send.cc -----------------------------------------------------------------------------
enum class SignalScope : uint8_t { kThread, kGroup };
// As SendSignal and SendSignalToThread, with a reserved entry.
Status SendReserved(Task& target, const SigInfo& info, SignalScope scope, SigQueueEntry& entry);
// Whether the current task has signals to take, by its queue and its process's. A signal for the
// process notifies one thread; the others learn of it only when they look. (Linux:
// recalc_sigpending.)
void LookForSignals(Task& task);
// `task` was notified and takes none of `signals` any more: other threads are, in its place.
// (Linux: retarget_shared_pending.)
void RetargetSignals(Task& task, SigSet signals);
// SIGKILL for every other thread of the group; they are on their way out when this returns.
void ZapOtherThreads(Task& task);
bool IsDefaultIgnored(int signo);
bool IsDefaultStop(int signo);
bool IsDefaultCore(int signo);
// The action for `signo` is to ignore it (SIG_IGN, or SIG_DFL of such a signal, or init).
bool SignalIgnored(Task& task, int signo);
// What sigaction does when a signal becomes ignored: pending ones of all threads are dropped.
void DiscardIgnored(Task& task, int signo);

// ---- job_control.cc -----------------------------------------------------------------------------
// The current task stops with its group (SIGSTOP and its like arrived).
void BeginGroupStop(Task& task, int signo);
// Takes part in a stop that another thread began. Sleeps until continued or killed.
void DoStop(Task& task);
void LeaveGroupStop(Task& exiting);
void JoinGroupStop(Task& child);
// SIGCONT: wakes the stopped, tells the parent.
void ContinueGroup(Task& task);

// ---- signal_deliver.cc --------------------------------------------------------------------------
// Handles every deliverable signal of the current task; sets up handlers, restarts system calls.
// `frame` is the user state. May not return (fatal signals).
void DeliverSignals(TrapFrame& frame);
void ResetHandlers(Sighand& sighand);  // CLONE_CLEAR_SIGHAND
void ResetSignalsForExec(Task& task);  // handlers to default, ignored stay; altstack off

// ---- posix_timer.cc
// -------------------------------------------------------------------------------
void DropPosixTimers(SignalStruct& signal);

// ---- itimer.cc
// -------------------------------------------------------------------------------------- At a tick:
// charges CPU time to ITIMER_VIRTUAL, ITIMER_PROF and RLIMIT_CPU.
void ChargeCpuTimers(Task& task);

}  // namespace fv::guest
