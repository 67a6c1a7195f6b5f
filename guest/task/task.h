// SPDX-License-Identifier: Apache-2.0
//
// Task: a thread of a process (Linux: struct task_struct). Its first base is the record that the
// host reads (proto/records.h), so the host sees the kernel's own lists and counts.
//
// Life: CopyProcess makes it (kNew), publishes it last; DoExit makes it a zombie; ReleaseTask
// unlinks it; PutTask frees it when the last reference goes. A user's memory is reached through
// mm() only. Locking: task list, pid hash and family links: tasklist lock; the rest: the task
// itself.
#pragma once

#include <cstdint>

#include "guest/arch/arch.h"
#include "guest/lib/credentials.h"
#include "guest/lib/list.h"
#include "guest/lib/pid.h"
#include "guest/lib/wait_queue.h"
#include "guest/task/namespaces.h"
#include "guest/task/signal.h"
#include "guest/task/timer.h"
#include "proto/records.h"

namespace fv::guest {

class Mm;
class FdTable;
class File;
class FsContext;
struct Completion;
struct PiWaiter;
struct SemUndoList;
struct TaskIoContext;

// TaskRecord::flags; Linux's values (shown in /proc/PID/stat).
enum TaskFlag : uint32_t {
  kPfExiting = proto::kTaskExiting,
  kPfForkNoExec = 0x40,
  kPfSuperPriv = 0x100,
  kPfDumpCore = 0x200,
  kPfSignaled = 0x400,
  kPfKthread = 0x00200000,
};

// How an interrupted nanosleep, clock_nanosleep, poll or futex wait goes on (restart_syscall(2)).
struct RestartBlock {
  Result<uint64_t> (*resume)(Task& task) = nullptr;
  uint64_t args[5] = {};
};

enum class SchedPolicy : uint8_t { kOther = 0, kFifo = 1, kRr = 2, kBatch = 3, kIdle = 5 };

// Task::inherited_priority of a task that nobody waits for: behind every real one (priority.h).
inline constexpr uint8_t kNoInheritedPriority = 140;

class Task : public proto::TaskRecord {
 public:
  // ---- For the other subsystems --------------------------------------------------------------
  // The address space; nullptr for kernel tasks and after exit.
  Mm* mm() const { return reinterpret_cast<Mm*>(TaskRecord::mm); }
  // REQUIRES for the next two: the task has not exited (files_or_null() for /proc).
  FdTable& files() const { return *files_or_null(); }
  FsContext& fs() const { return *fs_or_null(); }
  FsContext* fs_or_null() const { return reinterpret_cast<FsContext*>(TaskRecord::fs); }
  FdTable* files_or_null() const { return reinterpret_cast<FdTable*>(TaskRecord::files); }
  const Credentials& cred() const { return *credentials(); }
  // Soft limit of RLIMIT_`kind` (<asm/resource.h>); kRlimitInfinity = none.
  uint64_t rlimit(unsigned kind) const { return signal().rlimits[kind].soft; }
  bool Capable(unsigned capability) const { return cred().Capable(capability); }

  // ---- Task's own ------------------------------------------------------------------------------
  SignalStruct& signal() const { return *reinterpret_cast<SignalStruct*>(TaskRecord::signal); }
  Sighand& sighand() const { return *reinterpret_cast<Sighand*>(TaskRecord::sighand); }
  bool has_sighand() const { return TaskRecord::sighand != 0; }
  Task* parent() const {
    return static_cast<Task*>(reinterpret_cast<TaskRecord*>(TaskRecord::parent));
  }
  Task* leader() const {
    return static_cast<Task*>(reinterpret_cast<TaskRecord*>(TaskRecord::leader));
  }
  bool IsLeader() const { return pid == tgid; }
  // REQUIRES: not the idle task, not released.
  Pid& id() const {
    return *static_cast<Pid*>(reinterpret_cast<proto::PidRecord*>(TaskRecord::id));
  }
  Credentials* credentials() const {
    return reinterpret_cast<Credentials*>(TaskRecord::credentials);
  }
  // The program's file (/proc/PID/exe); counted. nullptr for kernel tasks and after exit.
  File* exe_file() const { return reinterpret_cast<File*>(TaskRecord::exe_file); }
  Completion* vfork_done() const { return reinterpret_cast<Completion*>(TaskRecord::vfork_done); }
  TrapFrame& frame() const { return *TrapFrameOf(stack); }

