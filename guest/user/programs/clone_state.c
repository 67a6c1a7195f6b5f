// SPDX-License-Identifier: Apache-2.0
//
// Less common clone flags: CLONE_CLEAR_SIGHAND resets handlers, an alternate signal stack is gone
// with CLONE_VM and kept without, CLONE_CHILD_CLEARTID clears only memory that is still shared,
// clone3 runs on the stack that it is given, exit signals other than SIGCHLD.
#include <linux/futex.h>
#include <linux/sched.h>
#include <stdint.h>

#include "guest/user/lib/proc.h"

static char stack[65536] __attribute__((aligned(16)));
static char alternate[16384];
static volatile long seen[4];

static void OnSignal(int signal_number) { seen[3] = signal_number; }

static long Clone3(uint64_t flags, int exit_signal) {
  struct clone_args args;
  memset(&args, 0, sizeof(args));
  args.flags = flags;
  args.exit_signal = (uint64_t)exit_signal;
  return syscall(SYS_clone3, &args, sizeof(args));
}

static void ClearHandlers(void) {
  Handle(SIGUSR1, OnSignal, 0);
  signal(SIGUSR2, SIG_IGN);
  long pid = Clone3(CLONE_CLEAR_SIGHAND, SIGCHLD);
  if (pid == 0) {
    struct sigaction one, two;
    sigaction(SIGUSR1, NULL, &one);
    sigaction(SIGUSR2, NULL, &two);
    _exit(one.sa_handler == SIG_DFL && two.sa_handler == SIG_IGN ? 5 : 6);
  }
  CHECK_INT(WaitShell((pid_t)pid), 5);
  struct sigaction own;
  CHECK_INT(sigaction(SIGUSR1, NULL, &own), 0);
  CHECK(own.sa_handler == OnSignal);
  signal(SIGUSR2, SIG_DFL);
  Ok("CLONE_CLEAR_SIGHAND");
}

static int LooksAtStack(void* unused) {
  (void)unused;
  stack_t now;
  syscall(SYS_sigaltstack, NULL, &now);
  seen[0] = now.ss_flags;
  char here;
  seen[1] = &here >= stack && &here < stack + sizeof(stack);
  return 0;
}

static void AlternateStack(void) {
  stack_t set = {.ss_sp = alternate, .ss_size = sizeof(alternate), .ss_flags = 0};
  CHECK_INT(sigaltstack(&set, NULL), 0);
  pid_t pid = clone(LooksAtStack, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
  CHECK_INT(WaitShell(pid), 0);
  CHECK_INT(seen[0], SS_DISABLE);
  CHECK_INT(seen[1], 1);
  pid = clone(LooksAtStack, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
  CHECK_INT(WaitShell(pid), 0);
  CHECK_INT(seen[0], 0);
  set.ss_flags = SS_DISABLE;
  CHECK_INT(sigaltstack(&set, NULL), 0);
  Ok("alternate signal stack");
}

// A child with its own memory: nobody else can see the word, so nobody's is written.
static void ClearTid(void) {
  volatile int* word = (volatile int*)SharedMemory(4096);
  *word = 7;
  long pid = syscall(SYS_clone, CLONE_CHILD_CLEARTID | SIGCHLD, 0, NULL, word, 0);
  if (pid == 0) _exit(0);
  CHECK_INT(WaitShell((pid_t)pid), 0);
  CHECK_INT(*word, 7);
  pid = syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, 0, NULL, word, 0);
  if (pid == 0) _exit(*word == getpid() ? 3 : 4);
  CHECK_INT(WaitShell((pid_t)pid), 3);
  CHECK_INT(*word, pid);
  Ok("CHILD_CLEARTID, CHILD_SETTID");
}

static int SleepsOnWord(void* unused) {
  (void)unused;
  return 0;
}

static void ClearTidShared(void) {
  static volatile int word;
  word = 9;
  pid_t pid = clone(SleepsOnWord, stack + sizeof(stack), CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD,
                    NULL, NULL, NULL, &word);
  CHECK(pid > 0);
  while (word != 0) syscall(SYS_futex, &word, FUTEX_WAIT, 9, NULL, NULL, 0);
  CHECK_INT(WaitShell(pid), 0);
  Ok("CHILD_CLEARTID in shared memory");
}

static void ExitSignals(void) {
  Handle(SIGUSR1, OnSignal, 0);
  sigset_t before = Block(SIGUSR1), pending;
  long pid = syscall(SYS_clone, SIGUSR1, 0, NULL, NULL, 0);
  if (pid == 0) _exit(8);
  int status = 0;
  CHECK_ERR(waitpid((pid_t)pid, &status, 0), ECHILD);
  CHECK_INT(waitpid((pid_t)pid, &status, __WALL), pid);
  CHECK_INT(status, 8 << 8);
  CHECK_INT(sigpending(&pending), 0);
  CHECK(sigismember(&pending, SIGUSR1));
  seen[3] = 0;
  sigprocmask(SIG_SETMASK, &before, NULL);
  CHECK_INT(seen[3], SIGUSR1);
  Ok("another exit signal");
}

static void After(void) {
  // A process that executes gets SIGCHLD as its exit signal again.
  long pid = syscall(SYS_clone, 0, 0, NULL, NULL, 0);
  if (pid == 0) {
    char* args[] = {"clone_state", "executed", NULL};
    execv("/proc/self/exe", args);
    _exit(98);
  }
  int status = 0;
  pid_t got;
  do {
    got = waitpid((pid_t)pid, &status, __WALL);
  } while (got < 0 && errno == EINTR);
  CHECK_INT(got, pid);
  CHECK_INT(ShellStatus(status), 21);
  Ok("exit signal over exec");
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) return 21;
  ClearHandlers();
  AlternateStack();
  ClearTid();
  ClearTidShared();
  ExitSignals();
  After();
  return Finish();
}
