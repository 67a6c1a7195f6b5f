// SPDX-License-Identifier: Apache-2.0
//
// What core_test looks at: a thread that waits in Wait(), and a process that forks in Split(), each
// with known values in XMM7. Built with debug information and without optimisation.
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int counter = 41;
const char* message = "seen from outside";
static int ends[2];

// A system call without anything around it, so that registers are as they are set here. `result` is
// its number before.
#define CALL_WITH_XMM7(marks, result, a, b, c)          \
  __asm__ volatile("movups %1, %%xmm7\n\tsyscall"       \
                   : "+a"(result)                       \
                   : "m"(marks), "D"(a), "S"(b), "d"(c) \
                   : "rcx", "r11", "memory", "xmm7")

static void* Wait(void* argument) {
  static const int kMarks[4] = {5555, 6666, 7777, 8888};
  char byte;
  long result = SYS_read;
  if (write(ends[1], "", 1) != 1) return 0;
  CALL_WITH_XMM7(kMarks, result, (long)*(int*)argument, &byte, 1L);
  if (result < 0) counter = 0;
  return 0;
}

static long Split(int amount) {
  static const int kMarks[4] = {1111, 2222, 3333, 4444};
  long result = SYS_fork;
  counter += amount;
  CALL_WITH_XMM7(kMarks, result, 0L, 0L, 0L);
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
