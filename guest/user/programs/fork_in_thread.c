// SPDX-License-Identifier: Apache-2.0
//
// fork in a process with threads: the child has only the thread that forked; its pid is its thread
// id; memory is a consistent copy while the siblings keep writing; it can make threads of its own.
// Rows of docs/fork-features.md: F68.
#include <pthread.h>

#include "guest/user/lib/proc.h"

static volatile int stop;
static volatile long pair[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void* Writer(void* arg) {
  while (!stop) {
    pthread_mutex_lock(&mutex);
    ++pair[0];
    ++pair[1];
    pthread_mutex_unlock(&mutex);
  }
  return arg;
}

static void* AddsOne(void* arg) {
  ++*(int*)arg;
  return arg;
}

static void Child(void* unused) {
  (void)unused;
  CHECK_INT(syscall(SYS_gettid), getpid());
  CHECK_INT(pair[0], pair[1]);  // forked with the mutex held: nobody was between the two
  long before = pair[0];
  for (int i = 0; i < 20; ++i) sched_yield();
  CHECK_INT(pair[0], before);  // no writer here
  int value = 1;
  pthread_t thread;
  CHECK_INT(pthread_create(&thread, NULL, AddsOne, &value), 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  CHECK_INT(value, 2);
}

static void* Forker(void* arg) {
  for (int i = 0; i < 15; ++i) {
    pthread_mutex_lock(&mutex);
    pid_t pid = Fork(Child, NULL);
    pthread_mutex_unlock(&mutex);
    CHECK_INT(WaitShell(pid), 0);
  }
  return arg;
}

int main(void) {
  pthread_t writers[2], forker;
  for (int i = 0; i < 2; ++i) CHECK_INT(pthread_create(&writers[i], NULL, Writer, NULL), 0);
  CHECK_INT(pthread_create(&forker, NULL, Forker, NULL), 0);
  CHECK_INT(pthread_join(forker, NULL), 0);
  stop = 1;
  for (int i = 0; i < 2; ++i) CHECK_INT(pthread_join(writers[i], NULL), 0);
  CHECK_INT(pair[0], pair[1]);
  Ok("fork beside writers");
  return Finish();
}
