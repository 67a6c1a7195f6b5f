// SPDX-License-Identifier: Apache-2.0
//
// The answers to what /proc asks about tasks (guest/fs/proc_source.h).

#include <linux/capability.h>

#include "guest/arch/arch.h"
#include "guest/fs/proc_source.h"
#include "guest/fs/task_hooks.h"
#include "guest/fs/tty.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/string.h"
#include "guest/mm/mm.h"
#include "guest/task/cred.h"
#include "guest/task/lifecycle.h"
#include "guest/task/oom.h"
#include "guest/task/pid.h"
#include "guest/task/priority.h"
#include "guest/task/sched.h"
#include "guest/task/sched_internal.h"
#include "guest/task/system.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

char StateLetter(const Task& task) {
  switch (task.state) {
    case proto::TaskState::kRunning:
    case proto::TaskState::kNew:
      return 'R';
    case proto::TaskState::kInterruptible:
      return 'S';
    case proto::TaskState::kUninterruptible:
      return 'D';
    case proto::TaskState::kStopped:
      return 'T';
    case proto::TaskState::kZombie:
      return 'Z';
    case proto::TaskState::kDead:
      return 'X';
  }
  return '?';
}

const PidNamespace& SpaceOf(const PidNamespace* reader) {
  return reader == nullptr ? InitialPidNamespace() : *reader;
}

uint32_t CountThreads(Task& task) {
  uint32_t count = 0;
  ForEachThread(task, [&count](Task& /*thread*/) { ++count; });
  return count;
}

void FillSignals(Task& task, TaskInfo& out) {
  out.pending = task.pending.set;
  out.shared_pending = task.signal().shared_pending.set;
  out.blocked = task.blocked;
  for (int signo = 1; signo <= kSignalCount; ++signo) {
    const uint64_t handler = task.sighand().Of(signo).handler;
    if (handler == kSigIgn) {
      out.ignored |= SigBit(signo);
    } else if (handler != kSigDfl) {
      out.caught |= SigBit(signo);
    }
  }
  out.queued_signals = task.cred().user->signals;
  out.queued_signal_limit = task.rlimit(kRlimitSigpending);
}

void FillCredentials(const Credentials& cred, TaskInfo& out) {
  out.uid = cred.uid;
  out.euid = cred.euid;
  out.suid = cred.suid;
  out.fsuid = cred.fsuid;
  out.gid = cred.gid;
  out.egid = cred.egid;
  out.sgid = cred.sgid;
  out.fsgid = cred.fsgid;
  constexpr uint32_t kMost = sizeof(out.groups) / sizeof(out.groups[0]);
  out.group_count = cred.groups->count < kMost ? cred.groups->count : kMost;
  memcpy(out.groups, cred.groups->gids, out.group_count * sizeof(uint32_t));
  out.cap_inheritable = cred.cap_inheritable;
  out.cap_permitted = cred.cap_permitted;
  out.cap_effective = cred.cap_effective;
  out.cap_bounding = cred.cap_bounding;
  out.cap_ambient = cred.cap_ambient;
}

void FillTimes(Task& task, TaskInfo& out) {
  const TaskTimes times = task.IsLeader() ? GroupTimes(task) : task.times;
  const TaskTimes& children = task.signal().children;
  out.minor_faults = times.minor_faults;
  out.major_faults = times.major_faults;
  out.child_minor_faults = children.minor_faults;
  out.child_major_faults = children.major_faults;
  out.user_ns = times.utime_ns;
  out.system_ns = times.stime_ns;
  out.child_user_ns = children.utime_ns;
  out.child_system_ns = children.stime_ns;
  out.read_bytes = times.read_bytes;
  out.written_bytes = times.written_bytes;
  out.reads = times.reads;
  out.writes = times.writes;
  out.start_ns = task.start_ns;
  out.voluntary_switches = task.times.voluntary_switches;
  out.involuntary_switches = task.times.involuntary_switches;
}

void FillScheduling(const Task& task, TaskInfo& out) {
  out.nice = task.nice;
  out.policy = static_cast<uint32_t>(task.policy);
  out.rt_priority = task.rt_priority;
  out.priority = Priority(task) - kFirstNormalPriority;
}

void FillMemory(const Task& task, TaskInfo& out) {
  const Mm* mm = task.mm();
  if (mm == nullptr) {
    return;
  }
  out.argument_start = mm->arg_start;
  out.argument_end = mm->arg_end;
  out.environment_start = mm->env_start;
  out.environment_end = mm->env_end;
}

}  // namespace

uint32_t NextTgid(const PidNamespace* reader, uint32_t after) {
  const PidNamespace& space = SpaceOf(reader);
  for (uint32_t at = space.map.NextInUse(after + 1); at != 0; at = space.map.NextInUse(at + 1)) {
    const Task* task = FindTaskIn(at, space);
    if (task != nullptr && task->IsLeader()) {
      return at;
    }
  }
  return 0;
}

