// SPDX-License-Identifier: Apache-2.0
//
// Detached threads leave nothing to join; cancellation runs the clean-up handlers; attributes set
// the stack's size.
#include <pthread.h>
#include <semaphore.h>

#include "guest/user/lib/proc.h"

static sem_t left, at_wait;
static int cleaned;
static volatile pid_t cancelled_id;

static void* Detached(void* arg) {
  if (arg) pthread_detach(pthread_self());
  sem_post(&left);
  return NULL;
}

static void CleanUp(void* arg) { cleaned += *(int*)arg; }

static void* Cancelled(void* arg) {
  pthread_cleanup_push(CleanUp, arg);
  int fds[2];
  char byte;
  CHECK(pipe(fds) == 0);
  cancelled_id = (pid_t)syscall(SYS_gettid);
  sem_post(&at_wait);
  (void)!read(fds[0], &byte, 1);  // a cancellation point; nobody ever writes
  pthread_cleanup_pop(0);
  return NULL;
}

static void* BigFrame(void* arg) {
  volatile char frame[900000];
  frame[0] = 1;
  frame[sizeof(frame) - 1] = 2;
  return frame[0] + frame[sizeof(frame) - 1] == 3 ? arg : NULL;
}

int main(void) {
  sem_init(&left, 0, 0);
  sem_init(&at_wait, 0, 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  for (long i = 0; i < 40; ++i) {
    CHECK_INT(pthread_create(&thread, i % 2 ? &attributes : NULL, Detached, (void*)(1 - i % 2)), 0);
  }
  for (int i = 0; i < 40; ++i) CHECK_INT(sem_wait(&left), 0);
  Ok("detached");
  int amount = 5;
  void* result = NULL;
  CHECK_INT(pthread_create(&thread, NULL, Cancelled, &amount), 0);
  sem_wait(&at_wait);
  AwaitSleep(getpid(), cancelled_id);
  CHECK_INT(pthread_cancel(thread), 0);
  CHECK_INT(pthread_join(thread, &result), 0);
  CHECK(result == PTHREAD_CANCELED);
  CHECK_INT(cleaned, 5);
  Ok("cancelled");
  pthread_attr_init(&attributes);
  CHECK_INT(pthread_attr_setstacksize(&attributes, 1 << 20), 0);
  CHECK_INT(pthread_create(&thread, &attributes, BigFrame, &amount), 0);
  CHECK_INT(pthread_join(thread, &result), 0);
  CHECK(result == &amount);
  Ok("stack size");
  return Finish();
}
