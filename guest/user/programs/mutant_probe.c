// SPDX-License-Identifier: Apache-2.0
//
// A little of everything that a mutant of the kernel gets wrong about memory (proto/mutants.h):
// copy-on-write in both directions and over generations, shared and file mappings, MADV_DONTFORK
// and WIPEONFORK, pins, mprotect, mremap, munmap with tables to free, a whole page table, files
// that are cut, children that come and go. Under a mutant the oracle ends the run half-way.
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
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
  // The table's other user is here while a child changes a part of it, or goes with it untouched.
  for (int way = 0; way < 3; ++way) {
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      if (way == 1) CHECK_INT(mprotect(table + 8 * kPage, 8 * kPage, PROT_NONE), 0);
      if (way == 2) CHECK_INT(munmap(table + 32 * kPage, 8 * kPage), 0);
      _exit(ChildResult());
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    CHECK_INT(table[32 * kPage], (char)('t' + 32));
  }
  CHECK_INT(munmap(at, 2 * kMany * kPage), 0);
}

// A grandchild has what its grandparent wrote, whatever the one in between does.
static void Generations(char* pages) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      pages[0] = 'g';
      _exit(pages[kPage] == 'b' ? 0 : 1);
    }
    pages[kPage] = 'c';
    int status = -1;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    _exit(pages[0] == 'a' ? ChildResult() : 1);
  }
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK_INT(status, 0);
}

// A child puts a page that it shares with its parent into a pipe and goes: what the parent writes
// afterwards is not for the pipe's reader (CVE-2020-29374).
static void Pinned(char* pages) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  pages[0] = 'o';
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    struct iovec page = {pages, kPage};
    CHECK_INT(vmsplice(ends[1], &page, 1, 0), kPage);
    _exit(ChildResult());
  }
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK_INT(status, 0);
  pages[0] = 'n';
  CHECK_INT(close(ends[1]), 0);  // without a child that wrote, the read ends
  char seen = 0;
  CHECK_INT(read(ends[0], &seen, 1), 1);
  CHECK_INT(seen, 'o');
  CHECK_INT(close(ends[0]), 0);
}

// The kernel writes into memory that the child shares: a pipe's byte, not the program's.
static void KernelWrites(char* pages) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  CHECK_INT(write(ends[1], "k", 1), 1);
  CHECK_INT(close(ends[1]), 0);
  pages[0] = 'a';
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    CHECK_INT(read(ends[0], pages, 1), 1);
    _exit(pages[0] == 'k' ? ChildResult() : 1);
  }
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK_INT(status, 0);
  CHECK_INT(pages[0], 'a');
  CHECK_INT(close(ends[0]), 0);
}

// A file of two pages, mapped, loses one of them.
static void CutFile(void) {
  int fd = memfd_create("cut", 0);
  CHECK(fd >= 0);
  CHECK_INT(ftruncate(fd, 2 * kPage), 0);
  char* at = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(at != MAP_FAILED);
  Fill(at, 2, 'f');
  CHECK_INT(ftruncate(fd, kPage), 0);
  CHECK_INT(at[0], 'f');
  CHECK_INT(munmap(at, 2 * kPage), 0);
  CHECK_INT(close(fd), 0);
}

static void MoveAndLock(void) {
  char* at = Map(4, MAP_PRIVATE);
  Fill(at, 4, 'm');
  char* far =
      mremap(at, 4 * kPage, 4 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, (void*)0x210000000000);
  CHECK(far == (char*)0x210000000000);
  CHECK_INT(far[kPage], 'n');
  CHECK_INT(mlock(far, 2 * kPage), 0);
  CHECK_INT(munmap(far, 4 * kPage), 0);
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

  Fill(pages, kPages, 'a');
  Generations(pages);
  KernelWrites(pages);
  Pinned(pages);
  Ok("generations, pins");
  CutFile();
  MoveAndLock();
  Ok("files, moves");
  Fill(pages, kPages, 'p');

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
