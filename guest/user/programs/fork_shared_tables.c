// SPDX-License-Identifier: Apache-2.0
//
// F95: fork of memory that fills whole page tables, and everything that parts parent and child
// afterwards: writes, reads of fresh pages, munmap, madvise, mprotect, mremap, the kernel's writes,
// generations, exec. The contents are the same whether fork copies entries, tables at need or
// pages.
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest/user/lib/check.h"

enum { kPage = 4096, kTable = 512 * kPage, kTables = 3, kBytes = kTables * kTable };

static char* memory;

static uint64_t* Word(size_t offset) { return (uint64_t*)(memory + offset); }

static void Fill(void) {
  for (size_t at = 0; at < kBytes; at += kPage) *Word(at) = at;
}

// Whether [from, to) holds what Fill wrote.
static int Original(size_t from, size_t to) {
  for (size_t at = from; at < to; at += kPage) {
    if (*Word(at) != at) return 0;
  }
  return 1;
}

// Runs `child` in a child and `parent` in the parent, at the same time; both must return 1.
static void Part(const char* what, int (*child)(void), int (*parent)(void)) {
  Fill();
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) _exit(child() ? 0 : 1);
  CHECK(parent());
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK_INT(status, 0);
  Ok(what);
}

static int Untouched(void) { return Original(0, kBytes); }

static int WriteFirstTable(void) {
  for (size_t at = 0; at < kTable; at += 7 * kPage) *Word(at) = ~at;
  for (size_t at = 0; at < kTable; at += 7 * kPage) {
    if (*Word(at) != ~at) return 0;
  }
  return *Word(kPage) == kPage && Original(kTable, kBytes);
}

static int DropAndRead(void) {
  if (madvise(memory + kPage, kTable, MADV_DONTNEED) != 0) return 0;
  return *Word(0) == 0 && *Word(kPage) == 0 && *Word(kTable) == 0 &&
         Original(kTable + kPage, kBytes);
}

static int UnmapMiddle(void) {
  const size_t from = kTable / 2;
  if (munmap(memory + from, kTable) != 0) return 0;
  return Original(0, from) && Original(from + kTable, kBytes);
}

static int Protect(void) {
  if (mprotect(memory, kTable + kPage, PROT_READ) != 0) return 0;
  int zero = open("/dev/zero", O_RDONLY);
  return zero >= 0 && read(zero, memory, kPage) < 0 &&
         read(zero, memory + kTable + kPage, 8) == 8 && *Word(kTable + kPage) == 0 &&
         Original(0, kTable);
}

static int Move(void) {
  char* to = mremap(memory, kTable, kTable, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  if (to == MAP_FAILED) return 0;
  for (size_t at = 0; at < kTable; at += kPage) {
    if (*(uint64_t*)(to + at) != at || *Word(at) != 0) return 0;
  }
  return Original(kTable, kBytes);
}

static int Generations(void) {
  pid_t pid = fork();
  if (pid < 0) return 0;
  if (pid == 0) _exit(WriteFirstTable() ? 0 : 1);
  *Word(2 * kPage) = 1;
  int status = -1;
  return waitpid(pid, &status, 0) == pid && status == 0 && *Word(2 * kPage) == 1 && *Word(0) == 0 &&
         Original(3 * kPage, kBytes);
}

static int Exec(void) {
  execl("/proc/self/exe", "fork_shared_tables", "leave", (char*)NULL);
  return 0;
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) return 0;
  char* at =
      mmap(NULL, kBytes + kTable, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(at != MAP_FAILED);
  memory = (char*)(((uintptr_t)at + kTable - 1) & ~((uintptr_t)kTable - 1));
  Part("the child writes", WriteFirstTable, Untouched);
  Part("the parent writes", Untouched, WriteFirstTable);
  Part("both write", WriteFirstTable, WriteFirstTable);
  Part("fresh pages", DropAndRead, Untouched);
  Part("fresh pages in the parent", Untouched, DropAndRead);
  Part("protection", Protect, Untouched);
  Part("generations", Generations, Untouched);
  Part("exec", Exec, WriteFirstTable);
  Part("moving", Move, Untouched);
  Part("unmapping", UnmapMiddle, Untouched);
  Part("unmapping in the parent", Untouched, UnmapMiddle);
  return Finish();
}
