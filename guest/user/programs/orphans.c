// SPDX-License-Identifier: Apache-2.0
//
// Orphans: a child whose parent ends gets a new parent; with PR_SET_CHILD_SUBREAPER that is the
// nearest subreaper, who can wait for it; PR_SET_PDEATHSIG tells the child.
// Rows of docs/fork-features.md: F82 F86.
#include <poll.h>
#include <sys/prctl.h>

#include "guest/user/lib/proc.h"

typedef struct {
  volatile pid_t grandchild;
  volatile pid_t parent_before;
  volatile pid_t parent_after;
} Shared;

static Shared* shared;
static Baton gone, looked;

static void Grandchild(void) {
  shared->grandchild = getpid();
  shared->parent_before = getppid();
  Give(&looked);
  Take(&gone);
  shared->parent_after = getppid();
  _exit(17);
}

static void Middle(void* unused) {
  (void)unused;
  if (fork() == 0) Grandchild();
  Take(&looked);
}

static volatile sig_atomic_t got_signal;
static volatile int got_code, got_pid, got_uid;
static void OnSignal(int signal_number, siginfo_t* info, void* context) {
  (void)context;
  got_signal = signal_number;
  got_code = info->si_code;
  got_pid = info->si_pid;
  got_uid = (int)info->si_uid;
}

static void ParentDies(void* unused) {
  (void)unused;
  pid_t dying = getpid(), pid = fork();
  if (pid == 0) {
    HandleInfo(SIGUSR2, OnSignal, 0);
    sigset_t before = Block(SIGUSR2);
    CHECK_INT(prctl(PR_SET_PDEATHSIG, SIGUSR2), 0);
    int set = 0;
    CHECK_INT(prctl(PR_GET_PDEATHSIG, &set), 0);
    CHECK_INT(set, SIGUSR2);
    Give(&looked);
    while (!got_signal) sigsuspend(&before);
    CHECK_INT(got_code, SI_USER);  // as if the parent had sent it
    CHECK_INT(got_pid, dying);
    CHECK_INT(got_uid, getuid());
    _exit(fv_failures ? 99 : got_signal == SIGUSR2 ? 18 : 19);
  }
  shared->grandchild = pid;
  Take(&looked);
}

static void Zombie(void* unused) {
  (void)unused;
  pid_t pid = fork();
  if (pid == 0) _exit(55);
  shared->grandchild = pid;
  siginfo_t info;
  CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void Pauses(void* unused) {
  (void)unused;
  for (;;) pause();
}

static void LeavesOneToInit(void* unused) {
  (void)unused;
  pid_t middle = getpid();
  pid_t child = fork();
  if (child != 0) {
    shared->grandchild = child;
    return;
  }
  while (getppid() == middle) sched_yield();
  Take(&gone);
  _exit(0);
}

// A process of the group that init inherited ends: it was no link to a shell, so the group's
// stopped jobs are left alone.
static void InheritedByInit(void) {
  HandleInfo(SIGHUP, OnSignal, 0);
  got_signal = 0;
  pid_t stopped = Fork(Pauses, NULL);
  kill(stopped, SIGSTOP);
  int status = 0;
  CHECK_INT(waitpid(stopped, &status, WUNTRACED), stopped);
  CHECK(WIFSTOPPED(status));
  CHECK_INT(RunChild(LeavesOneToInit, NULL), 0);
  struct pollfd end = {(int)syscall(SYS_pidfd_open, shared->grandchild, 0), POLLIN, 0};
  Give(&gone);
  CHECK_INT(poll(&end, 1, -1), 1);  // not every init reaps
  close(end.fd);
  CHECK_INT(got_signal, 0);
  CHECK_INT(waitpid(stopped, &status, WNOHANG | WCONTINUED), 0);
  kill(stopped, SIGKILL);
  CHECK_INT(WaitShell(stopped), 128 + SIGKILL);
  Ok("no link to a shell");
}

int main(void) {
  shared = (Shared*)SharedMemory(4096);
  gone = MakeBaton();
  looked = MakeBaton();
  int is_reaper = -1;
  CHECK_INT(prctl(PR_GET_CHILD_SUBREAPER, &is_reaper), 0);
  CHECK_INT(is_reaper, 0);
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  CHECK_INT(prctl(PR_GET_CHILD_SUBREAPER, &is_reaper), 0);
  CHECK_INT(is_reaper, 1);
  pid_t middle = Fork(Middle, NULL);
  CHECK_INT(WaitShell(middle), 0);
  CHECK_INT(shared->parent_before, middle);
  Give(&gone);
  CHECK_INT(WaitShell(shared->grandchild), 17);
  CHECK_INT(shared->parent_after, getpid());
  Ok("adopted by the subreaper");
  CHECK_INT(RunChild(ParentDies, NULL), 0);
  CHECK_INT(WaitShell(shared->grandchild), 18);
  Ok("told of the parent's death");
  CHECK_INT(RunChild(Zombie, NULL), 0);
  CHECK_INT(WaitShell(shared->grandchild), 55);
  Ok("a zombie is adopted too");
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
  CHECK_ERR(wait(NULL), ECHILD);
  InheritedByInit();
  return Finish();
}
