// SPDX-License-Identifier: Apache-2.0
//
// Priority-inheritance mutexes: exclusion, time-outs, errors of the futex calls below them, and an
// owner that dies.
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "guest/user/lib/proc.h"

enum { kThreads = 4, kRounds = 2000 };

static pthread_mutex_t mutex;
static long counter;

static void* Adds(void* unused) {
  for (int i = 0; i < kRounds; ++i) {
    pthread_mutex_lock(&mutex);
    long seen = counter;
    if (i % 64 == 0) sched_yield();
    counter = seen + 1;
    pthread_mutex_unlock(&mutex);
  }
  return unused;
}

static void* TimesOut(void* unused) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  at.tv_nsec += 5000000;
  if (at.tv_nsec >= 1000000000) {
    at.tv_nsec -= 1000000000;
    ++at.tv_sec;
  }
  CHECK_INT(pthread_mutex_trylock(&mutex), EBUSY);
  CHECK_INT(pthread_mutex_timedlock(&mutex, &at), ETIMEDOUT);
  return unused;
}

static long Futex(uint32_t* word, int op) { return syscall(SYS_futex, word, op, 0, NULL, NULL, 0); }

static void Raw(void) {
  uint32_t word = 0;
  uint32_t tid = (uint32_t)syscall(SYS_gettid);
  CHECK_INT(Futex(&word, FUTEX_LOCK_PI), 0);
  CHECK_INT(word, tid);
  CHECK_ERR(Futex(&word, FUTEX_LOCK_PI), EDEADLK);
  CHECK_ERR(Futex(&word, FUTEX_TRYLOCK_PI), EDEADLK);
  CHECK_INT(Futex(&word, FUTEX_UNLOCK_PI), 0);
  CHECK_INT(word, 0);
  CHECK_ERR(Futex(&word, FUTEX_UNLOCK_PI), EPERM);
  word = 0x3FFFFF00;  // nobody has this id
  CHECK_ERR(Futex(&word, FUTEX_LOCK_PI), ESRCH);
  Ok("futex calls");
}

// The owner of a robust shared mutex dies while its parent waits for it.
static void OwnerDies(void) {
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT);
  pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_t* shared =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK_INT(pthread_mutex_init(shared, &kind), 0);
  Baton locked = MakeBaton();
  pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(shared);
    Give(&locked);
    struct timespec while_parent_waits = {0, 20000000};
    nanosleep(&while_parent_waits, NULL);
    _exit(0);
  }
  Take(&locked);
  CHECK_INT(pthread_mutex_lock(shared), EOWNERDEAD);
  CHECK_INT(pthread_mutex_consistent(shared), 0);
  CHECK_INT(pthread_mutex_unlock(shared), 0);
  CHECK_INT(pthread_mutex_lock(shared), 0);
  CHECK_INT(pthread_mutex_unlock(shared), 0);
  CHECK_INT(WaitShell(child), 0);
  Ok("owner dies");
}

int main(void) {
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  CHECK_INT(pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT), 0);
  CHECK_INT(pthread_mutex_init(&mutex, &kind), 0);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, Adds, NULL);
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  CHECK_INT(counter, kThreads * kRounds);
  Ok("exclusion");
  pthread_mutex_lock(&mutex);
  pthread_create(&threads[0], NULL, TimesOut, NULL);
  pthread_join(threads[0], NULL);
  pthread_mutex_unlock(&mutex);
  Ok("time-out");
  Raw();
  OwnerDies();
  return Finish();
}
