// SPDX-License-Identifier: Apache-2.0
//
// Robust mutexes: the holder dies (thread or process), the kernel walks its robust list, the next
// one to lock gets EOWNERDEAD; also while somebody already waits.
// Rows of docs/fork-features.md: F66.
#include <pthread.h>

#include "guest/user/lib/proc.h"

typedef struct {
  pthread_mutex_t mutex;
  volatile int value;
} Shared;

static Shared* shared;
static Baton locked, die;

static void* DiesHolding(void* arg) {
  pthread_mutex_lock(&shared->mutex);
  shared->value = 1;
  return arg;
}

static void ProcessDies(void* unused) {
  (void)unused;
  CHECK_INT(pthread_mutex_lock(&shared->mutex), 0);
  shared->value = 2;
  Give(&locked);
  Take(&die);
  kill(getpid(), SIGKILL);
}

static void MakeMutex(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  CHECK_INT(pthread_mutex_init(&shared->mutex, &attributes), 0);
}

static void Recover(int want) {
  CHECK_INT(pthread_mutex_lock(&shared->mutex), EOWNERDEAD);
  CHECK_INT(shared->value, want);
  CHECK_INT(pthread_mutex_consistent(&shared->mutex), 0);
  CHECK_INT(pthread_mutex_unlock(&shared->mutex), 0);
  CHECK_INT(pthread_mutex_lock(&shared->mutex), 0);
  CHECK_INT(pthread_mutex_unlock(&shared->mutex), 0);
}

int main(void) {
  shared = (Shared*)SharedMemory(4096);
  locked = MakeBaton();
  die = MakeBaton();
  MakeMutex();
  pthread_t thread;
  CHECK_INT(pthread_create(&thread, NULL, DiesHolding, NULL), 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  Recover(1);
  Ok("a thread dies");
  pid_t child = Fork(ProcessDies, NULL);
  Take(&locked);
  CHECK_INT(pthread_mutex_trylock(&shared->mutex), EBUSY);
  Give(&die);
  Recover(2);  // waits in the kernel or arrives after the death
  CHECK_INT(WaitShell(child), 128 + SIGKILL);
  Ok("a process is killed");
  CHECK_INT(pthread_create(&thread, NULL, DiesHolding, NULL), 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  CHECK_INT(pthread_mutex_lock(&shared->mutex), EOWNERDEAD);
  CHECK_INT(pthread_mutex_unlock(&shared->mutex), 0);
  CHECK_INT(pthread_mutex_lock(&shared->mutex), ENOTRECOVERABLE);
  Ok("not made consistent");
  return Finish();
}