  void set_mm(Mm* mm) { TaskRecord::mm = AddressOf(mm); }
  void set_files(FdTable* table) { TaskRecord::files = AddressOf(table); }
  void set_fs(FsContext* fs_context) { TaskRecord::fs = AddressOf(fs_context); }
  void set_credentials(Credentials* cred) { TaskRecord::credentials = AddressOf(cred); }
  void set_exe_file(File* file) { TaskRecord::exe_file = AddressOf(file); }
  void set_vfork_done(Completion* done) { TaskRecord::vfork_done = AddressOf(done); }

  // Context. Set by the scheduler and fork.
  KernelContext context;
  void* fpu = nullptr;  // FpuBytes(), 64-byte aligned; nullptr for kernel tasks
  uint64_t gs_base = 0;
  Ref<UtsNamespace> uts;               // null after exit
  Ref<PidNamespace> pid_for_children;  // null after exit

  // Scheduling (guest/task/sched.cc).
  proto::Link run_link{0, 0};
  Timer sleep_timer;
  SchedPolicy policy = SchedPolicy::kOther;
  bool reset_on_fork = false;
  bool need_resched = false;
  bool timed_out = false;  // the sleep ended by its deadline
  WaitKind wait_kind = WaitKind::kInterruptible;
  int8_t nice = 0;
  uint8_t rt_priority = 0;
  uint32_t slice_ticks = 0;  // left of its time slice
  uint64_t affinity = 1;

  // Priority-inheritance futexes (guest/ipc/futex_pi.cc).
  uint8_t inherited_priority = kNoInheritedPriority;
  proto::Link pi_waiters{0, 0};  // who waits for locks that this task holds
  PiWaiter* pi_blocked_on = nullptr;

  // Signals.
  SigSet real_blocked = 0;  // in sigtimedwait: the mask without the signals waited for
  SigSet saved_mask = 0;    // valid with restore_mask
  bool restore_mask = false;
  bool stop_pending = false;  // has to take part in a group stop
  bool notified = false;      // looks for signals before it goes on (Linux: TIF_SIGPENDING)
  SigPending pending;
  SigStack altstack{0, kSsDisable, 0, 0};
  uint64_t fault_address = 0;  // CR2 of the last fault, for signal frames
  RestartBlock restart;

  // Fork, exit, wait.
  uint64_t set_child_tid = 0;
  SemUndoList* sem_undo = nullptr;  // System V semaphores; counted
  int32_t pdeath_signal = 0;
  uint32_t forker = 0;         // thread it is the child of (__WNOTHREAD, pdeath_signal)
  bool exit_notified = false;  // the parent has been told
  bool no_new_privs = false;
  bool over_nproc = false;  // setuid went over RLIMIT_NPROC: the next execve looks again
  uint64_t rseq_area = 0;
  uint32_t rseq_bytes = 0;
  uint32_t rseq_signature = 0;
  bool rseq_interrupted = false;  // switched away from since it last ran user code
  uint32_t personality = 0;
  TaskIoContext* io_context = nullptr;  // counted; io_context.h
  uint64_t timer_slack_ns = 50000;
  uint64_t default_timer_slack_ns = 50000;
  uint8_t dumpable = 1;  // prctl(PR_SET_DUMPABLE)

  // Accounting.
  TaskTimes times;
  uint64_t start_ns = 0;  // monotonic
  uint64_t mark_tsc = 0;  // when the current user or kernel stretch began
  uint64_t charged_user_ns = 0, charged_kernel_ns = 0;  // seen by CPU-time timers
};

// ---- Looking up --------------------------------------------------------------------------------
// By the number in the initial namespace; for a program's numbers: FindTaskFor (guest/task/pid.h).
Task* FindTask(uint32_t pid);      // any thread; nullptr if none
Task* FindProcess(uint32_t tgid);  // leaders only
ListView<Task, &Task::tasks> AllTasks();
// The ring of a thread group: `task` and its siblings; returns `task` again at the end.
Task& NextThread(Task& task);

// What overcommit lets the task have (guest/mm/commit.h).
enum class CommitPrivilege : uint8_t;
CommitPrivilege CommitPrivilegeOf(const Task& task);

// Of all threads: on Linux it belongs to the address space.
void SetDumpable(Task& task, uint8_t value);

// ---- References --------------------------------------------------------------------------------
inline void GetTask(Task& task) { ++task.usage; }
void PutTask(Task& task);

// ---- Boot
// ---------------------------------------------------------------------------------------- After
// InitChannel, frames and slabs: caches, pid hash, idle task, channel roots.
void InitTasks();
// Makes pid 1, the in-kernel init: starts pid 2 from BootInfo, reaps, ends the run. Returns it.
Task* StartInit();
// Leaves the boot stack for the scheduler; kmain's last call.
[[noreturn]] void StartScheduler();

}  // namespace fv::guest
