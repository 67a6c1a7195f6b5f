// SPDX-License-Identifier: Apache-2.0
//
// Mutual exclusion under contention: normal, recursive and error-checking mutexes, spin lock and
// read-write lock; a plain counter that is only right if nobody was ever inside together.
#include <pthread.h>

#include "guest/user/lib/proc.h"

enum { kThreads = 4, kRounds = 3000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile long counter;

static void* MutexBody(void* unused) {
  for (int i = 0; i < kRounds; ++i) {
    pthread_mutex_lock(&mutex);
    long seen = counter;
    if (i % 100 == 0) sched_yield();
    counter = seen + 1;
    pthread_mutex_unlock(&mutex);
  }
  return unused;
}

static void* SpinBody(void* unused) {
  for (int i = 0; i < kRounds; ++i) {
    while (pthread_spin_trylock(&spin) != 0) sched_yield();
    counter = counter + 1;
    pthread_spin_unlock(&spin);
  }
  return unused;
}

static void* RwBody(void* unused) {
  for (int i = 0; i < kRounds; ++i) {
    pthread_rwlock_rdlock(&rwlock);
    CHECK(counter >= 0);
    pthread_rwlock_unlock(&rwlock);
    pthread_rwlock_wrlock(&rwlock);
    counter = counter + 1;
    pthread_rwlock_unlock(&rwlock);
  }
  return unused;
}

static void Contend(const char* name, void* (*body)(void*)) {
  pthread_t threads[kThreads];
  counter = 0;
  for (int i = 0; i < kThreads; ++i) CHECK_INT(pthread_create(&threads[i], NULL, body, NULL), 0);
  for (int i = 0; i < kThreads; ++i) CHECK_INT(pthread_join(threads[i], NULL), 0);
  CHECK_INT(counter, kThreads * kRounds);
  Ok(name);
}

static void Kinds(void) {
  pthread_mutexattr_t attributes;
  pthread_mutex_t recursive, checking;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  CHECK_INT(pthread_mutex_init(&recursive, &attributes), 0);
  CHECK_INT(pthread_mutex_lock(&recursive), 0);
  CHECK_INT(pthread_mutex_lock(&recursive), 0);
  CHECK_INT(pthread_mutex_unlock(&recursive), 0);
  CHECK_INT(pthread_mutex_unlock(&recursive), 0);
  CHECK_INT(pthread_mutex_unlock(&recursive), EPERM);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  CHECK_INT(pthread_mutex_init(&checking, &attributes), 0);
  CHECK_INT(pthread_mutex_lock(&checking), 0);
  CHECK_INT(pthread_mutex_lock(&checking), EDEADLK);
  CHECK_INT(pthread_mutex_trylock(&checking), EBUSY);
  CHECK_INT(pthread_mutex_unlock(&checking), 0);
  struct timespec past = {1, 0};
  pthread_mutex_lock(&mutex);
  CHECK_INT(pthread_mutex_timedlock(&mutex, &past), ETIMEDOUT);
  pthread_mutex_unlock(&mutex);
  Ok("kinds");
}

int main(void) {
  pthread_spin_init(&spin, 0);
  Contend("mutex", MutexBody);
  Contend("spin lock", SpinBody);
  Contend("read-write lock", RwBody);
  Kinds();
  return Finish();
}
