// SPDX-License-Identifier: Apache-2.0
//
// Barriers: threads step through rounds together; in each round exactly one is the serial one, and
// nobody sees a neighbour from another round.
#include <pthread.h>

#include "guest/user/lib/proc.h"

enum { kThreads = 5, kRounds = 100 };

static pthread_barrier_t barrier;
static volatile int round_of[kThreads];
static int serial;

static void* Body(void* arg) {
  long me = (long)arg;
  for (int round = 1; round <= kRounds; ++round) {
    round_of[me] = round;
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
      __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
    }
    for (int i = 0; i < kThreads; ++i) CHECK_INT(round_of[i], round);
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[kThreads];
  CHECK_INT(pthread_barrier_init(&barrier, NULL, kThreads), 0);
  for (long i = 0; i < kThreads; ++i) {
    CHECK_INT(pthread_create(&threads[i], NULL, Body, (void*)i), 0);
  }
  for (int i = 0; i < kThreads; ++i) CHECK_INT(pthread_join(threads[i], NULL), 0);
  CHECK_INT(serial, kRounds);
  Ok("barrier");
  return Finish();
}
