// SPDX-License-Identifier: Apache-2.0
//
// What /proc asks about tasks, implemented by guest/task/proc_info.cc. fs formats; task fills in.
// Ids are those of the initial pid namespace, but for what says otherwise: a /proc shows the
// numbers of the namespace that it was mounted in, its `reader` (nullptr: the initial one).
#pragma once

#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/fs/fd_table.h"
#include "guest/fs/fs_context.h"
#include "guest/lib/pid.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"

namespace fv::guest {

class Mm;
class TextBuffer;

// A snapshot for /proc/PID/{stat,status,limits,...}. Times in ns.
struct TaskInfo {
  uint32_t pid, tgid, ppid, pgid, sid, tracer;
  char comm[16];
  char state;      // R S D T Z X as in proc(5)
  uint32_t flags;  // PF_*
  uint32_t exit_signal;
  uint32_t exit_code;   // wait status of a zombie
  uint32_t tty_device;  // controlling terminal; 0: none
  uint32_t tty_foreground;
  uint32_t threads;
  int32_t nice;
  int32_t priority;  // field 18: 20 + nice, or -1 - rt_priority; inherited ones count
  uint32_t rt_priority;
  uint32_t policy;
  uint32_t cpu;
  uint64_t minor_faults, child_minor_faults, major_faults, child_major_faults;
  uint64_t user_ns, system_ns, child_user_ns, child_system_ns;
  uint64_t start_ns;  // since boot
  uint64_t voluntary_switches, involuntary_switches;
  uint64_t read_bytes, written_bytes, reads, writes;  // of read(2), write(2) and their family
  uint64_t pending, shared_pending, blocked, ignored, caught;  // bit n-1: signal n
  uint32_t queued_signals;
  uint64_t queued_signal_limit;
  uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
  uint32_t group_count;
  uint32_t groups[32];  // the first group_count, at most 32
  uint64_t cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
  uint32_t personality;
  uint64_t timer_slack_ns;
  bool no_new_privs;
  bool dumpable;
  bool kernel_task;
  int32_t oom_score_adj;
  uint32_t oom_score;
  uint64_t rlimit_cur[16], rlimit_max[16];  // by RLIMIT_* number
  uint64_t argument_start, argument_end, environment_start, environment_end;
  uint64_t kernel_stack;  // 0
};

// The smallest thread-group id of `reader` greater than `after`, 0 if none.
uint32_t NextTgid(const PidNamespace* reader, uint32_t after);
// The smallest thread id of group `tgid` greater than `after`, 0 if none; `after` and the result
// are `reader`'s.
uint32_t NextTid(const PidNamespace* reader, uint32_t tgid, uint32_t after);
// The thread that `reader` calls `number`; 0: there is none.
uint32_t TidFromReader(const PidNamespace* reader, uint32_t number);
// What `reader` calls the task, process or group `id`; 0: it cannot be seen from there.
uint32_t NumberForReader(const PidNamespace* reader, uint32_t id);

// The ids of a task as `reader` calls them, and as each deeper namespace does that it is in.
struct TaskIds {
  uint32_t pid, tgid, ppid, pgid, sid;
  uint32_t levels;  // from `reader` to the task's own: of the arrays
  uint32_t ns_tgid[kMaxPidLevel + 1], ns_pid[kMaxPidLevel + 1];
  uint32_t ns_pgid[kMaxPidLevel + 1], ns_sid[kMaxPidLevel + 1];
};
// False: no such task, or `reader` cannot see it.
bool FillTaskIds(uint32_t tid, const PidNamespace* reader, TaskIds& out);
bool TaskExists(uint32_t tid);
// `tid` may be any thread's; false: no such task.
bool FillTaskInfo(uint32_t tid, TaskInfo& out);
// Errors of all: ESRCH (gone), EACCES (ptrace-access rule of proc(5)).
Result<Mm*> GetTaskMm(uint32_t tid);  // with a reference (Mm::Get), Put by the caller; null: none
Result<Ref<FdTable>> GetTaskFiles(uint32_t tid);  // ENOENT: a zombie has none
Result<Ref<FsContext>> GetTaskFs(uint32_t tid);   // the same
Result<Ref<Dentry>> GetTaskExe(uint32_t tid);     // ENOENT for kernel tasks and zombies
// What /proc/PID/ns/`name` leads to. ENOENT: a zombie, or a namespace without processes yet.
Result<Ref<Dentry>> GetTaskNamespace(uint32_t tid, const char* name);
// The caller may look into `tid` (PTRACE_MODE_READ_FSCREDS).
bool MayInspectTask(uint32_t tid);
// Where a task is in the kernel (proc_pid_syscall(5)).
struct TaskSyscall {
  bool running = false;  // or ready to: nothing else is known
  int64_t number = -1;   // -1: it is in none
  uint64_t arguments[6] = {};
  uint64_t stack = 0;
  uint64_t instruction = 0;
};
// Errors: ESRCH, EPERM.
Result<TaskSyscall> GetTaskSyscall(uint32_t tid);
Status SetTaskOomScoreAdj(uint32_t tid, int32_t value);  // EACCES
// 0: its default. Errors: EPERM (another's, without CAP_SYS_NICE), ESRCH.
Status SetTaskTimerSlack(uint32_t tid, uint64_t ns);
Status SetTaskComm(uint32_t tid, const char* name, uint32_t length);
uint32_t CurrentTid();

struct SystemInfo {
  uint64_t uptime_ns, idle_ns, user_ns, system_ns;
  uint64_t context_switches, forks;
  uint32_t running, blocked, total_tasks, last_pid;
  uint64_t max_threads;
  uint32_t pid_max;  // of the current task's pid namespace
  uint32_t load[3];  // fixed point, 11 bits of fraction (Linux: FSHIFT)
  char hostname[65], domainname[65];
  char release[65], version[65];  // uname(2)
};
void FillSystemInfo(SystemInfo& out);
// Host and domain name of the current task's uts namespace. Cut off where they end.
enum class SystemNameField { kHost, kDomain };
void SetSystemName(SystemNameField field, const char* name, size_t length);

// System V IPC (guest/ipc/sysv_proc.cc): a line an object, as in /proc/sysvipc; and the identifier
// that the next object gets if it is free, -1: any.
enum class IpcKind { kMsg, kSem, kShm };
void ShowIpcObjects(TextBuffer& out, IpcKind kind);
int& NextIpcId(IpcKind kind);

// kernel.threads-max: the most tasks at a time (SystemInfo::max_threads). Errors: EINVAL (fewer
// than 20, or more than there can be ids).
Status SetMaxThreads(uint64_t count);
// kernel.pid_max of the current task's pid namespace. REQUIRES: as PidMap::SetLimit.
void SetPidMax(uint32_t limit);

}  // namespace fv::guest
