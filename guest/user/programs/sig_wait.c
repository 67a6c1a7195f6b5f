// SPDX-License-Identifier: Apache-2.0
//
// Waiting for signals: sigsuspend with its mask, pause, sigwaitinfo and sigtimedwait from another
// process, time-outs, EINTR by a signal that is not waited for.
#include <time.h>

#include "guest/user/lib/proc.h"

static volatile sig_atomic_t got_usr1, got_usr2;
static Baton to_child;

static void OnUsr1(int signal_number) {
  (void)signal_number;
  ++got_usr1;
}
static void OnUsr2(int signal_number) {
  (void)signal_number;
  ++got_usr2;
}

static void SendsUsr1(void* parent) {
  Take(&to_child);
  CHECK_INT(kill((pid_t)(long)parent, SIGUSR1), 0);
}

static pid_t Sender(void) {
  pid_t child = Fork(SendsUsr1, (void*)(long)getpid());
  Give(&to_child);
  return child;
}

int main(void) {
  to_child = MakeBaton();
  Handle(SIGUSR1, OnUsr1, 0);
  Handle(SIGUSR2, OnUsr2, 0);
  sigset_t both, before, empty, mask;
  sigemptyset(&empty);
  sigemptyset(&both);
  sigaddset(&both, SIGUSR1);
  sigaddset(&both, SIGUSR2);
  CHECK_INT(sigprocmask(SIG_BLOCK, &both, &before), 0);
  // Already pending: sigsuspend delivers it and returns at once.
  raise(SIGUSR1);
  CHECK_ERR(sigsuspend(&empty), EINTR);
  CHECK_INT(got_usr1, 1);
  CHECK_INT(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
  CHECK(sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGUSR2));  // the old mask is back
  pid_t child = Sender();
  CHECK_ERR(sigsuspend(&empty), EINTR);
  CHECK_INT(got_usr1, 2);
  CHECK_INT(WaitShell(child), 0);
  Ok("sigsuspend");
  child = Sender();
  siginfo_t info;
  CHECK_INT(sigwaitinfo(&both, &info), SIGUSR1);
  CHECK_INT(info.si_code, SI_USER);
  CHECK_INT(info.si_pid, child);
  CHECK_INT(got_usr1, 2);  // taken, not handled
  CHECK_INT(WaitShell(child), 0);
  Ok("sigwaitinfo");
  struct timespec zero = {0, 0}, soon = {0, 20000000}, bad = {0, -1};
  CHECK_ERR(sigtimedwait(&both, &info, &zero), EAGAIN);
  CHECK_ERR(sigtimedwait(&both, &info, &soon), EAGAIN);
  CHECK_ERR(sigtimedwait(&both, &info, &bad), EINVAL);
  raise(SIGUSR2);
  CHECK_INT(sigtimedwait(&both, &info, &soon), SIGUSR2);
  Ok("sigtimedwait");
  // A signal outside the set interrupts the wait by its handler.
  CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
  sigset_t only_usr2;
  sigemptyset(&only_usr2);
  sigaddset(&only_usr2, SIGUSR2);
  child = Fork(SendsUsr1, (void*)(long)getpid());
  CHECK_INT(sigprocmask(SIG_BLOCK, &both, NULL), 0);
  Give(&to_child);
  CHECK_INT(WaitShell(child), 0);
  CHECK_ERR(sigsuspend(&only_usr2), EINTR);
  CHECK_INT(got_usr1, 3);
  CHECK_INT(got_usr2, 0);
  Ok("not the one waited for");
  int number = 0;
  raise(SIGUSR2);
  CHECK_INT(sigwait(&both, &number), 0);
  CHECK_INT(number, SIGUSR2);
  Ok("sigwait");
  return Finish();
}
