// SPDX-License-Identifier: Apache-2.0
//
// A thread made by hand, as a C library makes it: shared everything, a stack of its own, its TLS
// base by CLONE_SETTLS, its id written and cleared, the joiner woken by the kernel's futex.
// Rows of docs/fork-features.md: F21 F26 F28 F29 F66.
#include <asm/prctl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdint.h>

#include "guest/user/lib/proc.h"

static char stack[65536] __attribute__((aligned(16)));
static volatile pid_t thread_id, parent_tid;
static volatile long in_thread[4];
static uint64_t fake_tls[8];

// The child must not touch the C library (its TLS is ours): raw system calls only.
static long Raw(long number, long a, long b) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
  return result;
}

void ThreadMain(void);

__attribute__((noreturn, used)) void ThreadMain(void) {
  uint64_t tls_word;
  __asm__ volatile("mov %%fs:0, %0" : "=r"(tls_word));
  in_thread[0] = Raw(SYS_getpid, 0, 0);
  in_thread[1] = Raw(SYS_gettid, 0, 0);
  in_thread[2] = (long)tls_word;
  in_thread[3] = thread_id;
  for (;;) Raw(SYS_exit, 0, 0);
}

static long MakeThread(unsigned long flags) {
  register long r10 __asm__("r10") = (long)&thread_id;
  register long r8 __asm__("r8") = (long)fake_tls;
  long result;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "call ThreadMain\n\t"
      "1:"
      : "=a"(result)
      : "0"((long)SYS_clone), "D"(flags), "S"(stack + sizeof(stack)), "d"(&parent_tid), "r"(r10),
        "r"(r8)
      : "rcx", "r11", "memory");
  return result;
}

int main(void) {
  fake_tls[0] = 0x1234567;
  thread_id = -1;
  long tid =
      MakeThread(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID);
  CHECK(tid > 0);
  for (pid_t seen; (seen = thread_id) != 0;) {
    syscall(SYS_futex, &thread_id, FUTEX_WAIT, seen, NULL, NULL, 0);
  }
  CHECK_INT(parent_tid, tid);
  CHECK_INT(in_thread[0], getpid());
  CHECK_INT(in_thread[1], tid);
  CHECK_INT(in_thread[2], 0x1234567);
  CHECK_INT(in_thread[3], tid);
  CHECK(tid != getpid());
  Ok("thread ran, its id was cleared, the futex woke us");
  CHECK_ERR(waitpid((pid_t)tid, NULL, __WALL), ECHILD);
  Ok("a thread is not waited for");
  uint64_t base = 0;
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_FS, &base) == 0);
  CHECK(base != 0 && base != (uint64_t)(uintptr_t)fake_tls);
  Ok("our own TLS is untouched");
  return Finish();
}
