// SPDX-License-Identifier: Apache-2.0
//
// A little of everything that a mutant of the kernel gets wrong (proto/mutants.h): copy-on-write in
// both directions, shared and file mappings, MADV_DONTFORK and WIPEONFORK, mprotect, munmap with
// tables to free, a whole page table, children that come and go. Under a mutant the oracle ends the
// run half-way.
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest/user/lib/check.h"

enum { kPage = 4096, kPages = 8 };

static char* Map(size_t pages, int flags) {
  char* at = mmap(NULL, pages * kPage, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
  CHECK(at != MAP_FAILED);
  return at;
}

static void Fill(char* at, size_t pages, char value) {
  for (size_t i = 0; i < pages; ++i) memset(at + i * kPage, value + (char)i, kPage);
}

// Forks; the child changes its copies, the parent then changes its own.
static void ForkAndWrite(char* private_pages, char* shared) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    for (int i = 0; i < kPages; i += 2) private_pages[i * kPage] = 'c';
    shared[0] = 'c';
    _exit(private_pages[kPage] == 'b' ? 0 : 1);
  }
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK_INT(status, 0);
  CHECK_INT(private_pages[0], 'a');
  CHECK_INT(shared[0], 'c');
  for (int i = 0; i < kPages; ++i) private_pages[i * kPage] = 'p';
}

// Enough of a page table that a strategy that shares tables shares it; both sides write into it.
static void ForkWithAFullTable(void) {
  enum { kMany = 512 };
  char* at = Map(2 * kMany, MAP_PRIVATE);
  char* table = (char*)(((uintptr_t)at + kMany * kPage - 1) & ~((uintptr_t)kMany * kPage - 1));
  Fill(table, kMany, 't');
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    table[3 * kPage] = 'c';
    _exit(table[0] == 't' ? 0 : 1);
  }
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK_INT(status, 0);
  CHECK_INT(table[3 * kPage], 't' + 3);
  table[3 * kPage] = 'p';
  CHECK_INT(munmap(at, 2 * kMany * kPage), 0);
}

int main(void) {
  ForkWithAFullTable();
  Ok("a full page table");

  char* fresh = Map(4, MAP_PRIVATE);
  volatile char sum = fresh[0];  // the zero frame
  sum = (char)(sum + fresh[kPage]);
  CHECK_INT(sum, 0);

  char* pages = Map(kPages, MAP_PRIVATE);
  char* shared = Map(2, MAP_SHARED);
  char* kept_out = Map(2, MAP_PRIVATE);
  char* wiped = Map(2, MAP_PRIVATE);
  Fill(pages, kPages, 'a');
  Fill(shared, 2, 's');
  Fill(kept_out, 2, 'k');
  Fill(wiped, 2, 'w');
  CHECK_INT(madvise(kept_out, 2 * kPage, MADV_DONTFORK), 0);
  CHECK_INT(madvise(wiped, 2 * kPage, MADV_WIPEONFORK), 0);
  for (int i = 0; i < 3; ++i) {
    Fill(pages, kPages, 'a');
    ForkAndWrite(pages, shared);
  }
  Ok("copy-on-write");

  CHECK_INT(mprotect(pages, kPages * kPage, PROT_READ), 0);
  CHECK_INT(pages[0], 'p');
  CHECK_INT(munmap(pages, kPages * kPage), 0);
  // Alone in its page table, so that the table goes with it.
  char* far_away = mmap((void*)0x200000000000, kPage, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  CHECK(far_away == (char*)0x200000000000);
  *far_away = 1;
  CHECK_INT(munmap(far_away, kPage), 0);
  Ok("protection, unmapping");
  return Finish();
}
