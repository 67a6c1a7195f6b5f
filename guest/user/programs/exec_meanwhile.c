// SPDX-License-Identifier: Apache-2.0
//
// A thread executes a program and waits for the others of its process to go, while another process
// maps and unmaps: the address space that is being made belongs to nobody yet.
#include <pthread.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kRounds = 10 };

static char* program;

static void* Sleeps(void* arg) {
  Give(arg);
  for (;;) pause();
  return NULL;
}

static void* Executes(void* arg) {
  (void)arg;
  char* args[] = {program, "child", NULL};
  execv(program, args);
  _exit(98);
}

static void MakesThreads(void* arg) {
  pthread_t sleeper, executor;
  CHECK_INT(pthread_create(&sleeper, NULL, Sleeps, arg), 0);
  Take(arg);
  CHECK_INT(pthread_create(&executor, NULL, Executes, NULL), 0);
  for (;;) pause();
}

int main(int argc, char** argv) {
  if (argc > 1) return 29;
  program = argv[0];
  Baton asleep = MakeBaton();
  for (int i = 0; i < kRounds; ++i) {
    pid_t child = Fork(MakesThreads, &asleep);
    int status = 0;
    do {
      unsigned char* memory = Pages(1);
      memory[0] = 1;
      CHECK_INT(munmap(memory, kPage), 0);
    } while (waitpid(child, &status, WNOHANG) == 0);
    CHECK_INT(ShellStatus(status), 29);
  }
  Ok("executed");
  return Finish();
}
