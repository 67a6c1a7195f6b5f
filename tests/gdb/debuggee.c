// SPDX-License-Identifier: Apache-2.0
//
// What gdb_test debugs: built with debug information and without optimisation. Forks; parent and
// child call the same function with other arguments; ends with status 5.
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int counter = 41;
char spare[] = "beside it";

static int Work(int amount) {
  int twice = amount * 2;
  counter += twice;
  return counter;
}

int main(void) {
  int first = Work(3);
  pid_t child = fork();
  if (child == 0) {
    Work(100);
    _exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("first %d, child %d, counter %d\n", first, WEXITSTATUS(status), counter);
  return 5;
}
