// SPDX-License-Identifier: Apache-2.0
//
// Switching between tasks, and the sleeping hooks of guest/lib/wait_queue.h. What belongs to one
// CPU is in PerCpu behind Cpu(); interrupts are always off here.

#include "guest/task/sched.h"

#include "guest/fs/console.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/mm/mm.h"
#include "guest/task/cpu_timer.h"
#include "guest/task/priority.h"
#include "guest/task/sched_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

struct PerCpu {
  proto::CpuRecord record;
  RunQueue queue;
  Task* idle;
  Task* registers_of;  // whose FPU state and FS/GS bases the CPU holds
  Task* leaving;       // ran before the last switch; dropped if it is dead
};
constinit PerCpu g_cpu{};

PerCpu& Cpu() { return g_cpu; }

bool NeedsCpuTick(const Task& task) {
  const SignalStruct& group = task.signal();
  return group.virtual_timer.left_ns != 0 || group.prof_timer.left_ns != 0 || CpuTimersArmed() ||
         group.rlimits[kRlimitCpu].soft != kRlimitInfinity;
}

// The host injects ticks only while somebody may have to be preempted or has a CPU-time timer.
void UpdateTickWanted() {
  const Task* current = CurrentTask();
  const bool wanted = current != Cpu().idle && current->TaskRecord::signal != 0 &&
                      (Cpu().queue.size() > 0 || NeedsCpuTick(*current));
  Channel().tick_wanted = wanted ? 1 : 0;
}

// Loads what user code of `task` needs and no trap frame holds. The kernel uses none of it, so a
// task that comes back finds its own registers still there.
void LoadUserRegisters(Task& task) {
  PerCpu& cpu = Cpu();
  if (cpu.registers_of == &task) {
    return;
  }
  if (Task* owner = cpu.registers_of) {
    SaveUserRegisters(*owner);
  }
  RestoreFpu(task.fpu);
  WriteFsBase(task.fs_base);
  WriteGsBase(task.gs_base);
  SetUserRegistersOwner(&task);
}

void SwitchTo(Task& from, Task& to) {
  PerCpu& cpu = Cpu();
  ++cpu.record.switches;
  EmitEvent(proto::EventKind::kSwitch, from.pid, to.pid, to.TaskRecord::mm);
  const uint64_t now = ReadTsc();
  from.times.stime_ns += NsOfTsc(now - from.mark_tsc);
  to.mark_tsc = now;
  cpu.record.current = AddressOf(&to);
  cpu.leaving = &from;
  from.rseq_interrupted = from.rseq_area != 0;
  if (to.mm() != nullptr) {
    LoadUserRegisters(to);
    InstallUserContext(to);
  }
  UpdateTickWanted();
  SwitchContext(from.context, to.context);
  FinishSwitch();
}

bool Outranks(const Task& task, const Task& other) {
  return RunsRealtime(task) && Priority(task) < Priority(other);
}

// It runs until it blocks or somebody of higher priority comes.
bool RunsWithoutSlice(const Task& task) {
  return RunsRealtime(task) && task.policy != SchedPolicy::kRr;
}

void MakeRunnable(Task& task) {
  task.state = proto::TaskState::kRunning;
  Task& current = *CurrentTask();
  if (&task == &current || IsLinked(task.run_link)) {
    return;
  }
  Cpu().queue.Enqueue(task);
  if (&current == Cpu().idle || Outranks(task, current)) {
    current.need_resched = true;
  }
  UpdateTickWanted();
}

void SleepExpired(Timer& timer) {
  Task& task = TimerOwner<Task, &Task::sleep_timer>(timer);
  task.timed_out = true;
  WakeTask(task);
}

}  // namespace

proto::CpuRecord& ThisCpu() { return Cpu().record; }
Task* CurrentTask() { return reinterpret_cast<Task*>(Cpu().record.current); }
Task* IdleTask() { return Cpu().idle; }
uint32_t RunnableTasks() { return Cpu().queue.size(); }

void InitScheduler(Task& idle) {
  PerCpu& cpu = Cpu();
  cpu.queue.Init();
  cpu.idle = &idle;
  cpu.record.idle = AddressOf(&idle);
  cpu.record.current = AddressOf(&idle);
  Channel().cpus = AddressOf(&cpu.record);
  Channel().cpu_count = 1;
}

void InstallUserContext(Task& task) {
  SetUserContext(task.mm()->root_gpa, task.stack);
  Cpu().record.loaded_root = task.mm()->root_gpa;
}

void SaveUserRegisters(Task& task) {
  if (Cpu().registers_of == &task) {
    SaveFpu(task.fpu);
    task.fs_base = ReadFsBase();
    task.gs_base = ReadGsBase();
  }
}

void SetUserRegistersOwner(Task* task) {
  Task*& owner = Cpu().registers_of;
  if (owner != nullptr) {
    TellSavedFpu(*owner, owner->fpu);
  }
  if (task != nullptr) {
    TellSavedFpu(*task, nullptr);
  }
  owner = task;
}

void ForgetUserRegisters(Task& task) {
  if (Cpu().registers_of == &task) {
    Cpu().registers_of = nullptr;
  }
}

