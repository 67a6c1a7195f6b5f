// SPDX-License-Identifier: Apache-2.0
//
// Job-control stops seen by waitpid: WUNTRACED, WCONTINUED, each of the stop signals, SIGKILL to a
// stopped process, SIGCONT with a handler, stops cancelled by SIGCONT and the reverse.
// Rows of docs/fork-features.md: F86.
#include "guest/user/lib/proc.h"

static Baton gate, ready;
static volatile sig_atomic_t continued;

static void OnCont(int signal_number) {
  (void)signal_number;
  continued = 1;
}

static void StopsItself(void* signal_number) {
  setpgid(0, 0);  // an orphaned group would ignore the terminal's stop signals; ours has a parent
  raise((int)(long)signal_number);
  Take(&gate);  // or the exit might overtake the news that it goes on
  _exit(40);
}

static void Handles(void* unused) {
  (void)unused;
  Handle(SIGCONT, OnCont, 0);
  raise(SIGSTOP);
  _exit(continued ? 41 : 42);
}

static void BlocksCont(void* unused) {
  (void)unused;
  Handle(SIGCONT, OnCont, 0);
  sigset_t before = Block(SIGCONT);
  raise(SIGSTOP);
  CHECK_INT(continued, 0);  // we go on though the signal is blocked
  sigprocmask(SIG_SETMASK, &before, NULL);
  CHECK_INT(continued, 1);
}

static void Blocks(void* unused) {
  (void)unused;
  Give(&ready);
  Take(&gate);
}

static void EachSignal(void) {
  int signals[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  for (int i = 0; i < 4; ++i) {
    int status = 0;
    pid_t child = Fork(StopsItself, (void*)(long)signals[i]);
    CHECK_INT(waitpid(child, &status, WUNTRACED), child);
    CHECK(WIFSTOPPED(status));
    CHECK_INT(WSTOPSIG(status), signals[i]);
    CHECK_INT(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
    CHECK_INT(kill(child, SIGCONT), 0);
    CHECK_INT(waitpid(child, &status, WCONTINUED), child);
    CHECK(WIFCONTINUED(status));
    Give(&gate);
    CHECK_INT(WaitShell(child), 40);
  }
  Ok("stop signals");
}

int main(void) {
  gate = MakeBaton();
  ready = MakeBaton();
  EachSignal();
  int status = 0;
  pid_t child = Fork(Handles, NULL);
  CHECK_INT(waitpid(child, &status, WUNTRACED), child);
  CHECK(WIFSTOPPED(status));
  kill(child, SIGCONT);
  CHECK_INT(WaitShell(child), 41);
  Ok("SIGCONT with a handler");
  child = Fork(BlocksCont, NULL);
  CHECK_INT(waitpid(child, &status, WUNTRACED), child);
  kill(child, SIGCONT);
  CHECK_INT(WaitShell(child), 0);
  Ok("SIGCONT blocked");
  child = Fork(StopsItself, (void*)(long)SIGSTOP);
  CHECK_INT(waitpid(child, &status, WUNTRACED), child);
  kill(child, SIGTERM);
  CHECK_INT(waitpid(child, &status, WNOHANG), 0);  // pending until it goes on
  kill(child, SIGCONT);
  CHECK_INT(WaitShell(child), 128 + SIGTERM);
  child = Fork(StopsItself, (void*)(long)SIGSTOP);
  CHECK_INT(waitpid(child, &status, WUNTRACED), child);
  kill(child, SIGKILL);
  CHECK_INT(WaitShell(child), 128 + SIGKILL);
  child = Fork(StopsItself, (void*)(long)SIGSTOP);
  siginfo_t info;
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT), 0);
  kill(child, SIGKILL);
  CHECK_INT(waitpid(child, &status, WUNTRACED), child);
  CHECK(WIFSIGNALED(status));  // the stop is no news any more
  Ok("killed while stopped");
  child = Fork(Blocks, NULL);
  Take(&ready);
  for (int i = 0; i < 5; ++i) {
    kill(child, SIGSTOP);
    CHECK_INT(waitpid(child, &status, WUNTRACED), child);
    CHECK(WIFSTOPPED(status));
    kill(child, SIGCONT);
    CHECK_INT(waitpid(child, &status, WCONTINUED), child);
    CHECK(WIFCONTINUED(status));
  }
  Give(&gate);
  CHECK_INT(WaitShell(child), 0);
  Ok("stopped inside a read, five times");
  return Finish();
}
