// SPDX-License-Identifier: Apache-2.0
//
// The smallest program: one line on stdout, one on stderr, exit status 0. Built for every C library
// and link mode.
#include <stdio.h>

int main(void) {
  printf("hello from a static program\n");
  fprintf(stderr, "and a line on stderr\n");
  return 0;
}
