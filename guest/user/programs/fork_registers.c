// SPDX-License-Identifier: Apache-2.0
//
// Every register that the ABI keeps over a system call keeps its value over fork, in both
// processes, and over a page fault and a preemption; rcx and r11 are all that a call may change.
#include <stdint.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

// Loads patterns into all registers, makes the system call `number`, and stores them to out[15].
static long CallWithPatterns(long number, uint64_t* out) {
  long result;
  __asm__ volatile(
      "push %%rbp\n\t"
      "push %%rbx\n\t"
      "push %[out]\n\t"
      "mov $0x1111111111111111, %%rbx\n\t"
      "mov $0x2222222222222222, %%rbp\n\t"
      "mov $0x3333333333333333, %%rdi\n\t"
      "mov $0x4444444444444444, %%rsi\n\t"
      "mov $0x5555555555555555, %%rdx\n\t"
      "mov $0x6666666666666666, %%r8\n\t"
      "mov $0x7777777777777777, %%r9\n\t"
      "mov $0x0888888888888888, %%r10\n\t"
      "mov $0x0999999999999999, %%r12\n\t"
      "mov $0x0aaaaaaaaaaaaaaa, %%r13\n\t"
      "mov $0x0bbbbbbbbbbbbbbb, %%r14\n\t"
      "mov $0x0ccccccccccccccc, %%r15\n\t"
      "syscall\n\t"
      "mov (%%rsp), %%rcx\n\t"
      "mov %%rbx, 0(%%rcx)\n\t"
      "mov %%rbp, 8(%%rcx)\n\t"
      "mov %%rdi, 16(%%rcx)\n\t"
      "mov %%rsi, 24(%%rcx)\n\t"
      "mov %%rdx, 32(%%rcx)\n\t"
      "mov %%r8, 40(%%rcx)\n\t"
      "mov %%r9, 48(%%rcx)\n\t"
      "mov %%r10, 56(%%rcx)\n\t"
      "mov %%r12, 64(%%rcx)\n\t"
      "mov %%r13, 72(%%rcx)\n\t"
      "mov %%r14, 80(%%rcx)\n\t"
      "mov %%r15, 88(%%rcx)\n\t"
      "pop %%rcx\n\t"
      "pop %%rbx\n\t"
      "pop %%rbp\n\t"
      : "=a"(result)
      : "0"(number), [out] "r"(out)
      : "rdi", "rsi", "rdx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
        "cc");
  return result;
}

static const uint64_t kWant[12] = {0x1111111111111111, 0x2222222222222222, 0x3333333333333333,
                                   0x4444444444444444, 0x5555555555555555, 0x6666666666666666,
                                   0x7777777777777777, 0x0888888888888888, 0x0999999999999999,
                                   0x0aaaaaaaaaaaaaaa, 0x0bbbbbbbbbbbbbbb, 0x0ccccccccccccccc};

int main(void) {
  uint64_t* got = (uint64_t*)Pages(1);
  long pid = CallWithPatterns(SYS_fork, got);
  CHECK(memcmp(got, kWant, sizeof(kWant)) == 0);
  if (pid == 0) _exit(ChildResult());
  CHECK_INT(WaitShell((pid_t)pid), 0);
  Ok("fork");
  CHECK_INT(CallWithPatterns(SYS_getpid, got), getpid());
  CHECK(memcmp(got, kWant, sizeof(kWant)) == 0);
  Ok("getpid");
  CHECK_INT(CallWithPatterns(SYS_sched_yield, got), 0);
  CHECK(memcmp(got, kWant, sizeof(kWant)) == 0);
  Ok("sched_yield");
  // The stores after the call fault: a page not yet present, then one shared copy-on-write.
  CHECK(madvise(got, kPage, MADV_DONTNEED) == 0);
  CallWithPatterns(SYS_getppid, got);
  CHECK(memcmp(got, kWant, sizeof(kWant)) == 0);
  Ok("demand fault");
  CHECK_INT(CallWithPatterns(1000, got), -ENOSYS);
  CHECK(memcmp(got, kWant, sizeof(kWant)) == 0);
  Ok("unknown call");
  return Finish();
}
