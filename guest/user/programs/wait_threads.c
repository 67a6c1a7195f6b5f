// SPDX-License-Identifier: Apache-2.0
//
// Children belong to the process: any thread may wait for a child that another thread forked;
// __WNOTHREAD restricts that; two threads waiting for all get each child once. Of several that are
// dead a thread gets its own first.
// Rows of docs/fork-features.md: F26.
#include <pthread.h>

#include "guest/user/lib/proc.h"

enum { kChildren = 20 };

static void ExitWith(void* code) { _exit((int)(long)code); }

static volatile pid_t forker;

static void* Forks(void* arg) {
  forker = (pid_t)syscall(SYS_gettid);
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

static void AwaitDeath(pid_t child) {
  siginfo_t info;
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
}

// Two children of the leader, the first and the last one, and one of the thread between them.
static pid_t children[3];

static void* OwnFirst(void* arg) {
  children[1] = Fork(ExitWith, NULL);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 3; ++i) AwaitDeath(children[i]);
  static const int kOrder[] = {1, 0, 2};
  for (int i = 0; i < 3; ++i) CHECK_INT(wait(NULL), children[kOrder[i]]);
  return arg;
}

static void OthersLater(void) {
  pthread_t thread;
  children[0] = Fork(ExitWith, NULL);
  CHECK_INT(pthread_create(&thread, NULL, OwnFirst, NULL), 0);
  pthread_barrier_wait(&barrier);
  children[2] = Fork(ExitWith, NULL);
  pthread_barrier_wait(&barrier);
  CHECK_INT(pthread_join(thread, NULL), 0);
  Ok("its own first");
}

// What a thread leaves goes to the first one that lives.
static void* LooksForOthers(void* arg) {
  CHECK_ERR(syscall(SYS_wait4, -1, NULL, __WNOTHREAD | WNOHANG, NULL), ECHILD);
  return arg;
}

static void Left(void) {
  pthread_t thread;
  pid_t child = 0;
  CHECK_INT(pthread_create(&thread, NULL, Forks, &child), 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  // A thread is joined before its end is over; when its number is nobody's, its child has been
  // left.
  while (syscall(SYS_tgkill, getpid(), forker, 0) == 0) sched_yield();
  CHECK_INT(pthread_create(&thread, NULL, LooksForOthers, NULL), 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  CHECK_INT(syscall(SYS_wait4, -1, NULL, __WNOTHREAD, NULL), child);
  Ok("left to the first");
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
  OthersLater();
  Left();
  for (long i = 0; i < kChildren; ++i) Fork(ExitWith, (void*)i);
  for (int i = 0; i < 2; ++i) CHECK_INT(pthread_create(&threads[i], NULL, Reaps, NULL), 0);
  for (int i = 0; i < 2; ++i) CHECK_INT(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < kChildren; ++i) CHECK_INT(reaped[i], 1);
  Ok("two threads reap");
  return Finish();
}