void FinishSwitch() {
  Task* leaving = Cpu().leaving;
  Cpu().leaving = nullptr;
  if (leaving != nullptr &&
      (leaving->state == proto::TaskState::kZombie || leaving->state == proto::TaskState::kDead)) {
    FreeTaskStack(*leaving);
    PutTask(*leaving);
  }
}

void Schedule() {
  PerCpu& cpu = Cpu();
  Task& from = *CurrentTask();
  from.need_resched = false;
  if (from.state == proto::TaskState::kRunning && &from != cpu.idle) {
    // A preempted SCHED_FIFO task keeps its place; everybody else goes to the back.
    const bool keeps_place = RunsWithoutSlice(from);
    cpu.queue.Enqueue(from, keeps_place ? RunQueue::Where::kFront : RunQueue::Where::kBack);
    ++from.times.involuntary_switches;
  } else {
    ++from.times.voluntary_switches;
  }
  Task* next = cpu.queue.TakeNext();
  if (next == nullptr) {
    next = cpu.idle;
  }
  next->slice_ticks = SliceTicks(next->nice);
  if (next == &from) {
    UpdateTickWanted();
    return;
  }
  SwitchTo(from, *next);
}

void YieldCurrent() {
  Task& task = *CurrentTask();
  if (Cpu().queue.size() == 0) {
    return;
  }
  // Behind its equals, also for SCHED_FIFO.
  task.need_resched = false;
  Cpu().queue.Enqueue(task);
  Task* next = Cpu().queue.TakeNext();
  next->slice_ticks = SliceTicks(next->nice);
  if (next != &task) {
    SwitchTo(task, *next);
  }
}

void WakeUpNewTask(Task& task) {
  task.slice_ticks = SliceTicks(task.nice);
  MakeRunnable(task);
}

bool NeedResched() { return CurrentTask()->need_resched; }

void Requeue(Task& task) {
  if (IsLinked(task.run_link)) {
    Cpu().queue.Dequeue(task);
    Cpu().queue.Enqueue(task);
  }
  Task* next = Cpu().queue.Peek();
  if (next != nullptr && Outranks(*next, *CurrentTask())) {
    CurrentTask()->need_resched = true;
  }
}

void RefreshTick() { UpdateTickWanted(); }

void SchedulerTick() {
  Task& task = *CurrentTask();
  ++Cpu().record.ticks;
  if (task.slice_ticks > 0) {
    --task.slice_ticks;
  }
  if (task.slice_ticks == 0 && Cpu().queue.size() > 0 && !RunsWithoutSlice(task)) {
    task.need_resched = true;
  }
}

void AccountUserTime() {
  Task& task = *CurrentTask();
  const uint64_t now = ReadTsc();
  task.times.utime_ns += NsOfTsc(now - task.mark_tsc);
  task.mark_tsc = now;
}

void AccountKernelTime() {
  Task& task = *CurrentTask();
  const uint64_t now = ReadTsc();
  task.times.stime_ns += NsOfTsc(now - task.mark_tsc);
  task.mark_tsc = now;
}

// ---- Hooks of guest/lib/wait_queue.h ---------------------------------------------------------

void PrepareToWait(WaitKind kind) {
  Task& task = *CurrentTask();
  task.wait_kind = kind;
  task.timed_out = false;
  task.state = kind == WaitKind::kInterruptible ? proto::TaskState::kInterruptible
                                                : proto::TaskState::kUninterruptible;
}

bool ScheduleUntil(uint64_t deadline_ns) {
  Task& task = *CurrentTask();
  if (deadline_ns == kNoDeadline) {
    Schedule();
    return true;
  }
  if (deadline_ns <= MonotonicNs()) {
    task.state = proto::TaskState::kRunning;
    return false;
  }
  task.sleep_timer.fire = SleepExpired;
  ArmTimer(task.sleep_timer, deadline_ns);
  Schedule();
  CancelTimer(task.sleep_timer);
  return !task.timed_out;
}

void FinishWait() { CurrentTask()->state = proto::TaskState::kRunning; }

bool WaitInterrupted(WaitKind kind) {
  const Task& task = *CurrentTask();
  switch (kind) {
    case WaitKind::kInterruptible:
      return SignalPending(task);
    case WaitKind::kKillable:
      return FatalSignalPending(task);
    case WaitKind::kUninterruptible:
      return false;
  }
  return false;
}

void WakeTask(Task& task) {
  if (task.state == proto::TaskState::kInterruptible ||
      task.state == proto::TaskState::kUninterruptible) {
    MakeRunnable(task);
  }
}

void SignalWake(Task& task, SignalReach reach) {
  task.notified = true;
  const bool fatal = reach == SignalReach::kFatal;
  const bool sleeps_lightly = task.state == proto::TaskState::kInterruptible;
  const bool killable =
      task.state == proto::TaskState::kUninterruptible && task.wait_kind == WaitKind::kKillable;
  if (sleeps_lightly || (fatal && (killable || task.state == proto::TaskState::kStopped))) {
    MakeRunnable(task);
  }
}

void WakeStopped(Task& task) {
  if (task.state == proto::TaskState::kStopped) {
    MakeRunnable(task);
  }
}

}  // namespace fv::guest