uint32_t NextTid(const PidNamespace* reader, uint32_t tgid, uint32_t after) {
  const PidNamespace& space = SpaceOf(reader);
  Task* leader = FindProcess(tgid);
  uint32_t best = 0;
  if (leader != nullptr) {
    ForEachThread(*leader, [&best, &space, after](Task& thread) {
      const uint32_t number = PidIn(thread, space);
      if (number > after && (best == 0 || number < best)) {
        best = number;
      }
    });
  }
  return best;
}

uint32_t TidFromReader(const PidNamespace* reader, uint32_t number) {
  const Task* task = FindTaskIn(number, SpaceOf(reader));
  return task == nullptr ? 0 : task->pid;
}

uint32_t NumberForReader(const PidNamespace* reader, uint32_t id) {
  const Pid* pid = FindGlobalPid(id);
  return pid == nullptr ? 0 : pid->NumberIn(SpaceOf(reader));
}

bool FillTaskIds(uint32_t tid, const PidNamespace* reader, TaskIds& out) {
  const PidNamespace& space = SpaceOf(reader);
  const Task* task = FindTask(tid);
  out = TaskIds{};
  if (task == nullptr || PidIn(*task, space) == 0) {
    return false;
  }
  out.pid = PidIn(*task, space);
  out.tgid = TgidIn(*task, space);
  out.ppid = PpidIn(*task, space);
  out.pgid = PgidIn(*task, space);
  out.sid = SidIn(*task, space);
  const Pid& id = task->id();
  for (uint32_t level = space.level; level <= id.level; ++level) {
    const PidNamespace& at = id.SpaceAt(level);
    out.ns_tgid[out.levels] = TgidIn(*task, at);
    out.ns_pid[out.levels] = PidIn(*task, at);
    out.ns_pgid[out.levels] = PgidIn(*task, at);
    out.ns_sid[out.levels++] = SidIn(*task, at);
  }
  return true;
}

bool TaskExists(uint32_t tid) { return FindTask(tid) != nullptr; }

bool FillTaskInfo(uint32_t tid, TaskInfo& out) {
  Task* found = FindTask(tid);
  if (found == nullptr) {
    return false;
  }
  Task& task = *found;
  out = TaskInfo{};
  out.pid = task.pid;
  out.tgid = task.tgid;
  out.ppid = task.parent() == nullptr ? 0 : task.parent()->tgid;
  out.pgid = task.pgid;
  out.sid = task.sid;
  memcpy(out.comm, task.comm, sizeof(out.comm));
  out.state = StateLetter(task);
  out.flags = task.flags & ~proto::kTaskParentExeced;
  out.exit_signal = task.exit_signal;
  out.exit_code = task.exit_code;
  const bool has_tty = (task.signal().flags & kSignalHasTty) != 0;
  if (const Tty* tty = has_tty ? TtyOfSession(task.sid) : nullptr; tty != nullptr) {
    out.tty_device = static_cast<uint32_t>(tty->device());
    out.tty_foreground = tty->foreground;
  }
  out.threads = CountThreads(task);
  out.personality = task.personality;
  out.timer_slack_ns = task.timer_slack_ns;
  out.no_new_privs = task.no_new_privs;
  out.dumpable = task.dumpable != 0;
  out.kernel_task = (task.flags & kPfKthread) != 0;
  out.oom_score_adj = task.signal().oom_score_adj;
  out.oom_score = OomScore(task);
  for (unsigned i = 0; i < kRlimitCount; ++i) {
    out.rlimit_cur[i] = task.signal().rlimits[i].soft;
    out.rlimit_max[i] = task.signal().rlimits[i].hard;
  }
  FillScheduling(task, out);
  FillTimes(task, out);
  FillSignals(task, out);
  FillCredentials(task.cred(), out);
  FillMemory(task, out);
  return true;
}

bool MayInspectTask(uint32_t tid) {
  const Task* task = FindTask(tid);
  if (task == nullptr) {
    return false;
  }
  const Task& caller = *CurrentTask();
  const Credentials& mine = caller.cred();
  const Credentials& theirs = task->cred();
  if (task->tgid == caller.tgid || mine.Capable(CAP_SYS_PTRACE)) {
    return true;
  }
  const bool same_ids = mine.fsuid == theirs.euid && mine.fsuid == theirs.suid &&
                        mine.fsuid == theirs.uid && mine.fsgid == theirs.egid &&
                        mine.fsgid == theirs.sgid && mine.fsgid == theirs.gid;
  return same_ids && task->dumpable == 1;
}

namespace {
// A task that the caller may look into. Errors: ESRCH, EACCES.
Result<Task*> Inspectable(uint32_t tid) {
  Task* task = FindTask(tid);
  if (task == nullptr) {
    return Error(ESRCH);
  }
  if (!MayInspectTask(tid)) {
    return Error(EACCES);
  }
  return task;
}
}  // namespace

Result<Mm*> GetTaskMm(uint32_t tid) {
  Task* task = TRY(Inspectable(tid));
  Mm* mm = task->mm();
  if (mm != nullptr) {
    mm->Get();
  }
  return mm;
}

