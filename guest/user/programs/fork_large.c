// SPDX-License-Identifier: Apache-2.0
//
// Fork of a process with many touched pages (48 MiB): the child sees all, writes some, the parent
// keeps its own; then a hole is punched and read-only and shared parts lie between.
// Rows of docs/fork-features.md: F59.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kPages = 12288 };

static unsigned char* memory;

static void Child(void* unused) {
  (void)unused;
  CHECK_INT(BadPages(memory, kPages, 7), 0);
  FillPages(memory + 100 * kPage, 500, 8);
  CHECK_INT(BadPages(memory + 100 * kPage, 500, 8), 0);
  CHECK_INT(BadPages(memory, 100, 7), 0);
}

static void ChildWithHoles(void* unused) {
  (void)unused;
  CHECK_INT(ProbeRead(memory + 1000 * kPage), -SIGSEGV);
  CHECK_INT(ProbeWrite(memory + 2000 * kPage, 1), -SIGSEGV);
  CHECK_INT(ProbeRead(memory + 3000 * kPage), 0);
  FillPages(memory + 4000 * kPage, 10, 9);
}

int main(void) {
  memory = Pages(kPages);
  FillPages(memory, kPages, 7);
  CHECK_INT(RunChild(Child, NULL), 0);
  CHECK_INT(BadPages(memory, kPages, 7), 0);
  Ok("48 MiB");
  CHECK(munmap(memory + 1000 * kPage, 100 * kPage) == 0);
  CHECK(mprotect(memory + 2000 * kPage, 100 * kPage, PROT_READ) == 0);
  CHECK(madvise(memory + 3000 * kPage, 100 * kPage, MADV_DONTNEED) == 0);
  CHECK(mmap(memory + 4000 * kPage, 100 * kPage, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + 4000 * kPage);
  CHECK_INT(RunChild(ChildWithHoles, NULL), 0);
  CHECK_INT(BadPages(memory + 4000 * kPage, 10, 9), 0);
  CHECK_INT(BadPages(memory, 1000, 7), 0);
  Ok("with holes, read-only and shared parts");
  return Finish();
}
