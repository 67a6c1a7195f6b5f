// SPDX-License-Identifier: Apache-2.0
//
// References to a task and to its address space, stage by stage: alone, with a child, with a child
// that shares the memory, with a pidfd on it, a zombie, nobody. At each stage a mark (proto/fail.h)
// lets tests/task_counts_test.cc read the counts from outside. Rows of docs/fork-features.md: F03,
// F65.
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "guest/user/lib/proc.h"

enum { kPrMark = 0x46560002 };

static void Mark(int stage, pid_t pid) { prctl(kPrMark, stage, pid, 0, 0); }

static Baton gate;
static char stack[16384] __attribute__((aligned(16)));

static void Waits(void* unused) {
  (void)unused;
  Take(&gate);
}

static int SharesMemory(void* unused) {
  Waits(unused);
  syscall(SYS_exit, 0);
  return 0;
}

int main(void) {
  gate = MakeBaton();
  Mark(1, getpid());
  pid_t child = Fork(Waits, NULL);
  Mark(2, child);
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  CHECK(pidfd >= 0);
  Mark(3, child);
  CHECK_INT(close(pidfd), 0);
  Mark(4, child);
  Give(&gate);
  siginfo_t info;
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
  Mark(5, child);
  CHECK_INT(WaitShell(child), 0);
  Mark(6, child);
  Ok("process");

  child = clone(SharesMemory, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
  CHECK(child > 0);
  Mark(7, child);
  Give(&gate);
  CHECK_INT(WaitShell(child), 0);
  Mark(8, getpid());
  Ok("shared memory");
  return Finish();
}
