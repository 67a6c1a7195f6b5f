// SPDX-License-Identifier: Apache-2.0
//
// A bit of everything at once, by a fixed seed: threads that map, unmap, fork, execute, signal and
// talk through pipes side by side; at the end all children are reaped and all sums are right.
#include <pthread.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kThreads = 4, kSteps = 40 };

static volatile int handled;

static void OnSignal(int signal_number) {
  (void)signal_number;
  __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static uint32_t Random(uint32_t* seed, uint32_t below) {
  *seed = *seed * 1664525u + 1013904223u;
  return (*seed >> 8) % below;
}

static void MapAndFill(uint32_t* seed) {
  size_t pages = 1 + Random(seed, 30);
  unsigned char* memory = Pages(pages);
  FillPages(memory, pages, *seed);
  CHECK_INT(BadPages(memory, pages, *seed), 0);
  CHECK_INT(munmap(memory, pages * kPage), 0);
}

static void ChildFills(void* seed) {
  unsigned char* memory = Pages(10);
  FillPages(memory, 10, (uint32_t)(long)seed);
  _exit(BadPages(memory, 10, (uint32_t)(long)seed) == 0 ? 3 : 4);
}

static void ExecutesSelf(void) {
  pid_t child = fork();
  if (child == 0) {
    char* args[] = {"mixed_stress", "child", NULL};
    execv("/proc/self/exe", args);
    _exit(98);
  }
  CHECK_INT(WaitShell(child), 29);
}

static void Talks(uint32_t* seed) {
  int fds[2];
  uint32_t sent = *seed, got = 0;
  CHECK_INT(pipe(fds), 0);
  pid_t child = fork();
  if (child == 0) _exit(write(fds[1], &sent, sizeof(sent)) == sizeof(sent) ? 0 : 1);
  ssize_t n;
  do {
    n = read(fds[0], &got, sizeof(got));
  } while (n < 0 && errno == EINTR);
  CHECK_INT(n, sizeof(got));
  CHECK_INT(got, sent);
  CHECK_INT(WaitShell(child), 0);
  close(fds[0]);
  close(fds[1]);
}

static void* Body(void* arg) {
  uint32_t seed = (uint32_t)(long)arg * 7919;
  for (int i = 0; i < kSteps; ++i) {
    switch (Random(&seed, 5)) {
      case 0:
        MapAndFill(&seed);
        break;
      case 1:
        CHECK_INT(RunChild(ChildFills, (void*)(long)seed), 3);
        break;
      case 2:
        ExecutesSelf();
        break;
      case 3:
        Talks(&seed);
        break;
      default:
        raise(SIGUSR1);
    }
  }
  return NULL;
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) return 29;
  Handle(SIGUSR1, OnSignal, SA_RESTART);
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; ++i) {
    CHECK_INT(pthread_create(&threads[i], NULL, Body, (void*)(i + 1)), 0);
  }
  for (int i = 0; i < kThreads; ++i) CHECK_INT(pthread_join(threads[i], NULL), 0);
  CHECK_ERR(wait(NULL), ECHILD);
  CHECK(handled > 0);
  Say("%d signals handled", handled);
  Ok("mixed");
  return Finish();
}
