// SPDX-License-Identifier: Apache-2.0
//
// A write through a wild pointer, which nobody handles: SIGSEGV ends the program.
#include <stdio.h>

static int* volatile wild = (int*)0x18;

int main(void) {
  puts("before");
  fflush(stdout);
  *wild = 1;
  puts("after");
  return 0;
}