Result<Ref<FdTable>> GetTaskFiles(uint32_t tid) {
  Task* task = TRY(Inspectable(tid));
  if (task->files_or_null() == nullptr) {
    return Error(ENOENT);
  }
  return Ref<FdTable>(task->files());
}

Result<Ref<FsContext>> GetTaskFs(uint32_t tid) {
  Task* task = TRY(Inspectable(tid));
  if (task->fs_or_null() == nullptr) {
    return Error(ENOENT);
  }
  return Ref<FsContext>(task->fs());
}

Result<Ref<Dentry>> GetTaskExe(uint32_t tid) {
  Task* task = TRY(Inspectable(tid));
  if (task->exe_file() == nullptr) {
    return Error(ENOENT);
  }
  return Ref<Dentry>(task->exe_file()->dentry());
}

Result<TaskSyscall> GetTaskSyscall(uint32_t tid) {
  Task* task = FindTask(tid);
  if (task == nullptr) {
    return Error(ESRCH);
  }
  if (!MayInspectTask(tid)) {
    return Error(EPERM);
  }
  TaskSyscall at;
  if (task->state == proto::TaskState::kZombie || task->mm() == nullptr) {
    return at;
  }
  if (task != CurrentTask() && task->state == proto::TaskState::kRunning) {
    at.running = true;
    return at;
  }
  const TrapFrame& frame = task->frame();
  at.number = static_cast<int64_t>(frame.orig_rax);
  const uint64_t arguments[] = {frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9};
  memcpy(at.arguments, arguments, sizeof(arguments));
  at.stack = frame.rsp;
  at.instruction = frame.rip;
  return at;
}

Status SetTaskOomScoreAdj(uint32_t tid, int32_t value) {
  Task* task = FindTask(tid);
  if (task == nullptr) {
    return Error(ESRCH);
  }
  SignalStruct& signal = task->signal();
  const bool privileged = CurrentTask()->Capable(CAP_SYS_RESOURCE);
  if (value < signal.least_oom_score_adj && !privileged) {
    return Error(EACCES);
  }
  signal.oom_score_adj = value;
  if (privileged) {
    signal.least_oom_score_adj = value;
  }
  return Ok();
}

Status SetTaskTimerSlack(uint32_t tid, uint64_t ns) {
  Task* task = FindTask(tid);
  if (task == nullptr) {
    return Error(ESRCH);
  }
  if (task != CurrentTask() && !CurrentTask()->Capable(CAP_SYS_NICE)) {
    return Error(EPERM);
  }
  SetTimerSlack(*task, ns);
  return Ok();
}

Status SetTaskComm(uint32_t tid, const char* name, uint32_t length) {
  Task* task = FindTask(tid);
  if (task == nullptr) {
    return Error(ESRCH);
  }
  if (task->tgid != CurrentTask()->tgid) {
    return Error(EINVAL);
  }
  memset(task->comm, 0, sizeof(task->comm));
  memcpy(task->comm, name, length < sizeof(task->comm) ? length : sizeof(task->comm) - 1);
  return Ok();
}

uint32_t CurrentTid() { return CurrentTask()->pid; }

void SetSystemName(SystemNameField field, const char* name, size_t length) {
  Utsname& names = CurrentTask()->uts->name;
  char(&place)[kUtsFieldBytes] = field == SystemNameField::kHost ? names.node : names.domain;
  memset(place, 0, sizeof(place));
  memcpy(place, name, length < sizeof(place) ? length : sizeof(place) - 1);
}

void SetPidMax(uint32_t limit) { CurrentPidNamespace()->map.SetLimit(limit); }

void FillSystemInfo(SystemInfo& out) {
  out = SystemInfo{};
  out.uptime_ns = MonotonicNs();
  uint64_t busy = 0;
  for (const Task& task : AllTasks()) {
    out.user_ns += task.times.utime_ns;
    out.system_ns += task.times.stime_ns;
    busy += task.times.utime_ns + task.times.stime_ns;
    out.running += task.state == proto::TaskState::kRunning ? 1 : 0;
    out.blocked += task.state == proto::TaskState::kUninterruptible ? 1 : 0;
    ++out.total_tasks;
  }
  out.idle_ns = out.uptime_ns > busy ? out.uptime_ns - busy : 0;
  out.context_switches = ThisCpu().switches;
  out.forks = Channel().total_forks;
  out.last_pid = CurrentPidNamespace()->map.last();
  out.max_threads = MaxThreads();
  out.pid_max = CurrentPidNamespace()->map.limit();
  memcpy(out.hostname, CurrentTask()->uts->name.node, sizeof(out.hostname));
  memcpy(out.domainname, CurrentTask()->uts->name.domain, sizeof(out.domainname));
  memcpy(out.release, CurrentTask()->uts->name.release, sizeof(out.release));
  memcpy(out.version, CurrentTask()->uts->name.version, sizeof(out.version));
}

}  // namespace fv::guest
