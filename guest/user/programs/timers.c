// SPDX-License-Identifier: Apache-2.0
//
// alarm and interval timers: they fire, repeat, report what is left, are replaced, survive exec
// (exec_basic), are not inherited by fork; ITIMER_VIRTUAL and ITIMER_PROF follow CPU time.
#include <sys/time.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static volatile sig_atomic_t alarms, last_signal;

static void OnTimer(int signal_number) {
  ++alarms;
  last_signal = signal_number;
}

static void Set(int which, long first_us, long every_us) {
  struct itimerval timer = {{0, every_us}, {0, first_us}};
  CHECK_INT(setitimer(which, &timer, NULL), 0);
}

static void Repeats(void) {
  sigset_t before = Block(SIGALRM);
  alarms = 0;
  Set(ITIMER_REAL, 2000, 2000);
  while (alarms < 10) sigsuspend(&before);
  Set(ITIMER_REAL, 0, 0);
  struct itimerval timer;
  CHECK_INT(getitimer(ITIMER_REAL, &timer), 0);
  CHECK_INT(timer.it_value.tv_sec + timer.it_value.tv_usec, 0);
  sigprocmask(SIG_SETMASK, &before, NULL);
  Ok("repeats");
}

static void Once(void) {
  sigset_t before = Block(SIGALRM);
  alarms = 0;
  CHECK_INT(alarm(100), 0);
  unsigned left = alarm(1);
  CHECK(left >= 90 && left <= 100);
  while (alarms == 0) sigsuspend(&before);
  CHECK_INT(last_signal, SIGALRM);
  CHECK_INT(alarm(0), 0);
  CHECK_INT(alarm(100), 0);
  left = alarm(50);
  CHECK(left >= 90 && left <= 100);
  left = alarm(0);
  CHECK(left >= 40 && left <= 50);
  sigprocmask(SIG_SETMASK, &before, NULL);
  Ok("alarm");
}

static void Kills(void* unused) {
  (void)unused;
  signal(SIGALRM, SIG_DFL);
  Set(ITIMER_REAL, 3000, 0);
  for (;;) pause();
}

// A loop without system calls: only the tick can interrupt it.
static void Spins(int which, int signal_number) {
  alarms = 0;
  Handle(signal_number, OnTimer, 0);
  Set(which, 4000, 4000);
  while (alarms < 3) {
  }
  Set(which, 0, 0);
  CHECK_INT(last_signal, signal_number);
}

int main(void) {
  Handle(SIGALRM, OnTimer, 0);
  Repeats();
  Once();
  CHECK_INT(RunChild(Kills, NULL), 128 + SIGALRM);
  Ok("kills by default");
  Spins(ITIMER_REAL, SIGALRM);
  Spins(ITIMER_VIRTUAL, SIGVTALRM);
  Spins(ITIMER_PROF, SIGPROF);
  Ok("interrupt a loop");
  struct itimerval timer = {{0, 0}, {0, 1000000}};
  CHECK_ERR(setitimer(ITIMER_REAL, &timer, NULL), EINVAL);
  timer.it_value.tv_usec = 0;
  CHECK_ERR(syscall(SYS_setitimer, 7, &timer, NULL), EINVAL);
  CHECK_ERR(syscall(SYS_getitimer, 7, &timer), EINVAL);
  Ok("refused");
  return Finish();
}
