// SPDX-License-Identifier: Apache-2.0
//
// A zombie keeps its pid and status until it is waited for; its memory and files are gone at exit
// (a pipe's other end sees it); with SIGCHLD ignored or SA_NOCLDWAIT there is no zombie.
// Rows of docs/fork-features.md: F86 F90.
#include "guest/user/lib/proc.h"

enum { kMany = 40 };

static void ExitWith(void* code) { _exit((int)(long)code); }

static void Keeps(void) {
  pid_t pids[kMany];
  for (long i = 0; i < kMany; ++i) pids[i] = Fork(ExitWith, (void*)i);
  siginfo_t info;
  for (int i = 0; i < kMany; ++i) {
    CHECK_INT(waitid(P_PID, (id_t)pids[i], &info, WEXITED | WNOWAIT), 0);
    CHECK_INT(kill(pids[i], 0), 0);
    CHECK_INT(kill(pids[i], SIGKILL), 0);  // to a zombie: no error, no effect
  }
  for (int i = kMany - 1; i >= 0; --i) CHECK_INT(WaitShell(pids[i]), i);
  Ok("statuses kept");
}

static void ClosesAtExit(void) {
  int fds[2];
  char byte;
  CHECK(pipe(fds) == 0);
  pid_t child = Fork(ExitWith, (void*)3L);
  close(fds[1]);
  CHECK_INT(read(fds[0], &byte, 1), 0);  // end of file though nobody waited
  CHECK_INT(WaitShell(child), 3);
  close(fds[0]);
  Ok("files closed at exit");
}

static void NoZombies(const char* name) {
  for (int i = 0; i < 5; ++i) Fork(ExitWith, NULL);
  // wait blocks until the last child has gone, then there is nothing to report.
  int result;
  do {
    result = wait(NULL);
  } while (result == -1 && errno == EINTR);
  CHECK_ERR(result, ECHILD);
  Ok(name);
}

static volatile sig_atomic_t signals;
static void Count(int signal_number) {
  (void)signal_number;
  ++signals;
}

int main(void) {
  Keeps();
  ClosesAtExit();
  signal(SIGCHLD, SIG_IGN);
  NoZombies("SIGCHLD ignored");
  Handle(SIGCHLD, Count, SA_NOCLDWAIT);
  NoZombies("SA_NOCLDWAIT");
  CHECK(signals > 0);  // with a handler the signal still comes
  signal(SIGCHLD, SIG_DFL);
  CHECK_INT(RunChild(ExitWith, (void*)8L), 8);
  Ok("default again");
  return Finish();
}
