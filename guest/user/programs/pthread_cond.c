// SPDX-License-Identifier: Apache-2.0
//
// Condition variables: a bounded queue between producers and consumers, broadcast, time-outs, and
// semaphores.
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "guest/user/lib/proc.h"

enum { kSlots = 4, kItems = 2000, kEach = 3 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static int slots[kSlots], count, head;
static long consumed_sum, consumed;

static void* Producer(void* arg) {
  for (int i = 1; i <= kItems; ++i) {
    pthread_mutex_lock(&mutex);
    while (count == kSlots) pthread_cond_wait(&not_full, &mutex);
    slots[(head + count++) % kSlots] = i;
    pthread_cond_signal(&not_empty);
    pthread_mutex_unlock(&mutex);
  }
  return arg;
}

static void* Consumer(void* arg) {
  for (int i = 0; i < kItems; ++i) {
    pthread_mutex_lock(&mutex);
    while (count == 0) pthread_cond_wait(&not_empty, &mutex);
    consumed_sum += slots[head];
    ++consumed;
    head = (head + 1) % kSlots;
    --count;
    pthread_cond_signal(&not_full);
    pthread_mutex_unlock(&mutex);
  }
  return arg;
}

static void Queue(void) {
  pthread_t threads[2 * kEach];
  for (int i = 0; i < 2 * kEach; ++i) {
    CHECK_INT(pthread_create(&threads[i], NULL, i % 2 ? Producer : Consumer, NULL), 0);
  }
  for (int i = 0; i < 2 * kEach; ++i) pthread_join(threads[i], NULL);
  CHECK_INT(consumed, kEach * kItems);
  CHECK_INT(consumed_sum, (long)kEach * kItems * (kItems + 1) / 2);
  Ok("producers and consumers");
}

static pthread_cond_t start = PTHREAD_COND_INITIALIZER;
static int started, waiting;
static sem_t ready, done;

static void* Waiter(void* arg) {
  pthread_mutex_lock(&mutex);
  ++waiting;
  sem_post(&ready);
  while (!started) pthread_cond_wait(&start, &mutex);
  pthread_mutex_unlock(&mutex);
  sem_post(&done);
  return arg;
}

static void Broadcast(void) {
  pthread_t threads[8];
  sem_init(&ready, 0, 0);
  sem_init(&done, 0, 0);
  for (int i = 0; i < 8; ++i) CHECK_INT(pthread_create(&threads[i], NULL, Waiter, NULL), 0);
  for (int i = 0; i < 8; ++i) CHECK_INT(sem_wait(&ready), 0);
  CHECK_ERR(sem_trywait(&done), EAGAIN);
  pthread_mutex_lock(&mutex);
  CHECK_INT(waiting, 8);
  started = 1;
  pthread_cond_broadcast(&start);
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < 8; ++i) CHECK_INT(sem_wait(&done), 0);
  for (int i = 0; i < 8; ++i) pthread_join(threads[i], NULL);
  Ok("broadcast and semaphores");
}

static void TimesOut(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 20000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    ++until.tv_sec;
  }
  pthread_mutex_lock(&mutex);
  CHECK_INT(pthread_cond_timedwait(&start, &mutex, &until), ETIMEDOUT);
  pthread_mutex_unlock(&mutex);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  CHECK(now.tv_sec > until.tv_sec || now.tv_nsec >= until.tv_nsec);
  CHECK_ERR(sem_timedwait(&done, &until), ETIMEDOUT);
  Ok("time-outs");
}

int main(void) {
  Queue();
  Broadcast();
  TimesOut();
  return Finish();
}
