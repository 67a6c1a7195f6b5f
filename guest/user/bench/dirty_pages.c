// SPDX-License-Identifier: Apache-2.0
//
// Writes as many pages of its memory as the line on standard input says, and ends. It makes a mark
// first, when all of that memory is there: a host takes a snapshot at the mark and measures the way
// back to it by the number of pages written.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { kPage = 4096, kPages = 2048, kMark = 0x46560002 };

int main(void) {
  char* memory = mmap(NULL, (size_t)kPages * kPage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  memset(memory, 1, (size_t)kPages * kPage);
  prctl(kMark, 1, 0, 0, 0);
  char line[32] = "";
  if (read(STDIN_FILENO, line, sizeof(line) - 1) < 0) return 1;
  const long count = strtol(line, NULL, 10);
  for (long i = 0; i < count && i < kPages; ++i) memory[i * kPage] = 2;
  return 0;
}
