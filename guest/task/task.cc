// SPDX-License-Identifier: Apache-2.0
//
// Caches of tasks and of what hangs on them, kernel stacks, the task list and the pid hash.

#include "guest/task/task.h"

#include <asm/resource.h>
#include <linux/capability.h>

#include "guest/fs/fd_table.h"
#include "guest/fs/fs_context.h"
#include "guest/fs/proc_source.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/print.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/mm/mm.h"
#include "guest/mm/slab.h"
#include "guest/task/cred.h"
#include "guest/task/io_context.h"
#include "guest/task/pid.h"
#include "guest/task/random.h"
#include "guest/task/sched_internal.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

constexpr unsigned kStackOrder = 2;
static_assert(proto::kPageBytes << kStackOrder == proto::kKernelStackBytes);
constexpr uint64_t kPidBuckets = 1024;

constinit SlabCache<Task> g_tasks("task_struct");
constinit SlabCache<Sighand> g_sighands("sighand_cache");
constinit SlabCache<SignalStruct> g_signals("signal_cache");
alignas(SlabCacheBase) unsigned char g_fpu_storage[sizeof(SlabCacheBase)];

constinit proto::Link g_task_list{0, 0};
constinit proto::Link g_pid_hash[kPidBuckets] = {};
constinit uint64_t g_max_threads = 0;

SlabCacheBase& FpuCache() { return *reinterpret_cast<SlabCacheBase*>(g_fpu_storage); }
using Bucket = ListView<Task, &proto::TaskRecord::pid_hash>;
Bucket BucketOf(uint32_t pid) { return Bucket(g_pid_hash[pid & (kPidBuckets - 1)]); }

// F04. Its lowest byte, the first in memory, is zero: no string that ran over copies it.
uint64_t NewCanary() {
  constexpr uint64_t kStringEnd = 0xFF;
  uint64_t canary;
  FillRandom(&canary, sizeof(canary));
  return canary & ~kStringEnd;
}

Status AllocateStack(Task& task) {
  const uint64_t pfn =
      TRY(AllocateFrames(kStackOrder, proto::FrameState::kKernelStack, AddressOf(&task)));
  task.stack = AddressOf(FrameData(pfn));
  InitKernelStack(task.stack, &task, task.context, ReturnFromFork, nullptr);
  SetStackCanary(task.stack, NewCanary());
  return Ok();
}

}  // namespace

CommitPrivilege CommitPrivilegeOf(const Task& task) {
  return task.Capable(CAP_SYS_ADMIN) ? CommitPrivilege::kAdmin : CommitPrivilege::kNone;
}

uint64_t MaxThreads() { return g_max_threads; }
Status SetMaxThreads(uint64_t count) {
  constexpr uint64_t kLeast = 20;
  if (count < kLeast || count >= kPidMax) {
    return Error(EINVAL);
  }
  g_max_threads = count;
  return Ok();
}
uint64_t ThreadCount() { return Channel().task_count; }

void InitTaskTables() {
  g_tasks.Register();
  g_sighands.Register();
  g_signals.Register();
  RegisterIoContexts();
  new (g_fpu_storage) SlabCacheBase("fpu_state", FpuBytes(), 64);
  FpuCache().Register();
  InitHead(g_task_list);
  for (proto::Link& bucket : g_pid_hash) {
    InitHead(bucket);
  }
  proto::ChannelHeader& channel = Channel();
  channel.tasks = AddressOf(&g_task_list);
  channel.pid_hash = AddressOf(g_pid_hash);
  channel.pid_buckets = kPidBuckets;
  channel.open_files = AddressOf(&OpenFiles());
  channel.fd_tables = AddressOf(&FdTables());
  channel.fs_contexts = AddressOf(&FsContexts());
  // Linux: an eighth of memory may be kernel stacks; at least 20 tasks (fork_init).
  const uint64_t by_memory = TotalFrames() / (8u << kStackOrder);
  g_max_threads = by_memory < 20 ? 20 : by_memory > kPidMax - 1 ? kPidMax - 1 : by_memory;
}

Result<Task*> AllocateTask() {
  Task* task = g_tasks.New();
  if (task == nullptr) {
    return Error(ENOMEM);
  }
  task->magic = proto::kTaskMagic;
  task->state = proto::TaskState::kNew;
  task->usage = 2;
  InitHead(task->group);
  InitHead(task->children);
  InitHead(task->pi_waiters);
  task->pending_at = AddressOf(&task->pending);
  task->sleep_timer_at = AddressOf(&task->sleep_timer);
  if (Status status = AllocateStack(*task); !status.ok()) {
    if (!HasMutant(Mutant::kFailKeepsRecord)) {
      g_tasks.Delete(task);
    }
    return status.error();
  }
  return task;
}

