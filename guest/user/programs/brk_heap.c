// SPDX-License-Identifier: Apache-2.0
//
// The program break: grows, shrinks, gives zeroed memory, is inherited by fork and then separate;
// malloc and realloc on top of it.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static unsigned char* Break(void) { return (unsigned char*)syscall(SYS_brk, 0); }

static void Child(void* start) {
  unsigned char* heap = (unsigned char*)start;
  CHECK(Break() == heap + 4 * kPage);
  CHECK_INT(heap[0], 1);
  CHECK((unsigned char*)syscall(SYS_brk, heap + 20 * kPage) == heap + 20 * kPage);
  heap[19 * kPage] = 5;
  heap[0] = 2;
}

static unsigned char* SetBreak(unsigned char* at) { return (unsigned char*)syscall(SYS_brk, at); }

// A page stays free below the next mapping; what the program unmapped itself is not given back.
static void Crowded(void* start) {
  unsigned char* heap = (unsigned char*)start;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  CHECK(mmap(heap + 8 * kPage, kPage, PROT_NONE, flags, -1, 0) == heap + 8 * kPage);
  CHECK(SetBreak(heap + 8 * kPage) == heap + 4 * kPage);
  CHECK(SetBreak(heap + 12 * kPage) == heap + 4 * kPage);
  CHECK(SetBreak(heap + 7 * kPage) == heap + 7 * kPage);
  CHECK_INT(munmap(heap, 7 * kPage), 0);
  CHECK(SetBreak(heap + 2 * kPage) == heap + 7 * kPage);
  CHECK(SetBreak(heap + 7 * kPage - 5) == heap + 7 * kPage - 5);
}

int main(void) {
  unsigned char* start = Break();
  start = (unsigned char*)(((uintptr_t)start + kPage - 1) & ~(uintptr_t)(kPage - 1));
  unsigned char* end = start + 4 * kPage;
  CHECK((unsigned char*)syscall(SYS_brk, end) == end);
  CHECK_INT(start[4 * kPage - 1], 0);
  start[0] = 1;
  start[3 * kPage] = 7;
  CHECK_INT(RunChild(Child, start), 0);
  CHECK(Break() == end);
  CHECK_INT(start[0], 1);
  Ok("over fork");
  CHECK((unsigned char*)syscall(SYS_brk, start + kPage) == start + kPage);
  CHECK_INT(ProbeRead(start + 3 * kPage), -SIGSEGV);
  CHECK((unsigned char*)syscall(SYS_brk, end) == end);
  CHECK_INT(start[3 * kPage], 0);  // fresh again
  CHECK_INT(start[0], 1);
  CHECK((unsigned char*)syscall(SYS_brk, 4096) == end);    // below the start: no change
  CHECK((unsigned char*)syscall(SYS_brk, -4096L) == end);  // nor beyond all memory
  CHECK_INT(RunChild(Crowded, start), 0);
  Ok("grow and shrink");
  unsigned char* blocks[200];
  for (int i = 0; i < 200; ++i) {
    blocks[i] = malloc((size_t)(i * 137 % 5000 + 1));
    memset(blocks[i], i, (size_t)(i * 137 % 5000 + 1));
  }
  for (int i = 0; i < 200; i += 2) blocks[i] = realloc(blocks[i], 20000);
  for (int i = 0; i < 200; ++i) {
    CHECK_INT(blocks[i][0], i & 255);
    free(blocks[i]);
  }
  Ok("malloc");
  return Finish();
}
