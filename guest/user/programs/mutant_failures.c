// SPDX-License-Identifier: Apache-2.0
//
// Forks that fail at one allocation after the other, for mutants of the kernel that forget to undo
// a step (proto/mutants.h). The calls are bare: nothing but the fork happens between two looks of
// the oracle. Without an argument nothing fails, on Linux as in the guest.
#include <linux/sched.h>
#include <sys/resource.h>

#include "guest/user/lib/fail.h"
#include "guest/user/lib/memory.h"

static bool each;  // fail every allocation in turn

static long Bare(unsigned long flags) {
  int unused[2];
  return syscall(SYS_clone, flags | SIGCHLD, 0, &unused[0], &unused[1], 0);
}

// Forks until it succeeds, the n-th allocation failing the n-th time.
static void Forks(const char* name, unsigned long flags) {
  enum { kMost = 200 };
  long pid = -1;
  for (long n = each ? 1 : 0; pid < 0 && n < kMost; ++n) {
    if (each) prctl(kPrFailNth, n, 0, 0, 0);
    pid = Bare(flags);
    if (pid == 0) _exit(0);
    if (pid < 0) CHECK(errno == ENOMEM || errno == EAGAIN);
  }
  if (each) prctl(kPrFailNth, 0, 0, 0, 0);
  CHECK(pid > 0);
  CHECK_INT(WaitShell((pid_t)pid), 0);
  Ok(name);
}

// The pidfd is installed last, and there is no memory to write its number to. Twice, so that the
// oracle looks right before.
static void ForksWithPidfd(void) {
  for (int i = 0; i < 2; ++i) {
    CHECK_ERR(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, 8, 0, 0), EFAULT);
  }
  Ok("clone with a bad address for the pidfd");
}

int main(int argc, char** argv) {
  each = argc > 1 && strcmp(argv[1], "each") == 0;
  Forks("fork", 0);
  // Mappings with frames of their own, and a second chunk of descriptors.
  unsigned char* memory = Pages(8);
  for (int i = 0; i < 8; i += 2) {
    memory[i * kPage] = 1;
    CHECK_INT(mprotect(memory + i * kPage, kPage, PROT_READ), 0);
  }
  for (int i = 0; i < 70; ++i) CHECK(dup(1) >= 0);
  Forks("fork of more", 0);
  Forks("clone with what is shared", CLONE_FS | CLONE_FILES);
  ForksWithPidfd();
  return Finish();
}
