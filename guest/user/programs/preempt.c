// SPDX-License-Identifier: Apache-2.0
//
// Processes that never make a system call still share the CPU: spinners wait for a flag that
// another process sets; none ends unless every one gets time.
#include "guest/user/lib/proc.h"

enum { kSpinners = 3 };

typedef struct {
  volatile long progress[kSpinners];
  volatile int go_on;
  volatile int turn;
} Shared;

static Shared* shared;

static void Spins(void* arg) {
  long me = (long)arg;
  while (shared->go_on) ++shared->progress[me];
}

// Two processes that spin for each other's turn: each step needs a switch that nobody asks for.
static void TakesTurns(void* arg) {
  int me = (int)(long)arg;
  for (int i = 0; i < 10; ++i) {
    while (shared->turn % 2 != me) {
    }
    ++shared->turn;
  }
}

int main(void) {
  shared = (Shared*)SharedMemory(sizeof(Shared));
  shared->go_on = 1;
  pid_t pids[kSpinners];
  for (long i = 0; i < kSpinners; ++i) pids[i] = Fork(Spins, (void*)i);
  for (;;) {
    int all = 1;
    for (int i = 0; i < kSpinners; ++i) all &= shared->progress[i] > 100000;
    if (all) break;
  }
  shared->go_on = 0;
  for (int i = 0; i < kSpinners; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  Ok("all made progress");
  pid_t other = Fork(TakesTurns, (void*)1L);
  TakesTurns((void*)0L);
  CHECK_INT(WaitShell(other), 0);
  CHECK_INT(shared->turn, 20);
  Ok("turns without a system call");
  return Finish();
}
