// SPDX-License-Identifier: Apache-2.0
//
// Signals: what is pending where, sending, and delivery (signal(7)). A signal is pending for one
// thread (Task::pending) or for the whole group (SignalStruct::shared_pending); handlers belong to
// a Sighand, shared with CLONE_SIGHAND.
// Locking: siglock of the Sighand on several CPUs; one vCPU needs none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/list.h"
#include "guest/lib/result.h"
#include "guest/lib/wait_queue.h"
#include "guest/task/signal_abi.h"
#include "guest/task/timer.h"
#include "proto/process_records.h"

namespace fv::guest {

class Pid;
class Task;
struct TrapFrame;
struct UserAccount;
struct PosixTimer;

// One queued signal. Standard signals are queued at most once.
struct SigQueueEntry {
  proto::Link link{0, 0};
  UserAccount* user = nullptr;  // charged against RLIMIT_SIGPENDING
  bool reserved = false;        // a timer's own: it stays when the signal is taken
  SigInfo info;
};
static_assert(offsetof(SigQueueEntry, user) == offsetof(proto::SignalEntryRecord, user) &&
              offsetof(SigQueueEntry, reserved) == offsetof(proto::SignalEntryRecord, of_timer) &&
              offsetof(SigQueueEntry, info) == offsetof(proto::SignalEntryRecord, signo));

struct SigPending {
  SigSet set = 0;
  List<SigQueueEntry, &SigQueueEntry::link> queue;
};
static_assert(sizeof(SigPending) == sizeof(proto::PendingRecord));

// Signal handlers (Linux: struct sighand_struct).
struct Sighand {
  uint64_t magic = proto::kSighandMagic;
  uint32_t refs = 1;
  SigAction action[kSignalCount] = {};
  SigAction& Of(int signo) { return action[signo - 1]; }
};
static_assert(offsetof(Sighand, refs) == offsetof(proto::SighandRecord, refs) &&
              offsetof(Sighand, action) == offsetof(proto::SighandRecord, action) &&
              sizeof(Sighand) == sizeof(proto::SighandRecord));

inline constexpr unsigned kRlimitCount = proto::kLimits;
inline constexpr uint64_t kRlimitInfinity = ~uint64_t{0};
using Rlimit = proto::LimitRecord;

// Sums that wait and getrusage report; in ns and counts.
struct TaskTimes {
  uint64_t utime_ns = 0;
  uint64_t stime_ns = 0;
  uint64_t minor_faults = 0;
  uint64_t major_faults = 0;
  uint64_t voluntary_switches = 0;
  uint64_t involuntary_switches = 0;
  uint64_t max_rss_pages = 0;
  uint64_t read_bytes = 0;
  uint64_t written_bytes = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
  void Add(const TaskTimes& other) {
    utime_ns += other.utime_ns;
    stime_ns += other.stime_ns;
    minor_faults += other.minor_faults;
    major_faults += other.major_faults;
    voluntary_switches += other.voluntary_switches;
    involuntary_switches += other.involuntary_switches;
    read_bytes += other.read_bytes;
    written_bytes += other.written_bytes;
    reads += other.reads;
    writes += other.writes;
    max_rss_pages = max_rss_pages > other.max_rss_pages ? max_rss_pages : other.max_rss_pages;
  }
};

struct IntervalTimer {  // ITIMER_VIRTUAL and ITIMER_PROF: remaining CPU time, 0 = off
  uint64_t left_ns = 0;
  uint64_t interval_ns = 0;
};

enum SignalFlag : uint32_t {
  // The group is being killed; group_exit_code is its status.
  kSignalGroupExit = proto::kSignalFlagGroupExit,
  kSignalStopped = 1u << 1,     // a group stop is complete
  kSignalContinued = 1u << 2,   // continued since the parent last looked (WCONTINUED)
  kSignalUnkillable = 1u << 3,  // init: default actions do not apply
  kSignalChildSubreaper = 1u << 4,
  kSignalNotifyStop = 1u << 5,  // tell the parent CLD_STOPPED / CLD_CONTINUED soon
  kSignalHasTty = 1u << 6,      // the session's terminal is its controlling terminal
  kSignalOomVictim = 1u << 7,   // killed for its memory
};

// What the threads of a group share (Linux: struct signal_struct).
struct SignalStruct : proto::SignalRecord {
  uint32_t stop_count = 0;     // threads that still have to stop
  int32_t stop_signal = 0;     // of the stop in progress or complete
  bool stop_reported = false;  // the parent has waited for this stop
  Task* group_exec = nullptr;  // thread that kills the others in execve
  SigPending shared_pending;
  WaitQueue child_exit;  // parents in wait4 sleep here (Linux: wait_chldexit)
  WaitQueue exec_wait;   // the thread in group_exec waits here for the others to go
  TaskTimes dead_threads;
  TaskTimes children;  // waited-for children
  Timer real_timer;    // ITIMER_REAL and alarm
  uint64_t real_interval_ns = 0;
  IntervalTimer virtual_timer, prof_timer;
  uint32_t next_timer_id = 0;
  int32_t oom_score_adj = 0;
  int32_t least_oom_score_adj = 0;  // down to which anybody may set it: what the privileged set
  Task* leader = nullptr;
  uint32_t lost_foreground =
      0;                   // of a session leader: the group in front when its terminal hung up
  Pid* group = nullptr;    // process group and session: chains that the leader is in
  Pid* session = nullptr;  // (guest/task/pid.h)
};

// ---- Making siginfo -------------------------------------------------------------------------
SigInfo KernelSignal(int signo);                    // SI_KERNEL, as the kernel sends it
SigInfo UserSignal(int signo, const Task& sender);  // SI_USER, as kill(2)

// ---- Sending ---------------------------------------------------------------------------------
// To the thread group of `target`; any thread that lets it through takes it. Error: EAGAIN (queue
// of a realtime signal full).
// kYes: from an ancestor's pid namespace. SIGKILL and SIGSTOP then reach an init too, as they do
// from the kernel.
enum class SignalForce { kNo, kYes };
Status SendSignal(Task& target, const SigInfo& info, SignalForce force = SignalForce::kNo);
Status SendSignalToThread(Task& target, const SigInfo& info, SignalForce force = SignalForce::kNo);
// To every process of a process group; returns how many processes it was sent to.
unsigned SendSignalToGroup(uint32_t pgid, const SigInfo& info);
// A fault of the current task: cannot be blocked or ignored (Linux: force_sig_info).
void ForceSignal(const SigInfo& info);
void ForceFatalSignal(Task& task, int signo);
// SIGSEGV for the current task, whose memory failed the kernel on the way to a handler of `signo`
// (0: on another way). A handler of SIGSEGV that cannot be reached is not tried again (Linux:
// force_sigsegv).
void ForceSegv(Task& task, int signo);

// ---- Asking ----------------------------------------------------------------------------------
// A signal that is not blocked waits for delivery to `task`.
bool SignalPending(const Task& task);
bool FatalSignalPending(const Task& task);
// `task` would not see `signo` (job control of terminals asks).
bool SignalBlockedOrIgnored(Task& task, int signo);
// No member of the process group has a parent outside it in its session (setpgid(2), POSIX).
bool IsOrphanedGroup(uint32_t pgid);

// ---- Masks -----------------------------------------------------------------------------------
// The current task's mask; SIGKILL and SIGSTOP stay deliverable.
void SetBlocked(Task& task, SigSet mask);
// For pselect, ppoll, epoll_pwait, rt_sigsuspend: installs `mask` until the call returns; the old
// mask comes back after a handler that interrupts the call has run.
void SetTemporaryMask(Task& task, SigSet mask);
// The call ends without a signal: the old mask back at once.
void RestoreTemporaryMask(Task& task);

}  // namespace fv::guest
