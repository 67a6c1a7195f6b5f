// SPDX-License-Identifier: Apache-2.0
//
// What fork does with signals: handlers and mask are inherited and then separate, pending signals
// and timers are not; signals sent to the parent during a storm of forks are neither lost nor
// doubled.
// Rows of docs/fork-features.md: F39.
#include <sys/time.h>

#include "guest/user/lib/proc.h"

static volatile sig_atomic_t runs;

static void Count(int signal_number) {
  (void)signal_number;
  ++runs;
}

static void Child(void* unused) {
  (void)unused;
  struct sigaction action;
  CHECK_INT(sigaction(SIGUSR1, NULL, &action), 0);
  CHECK(action.sa_handler == Count);
  raise(SIGUSR1);
  CHECK_INT(runs, 1);
  signal(SIGUSR1, SIG_IGN);
  struct itimerval timer;
  CHECK_INT(getitimer(ITIMER_REAL, &timer), 0);
  CHECK_INT(timer.it_value.tv_sec, 0);
  CHECK_INT(alarm(0), 0);
}

static void Nothing(void* unused) { (void)unused; }

enum { kSignals = 100, kForks = 100 };

// Sends the next signal only when the one before has been handled: none may merge.
static void Sends(void* shared) {
  volatile int* handled = (volatile int*)shared;
  for (int i = 0; i < kSignals; ++i) {
    kill(getppid(), SIGUSR2);
    while (*handled <= i) sched_yield();
  }
}

static volatile int* handled_count;
static void Counts(int signal_number) {
  (void)signal_number;
  ++*handled_count;
}

int main(void) {
  Handle(SIGUSR1, Count, 0);
  alarm(1000);
  CHECK_INT(RunChild(Child, NULL), 0);
  CHECK_INT(runs, 0);
  raise(SIGUSR1);
  CHECK_INT(runs, 1);  // the child's SIG_IGN is the child's
  CHECK(alarm(0) > 900);
  Ok("inherited and separate");
  handled_count = (volatile int*)SharedMemory(4096);
  Handle(SIGUSR2, Counts, SA_RESTART);
  pid_t sender = Fork(Sends, (void*)handled_count);
  for (int i = 0; i < kForks; ++i) CHECK_INT(RunChild(Nothing, NULL), 0);
  CHECK_INT(WaitShell(sender), 0);
  CHECK_INT(*handled_count, kSignals);
  Ok("a hundred signals during forks");
  return Finish();
}
