// SPDX-License-Identifier: Apache-2.0
//
// What core_test looks at: a thread that waits in Wait(), and a process that forks in Split() with
// a known value in XMM7. Built with debug information and without optimisation.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

int counter = 41;
const char* message = "seen from outside";
static int ends[2];

static void* Wait(void* argument) {
  char byte;
  if (write(ends[1], "", 1) == 1 && read(*(int*)argument, &byte, 1) < 0) counter = 0;
  return 0;
}

// fork(2) without anything around it, so that registers are as they are set here.
static long Split(int amount) {
  static const int kMarks[4] = {1111, 2222, 3333, 4444};
  long result = 57;
  counter += amount;
  __asm__ volatile("movups %1, %%xmm7\n\tsyscall"
                   : "+a"(result)
                   : "m"(kMarks)
                   : "rcx", "r11", "memory", "xmm7");
  return result;
}

int main(void) {
  int never[2];
  char byte;
  pthread_t thread;
  if (pipe(ends) != 0 || pipe(never) != 0) return 1;
  if (pthread_create(&thread, 0, Wait, &never[0]) != 0) return 2;
  if (read(ends[0], &byte, 1) != 1) return 3;  // the thread is there
  if (Split(1) == 0) _exit(0);
  wait(0);
  return 5;
}
