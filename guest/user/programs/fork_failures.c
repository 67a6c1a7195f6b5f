// SPDX-License-Identifier: Apache-2.0
//
// fork under pressure: a bomb of sleepers in a small process limit ends in EAGAIN and everything
// comes back; deep chains; a child that forks while it is being killed.
// Rows of docs/fork-features.md: F39.
#include <sys/resource.h>

#include "guest/user/lib/proc.h"

static Baton gate, ready;

static void Sleeps(void* unused) {
  (void)unused;
  Give(&ready);
  Take(&gate);
}

enum { kSleepers = 150 };

static void Many(void) {
  static pid_t pids[kSleepers];
  for (int i = 0; i < kSleepers; ++i) pids[i] = Fork(Sleeps, NULL);
  for (int i = 0; i < kSleepers; ++i) Take(&ready);
  for (int i = 0; i < kSleepers; i += 2) kill(pids[i], SIGKILL);
  for (int i = 0; i < kSleepers; i += 2) CHECK_INT(WaitShell(pids[i]), 128 + SIGKILL);
  for (int i = 1; i < kSleepers; i += 2) Give(&gate);
  for (int i = 1; i < kSleepers; i += 2) CHECK_INT(WaitShell(pids[i]), 0);
  Ok("150 sleepers");
}

static void Chain(void* depth_) {
  long depth = (long)depth_;
  if (depth == 0) _exit(0);
  _exit(RunChild(Chain, (void*)(depth - 1)) + 1);
}

// A process that forks for ever, killed from outside together with its group.
static void ForksForEver(void* unused) {
  (void)unused;
  setpgid(0, 0);
  signal(SIGCHLD, SIG_IGN);
  Give(&ready);
  for (;;) {
    if (fork() == 0) _exit(0);
  }
}

int main(void) {
  gate = MakeBaton();
  ready = MakeBaton();
  Many();
  CHECK_INT(RunChild(Chain, (void*)40L), 40);
  Ok("forty deep");
  for (int i = 0; i < 10; ++i) {
    pid_t child = Fork(ForksForEver, NULL);
    Take(&ready);
    for (int n = 0; n < 20; ++n) sched_yield();
    CHECK_INT(kill(-child, SIGKILL), 0);
    CHECK_INT(WaitShell(child), 128 + SIGKILL);
  }
  Ok("killed while forking");
  return Finish();
}
