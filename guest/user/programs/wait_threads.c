// SPDX-License-Identifier: Apache-2.0
//
// Children belong to the process: any thread may wait for a child that another thread forked;
// __WNOTHREAD restricts that; two threads waiting for all get each child once.
// Rows of docs/fork-features.md: F26.
#include <pthread.h>

#include "guest/user/lib/proc.h"

enum { kChildren = 20 };

static void ExitWith(void* code) { _exit((int)(long)code); }

static void* Forks(void* arg) {
  *(pid_t*)arg = Fork(ExitWith, (void*)12L);
  return NULL;
}

static pthread_barrier_t barrier;

static void* ForksAndStays(void* arg) {
  *(pid_t*)arg = Fork(ExitWith, (void*)13L);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  return NULL;
}

static int reaped[kChildren];

static void* Reaps(void* arg) {
  int status;
  while (wait(&status) > 0) __atomic_add_fetch(&reaped[WEXITSTATUS(status)], 1, __ATOMIC_SEQ_CST);
  return arg;
}

int main(void) {
  pthread_t threads[2];
  pid_t child = 0;
  CHECK_INT(pthread_create(&threads[0], NULL, Forks, &child), 0);
  CHECK_INT(pthread_join(threads[0], NULL), 0);
  CHECK_INT(WaitShell(child), 12);  // its forker has gone
  pthread_barrier_init(&barrier, NULL, 2);
  CHECK_INT(pthread_create(&threads[0], NULL, ForksAndStays, &child), 0);
  pthread_barrier_wait(&barrier);
  CHECK_ERR(syscall(SYS_wait4, child, NULL, __WNOTHREAD, NULL), ECHILD);
  CHECK_INT(WaitShell(child), 13);
  pthread_barrier_wait(&barrier);
  pthread_join(threads[0], NULL);
  Ok("another thread's child");
  for (long i = 0; i < kChildren; ++i) Fork(ExitWith, (void*)i);
  for (int i = 0; i < 2; ++i) CHECK_INT(pthread_create(&threads[i], NULL, Reaps, NULL), 0);
  for (int i = 0; i < 2; ++i) CHECK_INT(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < kChildren; ++i) CHECK_INT(reaped[i], 1);
  Ok("two threads reap");
  return Finish();
}
