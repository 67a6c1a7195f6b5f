// SPDX-License-Identifier: Apache-2.0
//
// Copy-on-write over generations: each generation writes one page and forks the next, so that a
// page is shared by any number of ancestors; each sees its own line of writes when it looks again,
// after its descendants have written everything.
// Rows of docs/fork-features.md: F57.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kDepth = 12 };

static unsigned char* pages;

// Page i belongs to generation i: it holds 100 + i in generations >= i, and 0 in those before.
static int Consistent(int generation) {
  for (int i = 0; i < kDepth; ++i) {
    int want = i <= generation ? 100 + i : 0;
    if (pages[i * kPage] != want || pages[i * kPage + 4095] != want) return 0;
  }
  return 1;
}

static void Generation(void* arg) {
  long depth = (long)arg;
  memset(pages + depth * kPage, (int)(100 + depth), kPage);
  CHECK(Consistent((int)depth));
  if (depth + 1 < kDepth) CHECK_INT(RunChild(Generation, (void*)(depth + 1)), 0);
  CHECK(Consistent((int)depth));
}

// Child writes, the grandchild forked before sees the old value, the one forked after the new.
static Baton go;

static void Grandchild(void* want) {
  Take(&go);
  CHECK_INT(pages[0], (long)want);
}

static void OldAndNew(void* unused) {
  (void)unused;
  go = MakeBaton();
  pages[0] = 1;
  pid_t early = Fork(Grandchild, (void*)1L);
  pages[0] = 2;
  pid_t late = Fork(Grandchild, (void*)2L);
  pages[0] = 3;
  Give(&go);
  Give(&go);
  CHECK_INT(WaitShell(early), 0);
  CHECK_INT(WaitShell(late), 0);
  CHECK_INT(pages[0], 3);
}

// The middle of a chain dies: the page passes from grandparent to grandchild.
static void MiddleDies(void* unused) {
  (void)unused;
  pages[kPage] = 50;
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) {
      Take(&go);  // until the middle is gone
      CHECK_INT(pages[kPage], 50);
      pages[kPage] = 51;
      CHECK_INT(pages[kPage], 51);
      Give(&go);
      _exit(ChildResult());
    }
    _exit(0);
  }
  CHECK_INT(WaitShell(child), 0);
  Give(&go);
}

int main(void) {
  pages = Pages(kDepth);
  CHECK_INT(RunChild(Generation, (void*)0L), 0);
  for (int i = 0; i < kDepth; ++i) CHECK_INT(pages[i * kPage], 0);
  Ok("twelve generations");
  CHECK_INT(RunChild(OldAndNew, NULL), 0);
  Ok("forked before and after the write");
  go = MakeBaton();
  CHECK_INT(RunChild(MiddleDies, NULL), 0);
  Ok("the middle dies");
  return Finish();
}
