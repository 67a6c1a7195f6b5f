// SPDX-License-Identifier: Apache-2.0
//
// SIGCHLD: what its siginfo says for each way of ending, SA_NOCLDSTOP, one pending for many
// children, a handler that reaps them all.
#include "guest/user/lib/proc.h"

static volatile int code, status_value, total;
static volatile pid_t from;
static volatile sig_atomic_t runs, reaped;

static void Stores(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number;
  (void)context;
  ++runs;
  code = info->si_code;
  status_value = info->si_status;
  from = info->si_pid;
}

static void ReapsAll(int signal_number) {
  (void)signal_number;
  int saved = errno, status;
  while (waitpid(-1, &status, WNOHANG) > 0) {
    ++reaped;
    total += WEXITSTATUS(status);
  }
  errno = saved;
}

static void ExitWith(void* value) { _exit((int)(long)value); }
static void KillSelf(void* signal_number) {
  kill(getpid(), (int)(long)signal_number);
  for (;;) pause();
}

static void AwaitOne(const char* what, pid_t child, const sigset_t* open) {
  runs = 0;
  while (runs == 0) sigsuspend(open);
  Say("%s: code %d status %d %s", what, code, status_value, from == child ? "child" : "other");
}

int main(void) {
  sigset_t before = Block(SIGCHLD);
  HandleInfo(SIGCHLD, Stores, 0);
  pid_t child = Fork(ExitWith, (void*)9L);
  AwaitOne("exited", child, &before);
  CHECK_INT(WaitShell(child), 9);
  child = Fork(KillSelf, (void*)(long)SIGTERM);
  AwaitOne("killed", child, &before);
  CHECK_INT(WaitShell(child), 128 + SIGTERM);
  child = Fork(KillSelf, (void*)(long)SIGSTOP);
  AwaitOne("stopped", child, &before);
  kill(child, SIGCONT);
  AwaitOne("continued", child, &before);
  kill(child, SIGKILL);
  AwaitOne("killed", child, &before);
  CHECK_INT(WaitShell(child), 128 + SIGKILL);
  Ok("siginfo");
  HandleInfo(SIGCHLD, Stores, SA_NOCLDSTOP);
  child = Fork(KillSelf, (void*)(long)SIGSTOP);
  int status;
  CHECK_INT(waitpid(child, &status, WUNTRACED), child);
  sigset_t pending;
  CHECK_INT(sigpending(&pending), 0);
  CHECK(!sigismember(&pending, SIGCHLD));
  kill(child, SIGKILL);
  CHECK_INT(WaitShell(child), 128 + SIGKILL);
  CHECK_INT(sigpending(&pending), 0);
  CHECK(sigismember(&pending, SIGCHLD));
  Ok("SA_NOCLDSTOP");
  Handle(SIGCHLD, ReapsAll, 0);
  for (long i = 1; i <= 20; ++i) Fork(ExitWith, (void*)i);
  while (reaped < 20) sigsuspend(&before);
  CHECK_INT(total, 210);
  CHECK_ERR(wait(NULL), ECHILD);
  Ok("reaped in the handler");
  return Finish();
}
