// SPDX-License-Identifier: Apache-2.0
//
// Thread-local storage: __thread variables with and without initial values, keys with destructors,
// once, errno; a fork in a thread keeps the thread's own copy.
#include <pthread.h>

#include "guest/user/lib/proc.h"

static __thread int initialised = 42;
static __thread char zeroed[3000];
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_runs, destroyed_sum;

static void Once(void) { ++once_runs; }

static void Destroy(void* value) {
  __atomic_add_fetch(&destroyed_sum, (int)(long)value, __ATOMIC_SEQ_CST);
}

static void InChild(void* want) {
  CHECK_INT(initialised, (long)want);
  initialised = -1;
  CHECK_INT(initialised, -1);
  CHECK_INT((long)pthread_getspecific(key), (long)want);
}

static void* Body(void* arg) {
  long index = (long)arg;
  CHECK_INT(initialised, 42);
  CHECK_INT(zeroed[2999], 0);
  initialised = (int)index;
  zeroed[2999] = (char)index;
  pthread_once(&once, Once);
  pthread_setspecific(key, (void*)index);
  errno = (int)index;
  for (int i = 0; i < 50; ++i) sched_yield();
  CHECK_INT(errno, index);
  CHECK_INT(initialised, index);
  CHECK_INT(zeroed[2999], index);
  CHECK_INT((long)pthread_getspecific(key), index);
  CHECK_INT(RunChild(InChild, (void*)index), 0);
  CHECK_INT(initialised, index);
  return NULL;
}

int main(void) {
  pthread_t threads[6];
  CHECK_INT(pthread_key_create(&key, Destroy), 0);
  for (long i = 0; i < 6; ++i) {
    CHECK_INT(pthread_create(&threads[i], NULL, Body, (void*)(i + 1)), 0);
  }
  for (int i = 0; i < 6; ++i) CHECK_INT(pthread_join(threads[i], NULL), 0);
  CHECK_INT(initialised, 42);
  CHECK_INT(once_runs, 1);
  CHECK_INT(destroyed_sum, 21);
  Ok("thread-local storage");
  return Finish();
}
