// SPDX-License-Identifier: Apache-2.0
//
// Copy-on-write when only one sharer is left: after the child has gone, the parent's writes find
// its own contents page by page; the same when the parent goes first and the child goes on; and
// when pages are dropped by munmap or exec instead of exit.
// Rows of docs/fork-features.md: F61 F99.
#include <sys/prctl.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kPages = 64 };

static unsigned char* memory;
static Baton go, ready;

static void Nothing(void* unused) { (void)unused; }

static void Unmaps(void* unused) {
  (void)unused;
  CHECK_INT(munmap(memory, kPages * kPage), 0);
  Give(&ready);
  Take(&go);
}

static void Executes(void* unused) {
  (void)unused;
  char* args[] = {"cow_reuse", "child", NULL};
  execv("/proc/self/exe", args);
}

static void Rewrite(const char* name, uint32_t from, uint32_t to) {
  CHECK_INT(BadPages(memory, kPages, from), 0);
  FillPages(memory, kPages, to);
  CHECK_INT(BadPages(memory, kPages, to), 0);
  Ok(name);
}

static void OutlivesParent(void) {
  Take(&go);
  CHECK_INT(BadPages(memory, kPages, 5), 0);
  FillPages(memory, kPages, 6);
  CHECK_INT(BadPages(memory, kPages, 6), 0);
  _exit(fv_failures ? 99 : 7);
}

static void MakesOrphan(void* unused) {
  (void)unused;
  FillPages(memory, kPages, 5);
  if (fork() == 0) OutlivesParent();
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) return 9;
  memory = Pages(kPages);
  go = MakeBaton();
  ready = MakeBaton();
  FillPages(memory, kPages, 1);
  CHECK_INT(RunChild(Nothing, NULL), 0);
  Rewrite("the child exits", 1, 2);
  pid_t child = Fork(Unmaps, NULL);
  Take(&ready);
  Rewrite("the child unmaps", 2, 3);
  Give(&go);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(RunChild(Executes, NULL), 9);
  Rewrite("the child executes", 3, 4);
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  CHECK_INT(RunChild(MakesOrphan, NULL), 0);
  Give(&go);
  int status = 0;
  CHECK(wait(&status) > 0);
  CHECK_INT(ShellStatus(status), 7);
  Rewrite("the parent goes first", 4, 8);
  return Finish();
}
