// SPDX-License-Identifier: Apache-2.0
//
// Signals, timers and credentials with every allocation of the kernel failing in turn. Standard
// signals always arrive, at worst without their siginfo; what sigqueue(3) sends is refused when
// there is no memory for it (EAGAIN). See guest/user/lib/fail.h.
#include <grp.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "guest/user/lib/fail.h"

static volatile sig_atomic_t arrived;
static void Count(int signal_number) {
  (void)signal_number;
  ++arrived;
}

static void Handlers(void) {
  Handle(SIGUSR1, Count, 0);
  Handle(SIGRTMIN + 1, Count, 0);
  Handle(SIGCHLD, Count, 0);
  Handle(SIGALRM, Count, 0);
}

// Sends with the signal blocked, so that it is queued; then it has to arrive.
static long Sent(int signal_number, long (*send)(int)) {
  sigset_t before = Block(signal_number);
  int count = arrived;
  long result = FAILING(send(signal_number));
  CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
  CHECK_INT(arrived - count, result == 0);
  return result;
}

static long KillSelf(int signal_number) { return kill(getpid(), signal_number); }
static long Tgkill(int signal_number) {
  return syscall(SYS_tgkill, getpid(), getpid(), signal_number);
}
static long Sigqueue(int signal_number) {
  union sigval value = {.sival_int = 7};
  return sigqueue(getpid(), signal_number, value);
}

static long KillStandard(void) { return Sent(SIGUSR1, KillSelf); }
static long KillRealtime(void) { return Sent(SIGRTMIN + 1, KillSelf); }
static long TgkillStandard(void) { return Sent(SIGUSR1, Tgkill); }
static long SigqueueStandard(void) { return Sent(SIGUSR1, Sigqueue); }
static long SigqueueRealtime(void) { return Sent(SIGRTMIN + 1, Sigqueue); }

// From queue to handler and back.
static long Deliver(void) {
  int count = arrived;
  long result = FAILING(raise(SIGUSR1));
  CHECK_INT(arrived - count, 1);
  return result;
}

// A handler runs for a fault too, unless there is no page for its frame: then the fault kills.
static long DeliverFault(void) {
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) {
    Handle(SIGSEGV, _exit, 0);
    FailBegin();
    static volatile int* volatile nowhere = (volatile int*)8;
    *nowhere = 1;
    _exit(98);
  }
  long status = FailEnd(WaitShell(pid));
  CHECK(status == SIGSEGV || (fv_fail_hit && status == 128 + SIGSEGV));
  return 0;
}

// The parent learns that its child has ended.
static long ChildEnds(void) {
  sigset_t before = Block(SIGCHLD);
  int count = arrived;
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) {
    FailBegin();
    _exit(3);
  }
  CHECK_INT(FailEnd(WaitShell(pid)), 3);
  CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
  CHECK_INT(arrived - count, 1);
  return 0;
}

static long TimerCreate(void) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  long result = FAILING(timer_create(CLOCK_MONOTONIC, &event, &timer));
  if (result == 0) CHECK_INT(timer_delete(timer), 0);
  return result;
}

// A timer that expires always tells, whatever the queue has room for.
static long TimerExpires(void) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
  struct itimerspec soon = {{0, 0}, {0, 1000}};
  sigset_t before = Block(SIGRTMIN + 1);
  int count = arrived;
  CHECK_INT(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  FailBegin();
  CHECK_INT(timer_settime(timer, 0, &soon, NULL), 0);
  while (arrived == count) sigsuspend(&before);
  (void)FailEnd(0);
  CHECK_INT(timer_delete(timer), 0);
  CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
  return 0;
}

static long AlarmArrives(void) {
  struct itimerval soon = {{0, 0}, {0, 1}};
  sigset_t before = Block(SIGALRM);
  int count = arrived;
  FailBegin();
  CHECK_INT(setitimer(ITIMER_REAL, &soon, NULL), 0);
  while (arrived == count) sigsuspend(&before);
  (void)FailEnd(0);
  CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
  return 0;
}

// Credentials of children: raw calls, as the C library would change every thread.
static bool IsRoot(void) { return geteuid() == 0; }
static long SetuidHere(void) { return FAILING(syscall(SYS_setuid, 4242)); }
static long Setuid(void) { return IsRoot() ? InChild(SetuidHere) : 0; }
static long SetresgidHere(void) { return FAILING(syscall(SYS_setresgid, 5, 6, 7)); }
static long Setresgid(void) { return IsRoot() ? InChild(SetresgidHere) : 0; }
static long SetgroupsHere(void) {
  static gid_t groups[300];
  for (size_t i = 0; i < COUNT(groups); ++i) groups[i] = (gid_t)(1000 - i);
  return FAILING(syscall(SYS_setgroups, COUNT(groups), groups));
}
static long Setgroups(void) { return IsRoot() ? InChild(SetgroupsHere) : 0; }
static long KeepCapsHere(void) { return FAILING(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)); }
static long KeepCaps(void) { return InChild(KeepCapsHere); }
static long CapsetHere(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2];
  memset(none, 0, sizeof(none));
  return FAILING(syscall(SYS_capset, &header, none));
}
static long Capset(void) { return InChild(CapsetHere); }

static const FailCase kCases[] = {
    {"kill", KillStandard, Handlers, {0}},
    {"kill_realtime", KillRealtime, Handlers, {0}},
    {"tgkill", TgkillStandard, Handlers, {0}},
    {"sigqueue_standard", SigqueueStandard, Handlers, {0}},
    {"sigqueue_realtime", SigqueueRealtime, Handlers, {EAGAIN}},
    {"deliver", Deliver, Handlers, {0}},
    {"deliver_fault", DeliverFault, NULL, {0}},
    {"child_ends", ChildEnds, Handlers, {0}},
    {"timer_create", TimerCreate, NULL, {EAGAIN}},
    {"timer_expires", TimerExpires, Handlers, {0}},
    {"alarm", AlarmArrives, Handlers, {0}},
    {"setuid", Setuid, NULL, {ENOMEM, EAGAIN}},
    {"setresgid", Setresgid, NULL, {ENOMEM}},
    {"setgroups", Setgroups, NULL, {ENOMEM}},
    {"set_keepcaps", KeepCaps, NULL, {ENOMEM}},
    {"capset", Capset, NULL, {ENOMEM}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
