// SPDX-License-Identifier: Apache-2.0
//
// Threads that break copy-on-write together: after a fork all threads write into the same pages at
// once while the child checks its own view; nobody's write is lost and the child sees none.
#include <pthread.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kThreads = 4, kPages = 40, kRounds = 8 };

static unsigned char* memory;
static pthread_barrier_t barrier;
static Baton go;
static volatile int generation;

// Thread t owns byte t of every page.
static void* Writer(void* arg) {
  long me = (long)arg;
  for (int round = 1; round <= kRounds; ++round) {
    pthread_barrier_wait(&barrier);  // the fork is done
    for (int i = 0; i < kPages; ++i) memory[i * kPage + me] = (unsigned char)round;
    pthread_barrier_wait(&barrier);  // all have written
    for (int i = 0; i < kPages; ++i) {
      for (int t = 0; t < kThreads; ++t) {
        if (memory[i * kPage + t] != round) CHECK_INT(memory[i * kPage + t], round);
      }
    }
    pthread_barrier_wait(&barrier);  // all have looked
  }
  return NULL;
}

static void Child(void* want) {
  Take(&go);
  for (int i = 0; i < kPages; ++i) {
    for (int t = 0; t < kThreads; ++t) {
      if (memory[i * kPage + t] != (long)want) CHECK_INT(memory[i * kPage + t], (long)want);
    }
  }
  FillPages(memory, kPages, 77);
  CHECK_INT(BadPages(memory, kPages, 77), 0);
}

int main(void) {
  memory = Pages(kPages);
  go = MakeBaton();
  CHECK_INT(pthread_barrier_init(&barrier, NULL, kThreads + 1), 0);
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; ++i) {
    CHECK_INT(pthread_create(&threads[i], NULL, Writer, (void*)i), 0);
  }
  for (long round = 1; round <= kRounds; ++round) {
    pid_t child = Fork(Child, (void*)(round - 1));
    pthread_barrier_wait(&barrier);
    if (round % 2) Give(&go);
    pthread_barrier_wait(&barrier);
    if (round % 2 == 0) Give(&go);
    CHECK_INT(WaitShell(child), 0);
    pthread_barrier_wait(&barrier);
  }
  for (int i = 0; i < kThreads; ++i) CHECK_INT(pthread_join(threads[i], NULL), 0);
  Ok("eight rounds");
  return Finish();
}