Status AllocateFpu(Task& task) {
  task.fpu = FpuCache().AllocateObject();
  if (task.fpu == nullptr) {
    return Error(ENOMEM);
  }
  InitFpu(task.fpu);
  TellSavedFpu(task, task.fpu);
  return Ok();
}

void FreeTaskStack(Task& task) {
  if (task.stack == 0) {
    return;
  }
  if (*reinterpret_cast<uint64_t*>(task.stack) != proto::kStackEndMagic) {
    Panic("I12: kernel stack of pid %u overran its end", task.pid);
  }
  if (!HasMutant(Mutant::kStackLeaked)) {
    FreeFrames(PfnOfPointer(reinterpret_cast<void*>(task.stack)), kStackOrder);
  }
  task.stack = 0;
}

void PutTask(Task& task) {
  if (--task.usage > 0) {
    return;
  }
  ForgetUserRegisters(task);
  FreeTaskStack(task);
  if (task.fpu != nullptr) {
    FpuCache().FreeObject(task.fpu);
  }
  if (!HasMutant(Mutant::kCredentialsLeaked)) {
    PutCredentials(task.credentials());
  }
  ExitIo(task);  // of a child that was never published
  task.magic = 0;
  g_tasks.Delete(&task);
}

Sighand* NewSighand() { return g_sighands.New(); }
void PutSighand(Sighand* sighand) {
  if (sighand != nullptr && --sighand->refs == 0) {
    g_sighands.Delete(sighand);
  }
}

SignalStruct* NewSignalStruct() {
  SignalStruct* signal = g_signals.New();
  if (signal != nullptr) {
    signal->magic = proto::kSignalMagic;
    signal->refs = signal->live = 1;
    InitHead(signal->posix_timers);
    signal->shared_pending_at = AddressOf(&signal->shared_pending);
    signal->child_exit_at = AddressOf(&signal->child_exit.waiters().head());
    signal->exec_wait_at = AddressOf(&signal->exec_wait.waiters().head());
    signal->real_timer_at = AddressOf(&signal->real_timer);
  }
  return signal;
}
void PutSignalStruct(SignalStruct* signal) {
  if (signal != nullptr && --signal->refs == 0) {
    CancelTimer(signal->real_timer);
    g_signals.Delete(signal);
  }
}

void HashTask(Task& task) { BucketOf(task.pid).PushFront(task); }
void UnhashTask(Task& task) { Bucket::Remove(task); }

void PublishTask(Task& task) {
  AllTasks().PushBack(task);
  ++Channel().task_count;
}

void WithdrawTask(Task& task) {
  ListView<Task, &proto::TaskRecord::tasks>::Remove(task);
  --Channel().task_count;
}

void SetParent(Task& child, Task& parent) {
  Unlink(child.sibling);
  child.TaskRecord::parent = AddressOf(&parent);
  ListView<Task, &proto::TaskRecord::sibling>(parent.children).PushBack(child);
}

Task* FindTask(uint32_t pid) {
  for (Task& task : BucketOf(pid)) {
    if (task.pid == pid) {
      return &task;
    }
  }
  return nullptr;
}

Task* FindProcess(uint32_t tgid) {
  Task* task = FindTask(tgid);
  return task != nullptr && task->IsLeader() ? task : nullptr;
}

ListView<Task, &Task::tasks> AllTasks() { return ListView<Task, &Task::tasks>(g_task_list); }

Task& NextThread(Task& task) {
  return *ListView<Task, &proto::TaskRecord::group>::FromLink(NextLink(task.group));
}

void SetDumpable(Task& task, uint8_t value) {
  Task* at = &task;
  do {
    at->dumpable = value;
    at = &NextThread(*at);
  } while (at != &task);
}

void SetInitialLimits(SignalStruct& signal) {
  constexpr uint64_t kStackSoft = uint64_t{8} * 1024 * 1024;
  constexpr uint64_t kMemlock = uint64_t{8} * 1024 * 1024;
  for (Rlimit& limit : signal.rlimits) {
    limit = {kRlimitInfinity, kRlimitInfinity};
  }
  signal.rlimits[RLIMIT_STACK].soft = kStackSoft;
  signal.rlimits[RLIMIT_CORE].soft = 0;
  signal.rlimits[RLIMIT_NOFILE] = {1024, 4096};
  signal.rlimits[RLIMIT_MEMLOCK] = {kMemlock, kMemlock};
  signal.rlimits[RLIMIT_MSGQUEUE] = {819200, 819200};
  signal.rlimits[RLIMIT_NICE] = {0, 0};
  signal.rlimits[RLIMIT_RTPRIO] = {0, 0};
  signal.rlimits[RLIMIT_NPROC] = {g_max_threads / 2, g_max_threads / 2};
  signal.rlimits[RLIMIT_SIGPENDING] = {g_max_threads / 2, g_max_threads / 2};
}

}  // namespace fv::guest
