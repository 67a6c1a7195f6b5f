// SPDX-License-Identifier: Apache-2.0
//
// Vector and x87 state belongs to the task: patterns in xmm and, where the CPU has them, ymm
// registers survive switches between spinning processes, system calls, faults and fork; a fresh
// program starts with clean control words.
#include <stdint.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static volatile int* stop;

// Spins with patterns in all sixteen registers and checks them; 0 if they ever differ.
__attribute__((noinline)) static int HoldXmm(uint64_t pattern, long rounds) {
  int good = 1;
  for (long i = 0; i < rounds && good; ++i) {
    uint64_t low = 0, high = 0, middle = 0;
    __asm__ volatile(
        "movq %[p], %%xmm0; movq %[p], %%xmm5; movq %[p], %%xmm15\n\t"
        "punpcklqdq %%xmm5, %%xmm5\n\t"
        "mov $20000, %%ecx\n\t"
        "1: dec %%ecx\n\t"
        "jnz 1b\n\t"
        "movq %%xmm0, %[low]; movq %%xmm15, %[middle]\n\t"
        "psrldq $8, %%xmm5\n\t"
        "movq %%xmm5, %[high]\n\t"
        : [low] "=&r"(low), [middle] "=&r"(middle), [high] "=&r"(high)
        : [p] "r"(pattern)
        : "rcx", "xmm0", "xmm5", "xmm15");
    good = low == pattern && middle == pattern && high == pattern;
  }
  return good;
}

__attribute__((noinline, target("avx"))) static int HoldYmm(const uint64_t* pattern, int yield) {
  uint64_t out[4];
  __asm__ volatile("vmovdqu %0, %%ymm3" : : "m"(*(const uint64_t(*)[4])pattern) : "xmm3");
  if (yield) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"((long)SYS_sched_yield)
                     : "rcx", "r11", "memory");
  } else {
    for (int i = 0; i < 20000; ++i) __asm__ volatile("");
  }
  __asm__ volatile("vmovdqu %%ymm3, %0" : "=m"(out) : : "xmm3");
  return memcmp(out, pattern, sizeof(out)) == 0;
}

static void Spinner(void* arg) {
  uint64_t pattern = 0x0101010101010101u * (uint64_t)(long)arg;
  while (!*stop) CHECK(HoldXmm(pattern, 5));
}

static void YmmSpinner(void* arg) {
  uint64_t pattern[4];
  for (int i = 0; i < 4; ++i) pattern[i] = (uint64_t)(long)arg << (8 * i);
  for (int i = 0; i < 300; ++i) CHECK(HoldYmm(pattern, i % 2));
}

// The state at the fork is the child's too.
static void OverFork(void) {
  uint64_t in = 0xfeedfacecafebeef, out = 0;
  long pid;
  __asm__ volatile(
      "movq %[in], %%xmm9\n\t"
      "syscall\n\t"
      "movq %%xmm9, %[out]\n\t"
      : "=a"(pid), [out] "=&r"(out)
      : "0"((long)SYS_fork), [in] "r"(in)
      : "rcx", "r11", "xmm9", "memory");
  CHECK(out == in);
  if (pid == 0) _exit(ChildResult());
  CHECK_INT(WaitShell((pid_t)pid), 0);
  Ok("over fork");
}

static void Faults(void) {
  uint64_t in = 0x123456789abcdef, out = 0;
  unsigned char* fresh = Pages(1);
  __asm__ volatile(
      "movq %[in], %%xmm2\n\t"
      "movb $1, (%[page])\n\t"
      "movq %%xmm2, %[out]\n\t"
      : [out] "=&r"(out)
      : [in] "r"(in), [page] "r"(fresh)
      : "xmm2", "memory");
  CHECK(out == in);
  Ok("over a fault");
}

int main(int argc, char** argv) {
  (void)argv;
  unsigned short control = 0;
  __asm__ volatile("fnstcw %0" : "=m"(control));
  CHECK_INT(control, 0x37f);
  CHECK_INT(__builtin_ia32_stmxcsr(), 0x1f80);
  if (argc > 1) return fv_failures ? 99 : 6;
  Ok("clean at the start");
  stop = (volatile int*)SharedMemory(4096);
  pid_t pids[3];
  for (long i = 0; i < 3; ++i) pids[i] = Fork(Spinner, (void*)(i + 1));
  CHECK(HoldXmm(0x7777777777777777, 3000));
  *stop = 1;
  for (int i = 0; i < 3; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  Ok("xmm over switches");
  if (__builtin_cpu_supports("avx")) {
    for (long i = 0; i < 3; ++i) pids[i] = Fork(YmmSpinner, (void*)(i + 5));
    for (int i = 0; i < 3; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  }
  Ok("ymm over switches");
  OverFork();
  Faults();
  __builtin_ia32_ldmxcsr(0x1f80 | 0x2000);
  if (fork() == 0) {
    char* args[] = {"fpu_state", "fresh", NULL};
    execv("/proc/self/exe", args);
    _exit(98);
  }
  int status;
  wait(&status);
  CHECK_INT(ShellStatus(status), 6);
  Ok("exec starts clean");
  return Finish();
}
