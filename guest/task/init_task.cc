// SPDX-License-Identifier: Apache-2.0
//
// The kernel's own tasks: idle (pid 0, on no list), init (pid 1: an orphanage that reaps), and the
// birth of the first program (pid 2) from BootInfo. When pid 2 ends, init kills what is left, reaps
// it, and tells the host.

#include <asm/resource.h>
#include <linux/fcntl.h>

#include "guest/arch/arch.h"
#include "guest/fs/console.h"
#include "guest/fs/fd_table.h"
#include "guest/fs/fs_context.h"
#include "guest/fs/path.h"
#include "guest/introspect/introspect.h"
#include "guest/ipc/futex.h"
#include "guest/ipc/futex_pi.h"
#include "guest/lib/block_counters.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/mm/slab.h"
#include "guest/task/cred.h"
#include "guest/task/exec.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/random.h"
#include "guest/task/sched.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

constexpr uint32_t kFirstProgram = 2;
// Statuses of a program that could not be started, as shells report it.
constexpr uint32_t kNotFound = 127u << 8;
constexpr uint32_t kNotExecutable = 126u << 8;

constinit KernelContext g_boot_context{};
constinit Task* g_init = nullptr;

const char* ArgsText(uint64_t gpa) { return reinterpret_cast<const char*>(proto::DirectMap(gpa)); }

// argv or envp from the args block: pointers to `count` strings from string `first` on.
const char** CollectStrings(uint32_t first, uint32_t count) {
  auto** pointers = static_cast<const char**>(KernelAllocate((count + 1) * sizeof(char*)));
  if (pointers == nullptr) {
    Panic("no memory for the first program's arguments");
  }
  const char* at = ArgsText(Boot().args_gpa);
  for (uint32_t i = 0; i < first + count; ++i) {
    if (i >= first) {
      pointers[i - first] = at;
    }
    at += strlen(at) + 1;
  }
  pointers[count] = nullptr;
  return pointers;
}

Status OpenFirstFiles(Task& task) {
  task.set_files(TRY(FdTable::Create()).Leak());
  TRY(OpenConsole(task.files()));
  task.set_fs(TRY(FsContext::Create(RootDentry(), Boot().umask)).Leak());
  if (Boot().cwd_gpa != 0) {
    const PathCaller caller{task.fs(), task.cred(), nullptr};
    Result<Ref<Dentry>> cwd =
        Lookup(caller, AT_FDCWD, ArgsText(Boot().cwd_gpa), kLookupFollow | kLookupDirectory);
    if (!cwd.ok()) {
      Log("cannot run in %s: error %d\n", ArgsText(Boot().cwd_gpa), cwd.error().number());
      return cwd.error();
    }
    task.fs().cwd = cwd.take();
  }
  return Ok();
}

Status ExecFirst() {
  const proto::BootInfo& boot = Boot();
  const char** argv = CollectStrings(0, boot.argc);
  const char** envp = CollectStrings(boot.argc, boot.envc);
  ExecRequest request{};
  request.dirfd = AT_FDCWD;
  request.path = boot.exec_gpa != 0 ? ArgsText(boot.exec_gpa) : boot.argc > 0 ? argv[0] : "";
  request.lookup_flags = kLookupFollow;
  request.arguments.kernel = argv;
  request.arguments.count = boot.argc;
  request.environment.kernel = envp;
  request.environment.count = boot.envc;
  Status status = ExecProgram(request);
  if (!status.ok()) {
    Log("cannot run %s: error %d\n", request.path, status.error().number());
  }
  KernelFree(argv, (boot.argc + 1) * sizeof(char*));
  KernelFree(envp, (boot.envc + 1) * sizeof(char*));
  return status;
}

// Pid 2 until its exec: still a kernel task.
void FirstProgram(void* /*unused*/) {
  FinishSwitch();
  Task& task = *CurrentTask();
  task.flags &= ~static_cast<uint32_t>(kPfKthread);
  Status status = OpenFirstFiles(task);
  if (status.ok()) {
    status = ExecFirst();
  }
  if (!status.ok()) {
    DoExit(status.error().number() == ENOENT ? kNotFound : kNotExecutable);
  }
  ClearBlockCounters();
  ReachMoment(proto::FailTrigger::kStart, 0);
  ReturnFromFork(nullptr);
}

// Reaps every zombie child; returns true and the status once pid 2 was among them.
bool ReapChildren(Task& init, uint32_t& status) {
  bool first_ended = false;
  while (Task* child = ZombieChildOf(init)) {
    if (child->pid == kFirstProgram) {
      status = child->exit_code;
      first_ended = true;
    }
    ReleaseTask(*child);
  }
  return first_ended;
}

