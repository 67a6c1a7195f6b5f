// SPDX-License-Identifier: Apache-2.0
//
// Mutex, condition variable, semaphore and barrier shared between processes in MAP_SHARED memory:
// futexes keyed by the page, not by the address space.
#include <pthread.h>
#include <semaphore.h>

#include "guest/user/lib/proc.h"

enum { kProcesses = 4, kRounds = 400 };

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t turn_changed;
  pthread_barrier_t barrier;
  sem_t semaphore;
  long counter;
  int turn;
} Shared;

static Shared* shared;

static void Child(void* arg) {
  int me = (int)(long)arg;
  pthread_barrier_wait(&shared->barrier);
  for (int i = 0; i < kRounds; ++i) {
    pthread_mutex_lock(&shared->mutex);
    ++shared->counter;
    pthread_mutex_unlock(&shared->mutex);
  }
  pthread_barrier_wait(&shared->barrier);
  for (int i = 0; i < 50; ++i) {
    pthread_mutex_lock(&shared->mutex);
    while (shared->turn % kProcesses != me) {
      pthread_cond_wait(&shared->turn_changed, &shared->mutex);
    }
    ++shared->turn;
    pthread_cond_broadcast(&shared->turn_changed);
    pthread_mutex_unlock(&shared->mutex);
  }
  sem_post(&shared->semaphore);
}

int main(void) {
  shared = (Shared*)SharedMemory(sizeof(Shared));
  pthread_mutexattr_t mutex_attributes;
  pthread_condattr_t cond_attributes;
  pthread_barrierattr_t barrier_attributes;
  pthread_mutexattr_init(&mutex_attributes);
  pthread_condattr_init(&cond_attributes);
  pthread_barrierattr_init(&barrier_attributes);
  pthread_mutexattr_setpshared(&mutex_attributes, PTHREAD_PROCESS_SHARED);
  pthread_condattr_setpshared(&cond_attributes, PTHREAD_PROCESS_SHARED);
  pthread_barrierattr_setpshared(&barrier_attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&shared->mutex, &mutex_attributes);
  pthread_cond_init(&shared->turn_changed, &cond_attributes);
  pthread_barrier_init(&shared->barrier, &barrier_attributes, kProcesses);
  sem_init(&shared->semaphore, 1, 0);
  pid_t pids[kProcesses];
  for (long i = 0; i < kProcesses; ++i) pids[i] = Fork(Child, (void*)i);
  for (int i = 0; i < kProcesses; ++i) CHECK_INT(sem_wait(&shared->semaphore), 0);
  for (int i = 0; i < kProcesses; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  CHECK_INT(shared->counter, kProcesses * kRounds);
  CHECK_INT(shared->turn, kProcesses * 50);
  Ok("shared between processes");
  return Finish();
}
