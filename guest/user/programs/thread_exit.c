// SPDX-License-Identifier: Apache-2.0
//
// How a process with threads ends: exit from a thread ends all; main may leave by pthread_exit and
// the rest goes on; a fatal signal in one kills all; the status is the process's.
// Rows of docs/fork-features.md: F26 F87.
#include <pthread.h>

#include "guest/user/lib/proc.h"

static Baton never;

static void* Blocks(void* arg) {
  Take(&never);
  return arg;
}

static void* Spins(void* arg) {
  for (volatile long i = 0;; ++i) {
  }
  return arg;
}

static void* CallsExit(void* arg) { exit((int)(long)arg); }

static void* Crashes(void* arg) {
  *(volatile int*)arg = 1;
  return arg;
}

static void* LeavesLast(void* arg) {
  pthread_t main_thread = *(pthread_t*)arg;
  CHECK_INT(pthread_join(main_thread, NULL), 0);
  _exit(fv_failures ? 99 : 33);
}

static void StartCrowd(void) {
  pthread_t thread;
  for (int i = 0; i < 3; ++i) CHECK_INT(pthread_create(&thread, NULL, Blocks, NULL), 0);
  CHECK_INT(pthread_create(&thread, NULL, Spins, NULL), 0);
}

static void ThreadCallsExit(void* code) {
  pthread_t thread;
  StartCrowd();
  CHECK_INT(pthread_create(&thread, NULL, CallsExit, code), 0);
  Take(&never);
}

static void MainReturns(void* code) {
  StartCrowd();
  exit((int)(long)code);
}

static void ThreadCrashes(void* unused) {
  (void)unused;
  pthread_t thread;
  StartCrowd();
  CHECK_INT(pthread_create(&thread, NULL, Crashes, (void*)8), 0);
  Take(&never);
}

static pthread_t main_thread;

static void MainLeavesFirst(void* unused) {
  (void)unused;
  pthread_t thread;
  main_thread = pthread_self();
  CHECK_INT(pthread_create(&thread, NULL, LeavesLast, &main_thread), 0);
  pthread_exit(NULL);
}

static void KilledFromOutside(void* unused) {
  (void)unused;
  StartCrowd();
  kill(getpid(), SIGTERM);
  Take(&never);
}

int main(void) {
  never = MakeBaton();
  CHECK_INT(RunChild(ThreadCallsExit, (void*)21L), 21);
  Ok("exit in a thread");
  CHECK_INT(RunChild(MainReturns, (void*)22L), 22);
  Ok("exit in main with threads blocked and running");
  CHECK_INT(RunChild(ThreadCrashes, NULL), 128 + SIGSEGV);
  Ok("a thread crashes");
  CHECK_INT(RunChild(MainLeavesFirst, NULL), 33);
  Ok("main leaves first");
  CHECK_INT(RunChild(KilledFromOutside, NULL), 128 + SIGTERM);
  Ok("killed");
  return Finish();
}