void KillEverybody() {
  for (Task& task : AllTasks()) {
    if (task.pid != 1 && task.IsLeader()) {
      (void)SendSignal(task, KernelSignal(kSigKill)).ok();
    }
  }
}

void WaitForChildren(Task& init) {
  (void)WaitUntil(
      init.signal().child_exit, kNoDeadline,
      [&init] {
        return ZombieChildOf(init) != nullptr || init.children.next == AddressOf(&init.children);
      },
      WaitKind::kUninterruptible)
      .ok();
}

void InitLoop(void* /*unused*/) {
  FinishSwitch();
  Task& init = *CurrentTask();
  uint32_t status = 0;
  bool ended = false;
  while (!ended) {
    WaitForChildren(init);
    ended = ReapChildren(init, status);
  }
  while (ThreadCount() > 1) {
    KillEverybody();
    WaitForChildren(init);
    ReapChildren(init, status);
  }
  Channel().exit_status = status;
  SafepointIfOwed();
  Safepoint(proto::SafepointKind::kFinal);
  for (;;) {
    RingDoorbell(proto::DoorbellWord(proto::DoorbellReason::kDone, 0));
  }
}

// Waits at the doorbell whenever nothing can run (HLT, as it were).
void IdleLoop(void* /*unused*/) {
  FinishSwitch();
  for (;;) {
    ExpireTimers();
    ConsolePoll();
    if (RunnableTasks() > 0) {
      Schedule();
      continue;
    }
    SafepointIfOwed();
    const uint64_t next = NextTimerNs();
    // With a virtual clock the host is asked for input that is there, and waits for nothing.
    const bool jump = ClockIsVirtual() && next != kNoDeadline;
    constexpr uint64_t kLongAgo = 1;
    Channel().idle_deadline_tsc = next == kNoDeadline ? 0 : jump ? kLongAgo : TscOfMonotonic(next);
    RingDoorbell(proto::DoorbellWord(proto::DoorbellReason::kIdle, 0));
    ConsolePoll();
    if (jump && RunnableTasks() == 0) {
      AdvanceClockTo(next);
    }
  }
}

void SetName(Task& task, const char* name) { memcpy(task.comm, name, strlen(name) + 1); }

}  // namespace

void InitTasks() {
  InitTaskTables();
  InitPidTables();
  InitPidNamespaces();
  InitNamespaces();
  InitCredentials();
  InitSignals();
  InitTimers();
  InitRandom(Boot().random_seed);
  InitFutexes();
  InitPiFutexes();
  Result<Task*> idle = AllocateTask();
  if (!idle.ok()) {
    Panic("no memory for the idle task");
  }
  Task& task = *idle.value();
  task.TaskRecord::leader = AddressOf(&task);
  task.flags = kPfKthread;
  task.policy = SchedPolicy::kIdle;
  SetName(task, "idle");
  InitKernelStack(task.stack, &task, task.context, IdleLoop, nullptr);
  InitScheduler(task);
}

Task* StartInit() {
  Result<Task*> init = MakeKernelTask(InitLoop, nullptr);
  if (!init.ok()) {
    Panic("no memory for init");
  }
  g_init = init.value();
  SetName(*g_init, "init");
  g_init->signal().flags |= kSignalUnkillable;
  SetReaper(InitialPidNamespace(), g_init);
  Channel().init_task = AddressOf(g_init);
  Result<Task*> first = MakeKernelTask(FirstProgram, g_init);
  if (!first.ok()) {
    Panic("no memory for the first program");
  }
  Task& task = *first.value();
  SetName(task, "first");
  SetSession(task, *g_init->signal().session);
  constexpr uint32_t kAnyTty =
      proto::kBootStdinIsTty | proto::kBootStdoutIsTty | proto::kBootStderrIsTty;
  if ((Boot().flags & kAnyTty) != 0) {
    task.signal().flags |= kSignalHasTty;
  }
  SetConsoleForeground(task.pgid, task.sid);
  // Init goes to sleep before any program runs: a failed fork is judged by a step in which nobody
  // else does anything.
  WakeUpNewTask(*g_init);
  WakeUpNewTask(task);
  return g_init;
}

void StartScheduler() {
  SwitchContext(g_boot_context, IdleTask()->context);
  Panic("the boot stack ran again");
}

}  // namespace fv::guest
