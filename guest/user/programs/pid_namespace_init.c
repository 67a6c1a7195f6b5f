// SPDX-License-Identifier: Apache-2.0
//
// F33, the init of a pid namespace: which signals reach it from inside and from outside, orphans,
// kill(-1), its end, which is everybody's end, reboot(2) in there.
#include <linux/reboot.h>
#include <sys/prctl.h>

#include "guest/user/lib/namespaces.h"

static Baton ready, end;
static volatile sig_atomic_t handled;
static volatile pid_t from;

static void Note(int signo, siginfo_t* info, void* context) {
  (void)context;
  handled = signo;
  from = info->si_pid;
}

// ---- Signals from inside ------------------------------------------------------------------------
static void SignalsInit(void* unused) {
  (void)unused;
  const int kDeadly[] = {SIGKILL, SIGSTOP, SIGTERM, SIGINT, SIGSEGV, SIGTSTP, SIGRTMIN};
  for (size_t i = 0; i < sizeof(kDeadly) / sizeof(kDeadly[0]); ++i) {
    CHECK_INT(kill(1, kDeadly[i]), 0);
  }
  CHECK_INT(syscall(SYS_tgkill, 1, 1, SIGKILL), 0);
  CHECK_INT(kill(-1, SIGKILL), -1);  // nobody but init and this one
  CHECK_INT(errno, ESRCH);
  CHECK_INT(kill(1, SIGUSR1), 0);
}

static void SurvivesInside(void* unused) {
  (void)unused;
  HandleInfo(SIGUSR1, Note, 0);
  CHECK_INT(kill(1, SIGKILL), 0);
  CHECK_INT(kill(getpid(), SIGSTOP), 0);
  pid_t child = Fork(SignalsInit, NULL);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(handled, SIGUSR1);
  CHECK_INT(from, 2);
}

// ---- Signals from outside -----------------------------------------------------------------------
static void AwaitsSignal(void* unused) {
  (void)unused;
  HandleInfo(SIGUSR1, Note, 0);
  sigset_t none;
  sigemptyset(&none);
  Block(SIGUSR1);
  Give(&ready);
  while (!handled) sigsuspend(&none);
  CHECK_INT(from, 0);  // the sender has no number in here
  Give(&ready);
  Take(&end);
}

static void FromOutside(void) {
  pid_t init = CloneWith(CLONE_NEWPID, AwaitsSignal, NULL);
  Take(&ready);
  CHECK_INT(kill(init, SIGTERM), 0);  // no handler: means nothing
  CHECK_INT(kill(init, SIGUSR1), 0);
  Take(&ready);
  CHECK_INT(kill(init, SIGSTOP), 0);
  int status = 0;
  CHECK_INT(waitpid(init, &status, WUNTRACED), init);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  CHECK_INT(kill(init, SIGCONT), 0);
  CHECK_INT(waitpid(init, &status, WCONTINUED), init);
  CHECK(WIFCONTINUED(status));
  CHECK_INT(kill(init, SIGKILL), 0);
  CHECK_INT(WaitShell(init), 128 + SIGKILL);
}

// ---- Orphans ------------------------------------------------------------------------------------
static void Grandchild(void* unused) {
  (void)unused;
  while (getppid() != 1) sched_yield();
  _exit(33);
}

static void Parent(void* unused) {
  (void)unused;
  Fork(Grandchild, NULL);
}

static void Adopts(void* unused) {
  (void)unused;
  pid_t child = Fork(Parent, NULL);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(WaitShell(3), 33);
  CHECK_ERR(wait(NULL), ECHILD);
}

static void OuterSubreaper(void* unused) {
  (void)unused;
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  CHECK_INT(RunCloned(CLONE_NEWPID, Adopts, NULL), 0);
  CHECK_ERR(wait(NULL), ECHILD);  // the orphan was its namespace's
}

// ---- kill(-1) -------------------------------------------------------------------------------
static void Sleeps(void* unused) {
  (void)unused;
  Give(&ready);
  for (;;) pause();
}

static void KillsAll(void* unused) {
  (void)unused;
  enum { kMany = 4 };
  for (int i = 0; i < kMany; ++i) Fork(Sleeps, NULL);
  for (int i = 0; i < kMany; ++i) Take(&ready);
  CHECK_INT(kill(-1, SIGTERM), 0);
  for (int i = 0; i < kMany; ++i) CHECK_INT(WaitShell(2 + i), 128 + SIGTERM);
}

// ---- The end ------------------------------------------------------------------------------------
static void StoppedSleeper(void* unused) {
  (void)unused;
  Give(&ready);
  raise(SIGSTOP);
  for (;;) pause();
}

static void InnerInit(void* unused) {
  (void)unused;
  Fork(Sleeps, NULL);
  Sleeps(NULL);
}

