// SPDX-License-Identifier: Apache-2.0
//
// Ends as its arguments say; the whole-VM test compares the exit status of the run:
//   exit N | return N | _exit N | signal N | abort | segv | fpe | ill | trap | args ... | stdin
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void AtExit(void) { printf("atexit ran\n"); }

// Copies stdin to stdout and counts on stderr.
static int CopyInput(void) {
  char buffer[777];
  size_t total = 0;
  ssize_t n;
  while ((n = read(0, buffer, sizeof(buffer))) > 0) {
    if (write(1, buffer, (size_t)n) != n) return 3;
    total += (size_t)n;
  }
  fprintf(stderr, "%zu bytes\n", total);
  return n == 0 ? 0 : 4;
}

static void Fault(const char* how) {
  volatile int zero = 0;
  if (strcmp(how, "segv") == 0) *(volatile int*)(16 + (long)zero) = 1;
  if (strcmp(how, "fpe") == 0) zero = 1 / zero;
  if (strcmp(how, "ill") == 0) __asm__ volatile("ud2");
  if (strcmp(how, "trap") == 0) __asm__ volatile("int3");
}

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "return";
  int number = argc > 2 ? atoi(argv[2]) : 0;
  atexit(AtExit);
  if (strcmp(how, "exit") == 0) exit(number);
  if (strcmp(how, "_exit") == 0) _exit(number);
  if (strcmp(how, "signal") == 0) kill(getpid(), number);
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "stdin") == 0) return CopyInput();
  if (strcmp(how, "args") == 0) {
    for (int i = 0; i < argc; ++i) printf("%d '%s'\n", i, i == 0 ? "-" : argv[i]);
  }
  Fault(how);
  return number;
}
