// SPDX-License-Identifier: Apache-2.0
//
// Many processes signal each other: real-time signals with sequence numbers round a ring, none
// lost, none out of order; and standard signals at a process that forks and reaps meanwhile.
// Rows of docs/fork-features.md: F39.
#include "guest/user/lib/proc.h"

enum { kRing = 5, kRounds = 60 };

static volatile pid_t* pids;
static Baton start[kRing];

static void Member(void* arg) {
  long me = (long)arg;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  CHECK_INT(sigprocmask(SIG_BLOCK, &set, NULL), 0);
  Give(&start[0]);
  Take(&start[me]);
  for (int i = 0; i < kRounds; ++i) {
    siginfo_t info;
    if (me != 1 || i != 0) {
      CHECK_INT(sigwaitinfo(&set, &info), SIGRTMIN + 3);
      CHECK_INT(info.si_value.sival_int, me == 1 ? i - 1 : i);
    }
    union sigval value = {.sival_int = i};
    long next = me + 1 == kRing ? 1 : me + 1;
    if (me + 1 != kRing || i + 1 != kRounds) {
      CHECK_INT(sigqueue(pids[next], SIGRTMIN + 3, value), 0);
    }
  }
}

static volatile sig_atomic_t caught;
static void Count(int signal_number) {
  (void)signal_number;
  ++caught;
}

static volatile int* stop;
static void Pesters(void* unused) {
  (void)unused;
  while (!*stop) {
    kill(getppid(), SIGUSR1);
    sched_yield();
  }
}

static void ExitWith(void* code) { _exit((int)(long)code); }

int main(void) {
  pids = (volatile pid_t*)SharedMemory(4096);
  stop = (volatile int*)(pids + 100);
  for (int i = 0; i < kRing; ++i) start[i] = MakeBaton();
  for (long i = 1; i < kRing; ++i) pids[i] = Fork(Member, (void*)i);
  for (int i = 1; i < kRing; ++i) Take(&start[0]);
  for (int i = 1; i < kRing; ++i) Give(&start[i]);
  for (int i = 1; i < kRing; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  Ok("ring");
  Handle(SIGUSR1, Count, SA_RESTART);
  pid_t pester[2];
  for (int i = 0; i < 2; ++i) pester[i] = Fork(Pesters, NULL);
  for (long i = 0; i < 100; ++i) CHECK_INT(RunChild(ExitWith, (void*)i), i);
  while (!caught) sched_yield();
  *stop = 1;
  for (int i = 0; i < 2; ++i) CHECK_INT(WaitShell(pester[i]), 0);
  Ok("forks under fire");
  return Finish();
}
