// SPDX-License-Identifier: Apache-2.0
//
// Whom a signal for a whole process is for: its leader, if that takes it, even while the leader
// sleeps in vfork and cannot. Another thread goes on as if there were none, until it looks again:
// when its mask changes, when it forks, when a signal of its own comes. A thread that ends leaves
// what it was to take to another one.
#include <pthread.h>
#include <stdatomic.h>

#include "guest/user/lib/proc.h"

static Baton child_runs, child_ends, done;
static atomic_int taker;  // the thread that ran the handler, 0: none yet
static atomic_int taken;

static pid_t ThreadId(void) { return (pid_t)syscall(SYS_gettid); }

static void OnSignal(int number) {
  (void)number;
  taker = ThreadId();
  ++taken;
}

static void OnOther(int number) { (void)number; }

// The leader is in vfork when the thread goes on, and stays there until the thread says so.
static void VforkOfLeader(void) {
  const pid_t child = vfork();
  if (child == 0) {
    char byte;
    if (write(child_runs.write_end, "x", 1) != 1) _exit(1);
    if (read(child_ends.read_end, &byte, 1) != 1) _exit(2);
    _exit(0);
  }
  CHECK_INT(WaitShell(child), 0);
}

static void SendToProcess(void) {
  taker = 0;
  taken = 0;
  Take(&child_runs);
  CHECK_INT(kill(getpid(), SIGUSR1), 0);
  CHECK_INT(taken, 0);
}

static void* Nothing(void* arg) {
  SendToProcess();
  for (int i = 0; i < 100; ++i) getppid();
  CHECK_INT(taken, 0);
  Give(&child_ends);
  return arg;
}

static void* ChangesMask(void* arg) {
  SendToProcess();
  Block(SIGUSR2);
  CHECK_INT(taker, ThreadId());
  CHECK_INT(taken, 1);
  Give(&child_ends);
  return arg;
}

static void* GetsAnother(void* arg) {
  SendToProcess();
  CHECK_INT(pthread_kill(pthread_self(), SIGWINCH), 0);
  CHECK_INT(taker, ThreadId());
  CHECK_INT(taken, 1);
  Give(&child_ends);
  return arg;
}

static void* Forks(void* arg) {
  SendToProcess();
  const pid_t child = (pid_t)syscall(SYS_fork);
  if (child == 0) _exit(taken == 1 ? 7 : 8);
  CHECK_INT(WaitShell(child), 7);
  CHECK_INT(taker, ThreadId());
  Give(&child_ends);
  return arg;
}

static void InVfork(const char* name, void* (*thread)(void*), int leader_takes) {
  pthread_t other;
  CHECK_INT(pthread_create(&other, NULL, thread, NULL), 0);
  VforkOfLeader();
  CHECK_INT(pthread_join(other, NULL), 0);
  CHECK_INT(taken, 1);
  CHECK_INT(taker == getpid(), leader_takes);
  Ok(name);
}

static void* WaitsAndEnds(void* arg) {
  Take(&done);
  return arg;
}

// The first thread that takes it is the only one that does not block it; it ends with the signal
// still to come, which the mask of the second one then lets in.
static void* SendsAndEnds(void* arg) {
  const sigset_t all = Block(SIGUSR1);
  (void)all;
  CHECK_INT(kill(getpid(), SIGUSR1), 0);
  return arg;
}

static void Blocked(void) {
  pthread_t waiting, sending;
  taker = 0;
  taken = 0;
  CHECK_INT(pthread_create(&waiting, NULL, WaitsAndEnds, NULL), 0);
  const sigset_t before = Block(SIGUSR1);
  CHECK_INT(pthread_create(&sending, NULL, SendsAndEnds, NULL), 0);
  CHECK_INT(pthread_join(sending, NULL), 0);
  Give(&done);
  CHECK_INT(pthread_join(waiting, NULL), 0);
  CHECK_INT(taken, 1);
  CHECK(taker != getpid());
  CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
  CHECK_INT(taken, 1);
  Ok("the only one that does not block it");
}

int main(void) {
  child_runs = MakeBaton();
  child_ends = MakeBaton();
  done = MakeBaton();
  Handle(SIGUSR1, OnSignal, SA_RESTART);
  Handle(SIGWINCH, OnOther, SA_RESTART);
  InVfork("the leader, in vfork", Nothing, 1);
  InVfork("a thread that changes its mask", ChangesMask, 0);
  InVfork("a thread that gets another signal", GetsAnother, 0);
  InVfork("a thread that forks", Forks, 0);
  Blocked();
  return Finish();
}
