// SPDX-License-Identifier: Apache-2.0
//
// Futex calls and sleeping threads for test programs. See check.h and proc.h.
#pragma once

#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static inline long Futex(uint32_t* word, int operation, uint32_t value, const void* timeout,
                         uint32_t* word2, uint32_t value3) {
  return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, timeout, word2, value3);
}

static inline long LockPi(uint32_t* word) { return Futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0); }
static inline long UnlockPi(uint32_t* word) {
  return Futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

// A thread that runs `body` and is known to sleep in it.
typedef struct {
  pthread_t thread;
  volatile pid_t id;
  void (*body)(void*);
  void* arg;
} Sleeper;

static inline void* RunSleeper(void* arg) {
  Sleeper* sleeper = (Sleeper*)arg;
  __atomic_store_n(&sleeper->id, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
  sleeper->body(sleeper->arg);
  return NULL;
}

// Starts `body(arg)` and returns when the thread sleeps for the first time.
static inline void StartSleeper(Sleeper* sleeper, void (*body)(void*), void* arg) {
  sleeper->id = 0;
  sleeper->body = body;
  sleeper->arg = arg;
  CHECK_INT(pthread_create(&sleeper->thread, NULL, RunSleeper, sleeper), 0);
  while (__atomic_load_n(&sleeper->id, __ATOMIC_SEQ_CST) == 0) Rest();
  AwaitSleep(getpid(), sleeper->id);
}

static inline void SetFifo(pid_t id, int priority) {
  struct sched_param param = {.sched_priority = priority};
  CHECK_INT(syscall(SYS_sched_setscheduler, id, priority > 0 ? SCHED_FIFO : SCHED_OTHER, &param),
            0);
}
