// SPDX-License-Identifier: Apache-2.0
//
// execve from a thread that is not the leader: the other threads end, the new program has the
// process's pid as its thread id; the parent notices nothing but the exit status.
// Rows of docs/fork-features.md: F89.
#include <pthread.h>

#include "guest/user/lib/proc.h"

static Baton never;
static char pid_text[16];

static void* Blocks(void* arg) {
  Take(&never);
  return arg;
}

static void* Executes(void* arg) {
  char* args[] = {"exec_thread", pid_text, NULL};
  char* env[] = {NULL};
  execve("/proc/self/exe", args, env);
  return arg;
}

static void* Spins(void* arg) {
  for (volatile long i = 0;; ++i) {
  }
  return arg;
}

static void Crowd(void* from_thread) {
  snprintf(pid_text, sizeof(pid_text), "%d", getpid());
  pthread_t thread;
  for (int i = 0; i < 3; ++i) CHECK_INT(pthread_create(&thread, NULL, Blocks, NULL), 0);
  CHECK_INT(pthread_create(&thread, NULL, Spins, NULL), 0);
  if (from_thread) {
    CHECK_INT(pthread_create(&thread, NULL, Executes, NULL), 0);
    Take(&never);
  }
  Executes(NULL);
}

int main(int argc, char** argv) {
  if (argc > 1) {
    CHECK_INT(getpid(), atoi(argv[1]));
    CHECK_INT(syscall(SYS_gettid), getpid());
    return fv_failures ? 99 : 24;
  }
  never = MakeBaton();
  CHECK_INT(RunChild(Crowd, NULL), 24);
  Ok("exec by the leader");
  CHECK_INT(RunChild(Crowd, (void*)1), 24);
  Ok("exec by another thread");
  return Finish();
}