// A tree with everything that could stay behind: children, orphans, a zombie, a stopped one,
// another namespace, a child with an exit signal of its own.
static void FullHouse(void* how) {
  Fork(Sleeps, NULL);
  Fork(StoppedSleeper, NULL);
  CloneWith(CLONE_NEWPID, InnerInit, NULL);
  if (syscall(SYS_clone, SIGUSR2, NULL, NULL, NULL, 0) == 0) {
    Sleeps(NULL);
  }
  if (fork() == 0) _exit(0);  // nobody waits for it
  for (int i = 0; i < 5; ++i) Take(&ready);
  Give(&end);
  if (how == NULL) _exit(7);
  for (;;) pause();
}

// Every process of the house holds `house`'s write end: it ends when they are all gone.
static void EndsWithInit(int killed) {
  int house[2];
  CHECK_INT(pipe(house), 0);
  pid_t init = CloneWith(CLONE_NEWPID, FullHouse, killed ? "wait" : NULL);
  close(house[1]);
  Take(&end);
  if (killed) CHECK_INT(kill(init, SIGKILL), 0);
  CHECK_INT(WaitShell(init), killed ? 128 + SIGKILL : 7);
  char byte;
  CHECK_INT(read(house[0], &byte, 1), 0);
  close(house[0]);
}

// ---- The last thread of an init is not its leader
// ------------------------------------------------
static char thread_stack[16384] __attribute__((aligned(16)));

static volatile int leader_lives = 1;

static int OutlivesLeader(void* unused) {
  (void)unused;
  while (leader_lives) sched_yield();
  if (fork() == 0) {
    for (;;) pause();
  }
  syscall(SYS_exit_group, 9);
  return 0;
}

static void ThreadedInit(void* unused) {
  (void)unused;
  syscall(SYS_set_tid_address, &leader_lives);  // cleared when the leader is gone
  clone(OutlivesLeader, thread_stack + sizeof(thread_stack),
        CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
  syscall(SYS_exit, 0);
}

// ---- Others that live in it ---------------------------------------------------------------------
// A child whose parent is outside: the parent unshared and forked. It is told, and must reap,
// before init is done.
static void ForeignParent(void* unused) {
  (void)unused;
  CHECK_INT(unshare(CLONE_NEWPID), 0);
  pid_t init = Fork(Sleeps, NULL);
  Take(&ready);
  pid_t second = Fork(Sleeps, NULL);
  Take(&ready);
  CHECK_INT(kill(init, SIGKILL), 0);
  CHECK_INT(WaitShell(second), 128 + SIGKILL);
  CHECK_INT(WaitShell(init), 128 + SIGKILL);
}

// ---- reboot ---------------------------------------------------------------------------------
static void Reboots(void* command) {
  syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, (unsigned)(long)command, NULL);
  _exit(errno == EINVAL ? 50 : 51);
}

static void ChildReboots(void* unused) {
  (void)unused;
  Fork(Reboots, (void*)(long)LINUX_REBOOT_CMD_POWER_OFF);
  for (;;) pause();
}

static void RefusedReboots(void* unused) {
  (void)unused;
  CHECK_ERR(syscall(SYS_reboot, 1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, NULL), EINVAL);
  CHECK_ERR(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, 5, LINUX_REBOOT_CMD_RESTART, NULL), EINVAL);
  CHECK_INT(setuid(1000), 0);
  CHECK_ERR(syscall(SYS_reboot, 1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, NULL), EPERM);
}

static void Reboot(void) {
  CHECK_INT(RunCloned(CLONE_NEWPID, Reboots, (void*)(long)LINUX_REBOOT_CMD_RESTART), 128 + SIGHUP);
  CHECK_INT(RunCloned(CLONE_NEWPID, Reboots, (void*)(long)LINUX_REBOOT_CMD_HALT), 128 + SIGINT);
  CHECK_INT(RunCloned(CLONE_NEWPID, Reboots, (void*)0x1234L), 50);
  CHECK_INT(RunCloned(CLONE_NEWPID, ChildReboots, NULL), 128 + SIGINT);
  CHECK_INT(RunCloned(CLONE_NEWPID, RefusedReboots, NULL), 0);
}

int main(void) {
  ready = MakeBaton();
  end = MakeBaton();
  CHECK_INT(RunCloned(CLONE_NEWPID, SurvivesInside, NULL), 0);
  Ok("signals from inside");
  FromOutside();
  Ok("signals from outside");
  CHECK_INT(RunCloned(CLONE_NEWPID, Adopts, NULL), 0);
  CHECK_INT(RunChild(OuterSubreaper, NULL), 0);
  Ok("orphans");
  CHECK_INT(RunCloned(CLONE_NEWPID, KillsAll, NULL), 0);
  Ok("kill(-1)");
  EndsWithInit(0);
  EndsWithInit(1);
  Ok("everybody ends with init");
  CHECK_INT(RunCloned(CLONE_NEWPID, ThreadedInit, NULL), 9);
  Ok("a thread is the last of init");
  CHECK_INT(RunChild(ForeignParent, NULL), 0);
  Ok("a parent outside");
  Reboot();
  Ok("reboot");
  return Finish();
}
