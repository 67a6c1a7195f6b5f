// SPDX-License-Identifier: Apache-2.0
//
// Who is woken first: waiters of a futex that run under SCHED_FIFO by priority, those of one
// priority and all others in order of arrival.
#include <linux/futex.h>
#include <sched.h>
#include <stdint.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kWaiters = 5 };
// Priorities in order of arrival; 0 is SCHED_OTHER.
static const int kPriorities[kWaiters] = {0, 3, 7, 3, 0};
static const int kOrder[kWaiters] = {2, 1, 3, 0, 4};

static volatile uint32_t* word;
static Baton woken[kWaiters];

static void WaitsForTurn(void* arg) {
  int self = (int)(intptr_t)arg;
  struct sched_param param = {.sched_priority = kPriorities[self]};
  if (param.sched_priority != 0) {
    CHECK_INT(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param), 0);
  }
  CHECK_INT(syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
  Give(&woken[self]);
}

int main(void) {
  word = SharedMemory(4096);
  pid_t children[kWaiters];
  for (int i = 0; i < kWaiters; ++i) {
    woken[i] = MakeBaton();
    children[i] = Fork(WaitsForTurn, (void*)(intptr_t)i);
    AwaitSleep(children[i], children[i]);
  }
  for (int i = 0; i < kWaiters; ++i) {
    CHECK_INT(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    Take(&woken[kOrder[i]]);
    CHECK_INT(WaitShell(children[kOrder[i]]), 0);
  }
  Ok("order of waking");
  return Finish();
}
