// SPDX-License-Identifier: Apache-2.0
//
// Threads: created, joined, with return values, with arguments; they share memory, have ids and
// stacks of their own; pthread_exit from main and a thread that outlives it.
#include <pthread.h>
#include <stdint.h>

#include "guest/user/lib/proc.h"

enum { kThreads = 16 };

static volatile int shared_counter;
static pid_t ids[kThreads];

static void* Body(void* arg) {
  long index = (long)arg;
  char on_stack[4096];
  memset(on_stack, (int)index, sizeof(on_stack));
  __atomic_add_fetch(&shared_counter, 1, __ATOMIC_SEQ_CST);
  ids[index] = (pid_t)syscall(SYS_gettid);
  CHECK_INT(on_stack[4095], index);
  CHECK(pthread_equal(pthread_self(), pthread_self()));
  return (void*)(index * 10);
}

static void* ExitsDeep(void* arg) {
  pthread_exit(arg);
  return NULL;
}

static void* NestedCreator(void* arg) {
  pthread_t inner;
  void* result = NULL;
  CHECK_INT(pthread_create(&inner, NULL, Body, arg), 0);
  CHECK_INT(pthread_join(inner, &result), 0);
  return result;
}

int main(void) {
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; ++i) {
    CHECK_INT(pthread_create(&threads[i], NULL, Body, (void*)i), 0);
  }
  for (long i = 0; i < kThreads; ++i) {
    void* result = NULL;
    CHECK_INT(pthread_join(threads[i], &result), 0);
    CHECK_INT((long)result, i * 10);
  }
  CHECK_INT(shared_counter, kThreads);
  for (int i = 0; i < kThreads; ++i) {
    CHECK(ids[i] != getpid());
  }
  Ok("sixteen threads");
  for (long i = 0; i < 200; ++i) {
    void* result = NULL;
    CHECK_INT(pthread_create(&threads[0], NULL, i % 2 ? ExitsDeep : Body, (void*)(i % 16)), 0);
    CHECK_INT(pthread_join(threads[0], &result), 0);
    CHECK_INT((long)result, i % 2 ? i % 16 : i % 16 * 10);
  }
  Ok("two hundred one after the other");
  void* result = NULL;
  CHECK_INT(pthread_create(&threads[0], NULL, NestedCreator, (void*)3L), 0);
  CHECK_INT(pthread_join(threads[0], &result), 0);
  CHECK_INT((long)result, 30);
  Ok("a thread made by a thread");
  return Finish();
}
