// SPDX-License-Identifier: Apache-2.0
//
// Vector state under asynchronous signals: a timer interrupts a loop that holds patterns in xmm
// and ymm registers; the handler uses the same registers; on return they are as before. What the
// handler starts with is clean.
#include <stdint.h>
#include <sys/time.h>

#include "guest/user/lib/proc.h"

static volatile sig_atomic_t ticks;

static void OnTick(int signal_number) {
  (void)signal_number;
  ++ticks;
  CHECK_INT(__builtin_ia32_stmxcsr() & 0x6000, 0);
  __asm__ volatile("pcmpeqd %%xmm0, %%xmm0; movaps %%xmm0, %%xmm6; movaps %%xmm0, %%xmm14" ::
                       : "xmm0", "xmm6", "xmm14");
}

static int Holds(uint64_t pattern) {
  uint64_t a, b, c;
  __asm__ volatile(
      "movq %[p], %%xmm0; movq %[p], %%xmm6; movq %[p], %%xmm14\n\t"
      "mov $200000, %%ecx\n\t"
      "1: dec %%ecx\n\t"
      "jnz 1b\n\t"
      "movq %%xmm0, %[a]; movq %%xmm6, %[b]; movq %%xmm14, %[c]\n\t"
      : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c)
      : [p] "r"(pattern)
      : "rcx", "xmm0", "xmm6", "xmm14");
  return a == pattern && b == pattern && c == pattern;
}

static __attribute__((target("avx"))) void WipeUpper(int signal_number) {
  (void)signal_number;
  ++ticks;
  __asm__ volatile("vxorps %%ymm4, %%ymm4, %%ymm4" ::: "xmm4");
}

static __attribute__((target("avx"))) int HoldsUpper(void) {
  uint64_t in[4] = {1, 2, 0x3333333333333333, 0x4444444444444444}, out[4];
  __asm__ volatile(
      "vmovdqu %[in], %%ymm4\n\t"
      "mov $200000, %%ecx\n\t"
      "1: dec %%ecx\n\t"
      "jnz 1b\n\t"
      "vmovdqu %%ymm4, %[out]\n\t"
      : [out] "=m"(out)
      : [in] "m"(in)
      : "rcx", "xmm4");
  return memcmp(in, out, sizeof(in)) == 0;
}

int main(void) {
  struct itimerval timer = {{0, 3000}, {0, 3000}};
  Handle(SIGALRM, OnTick, 0);
  CHECK_INT(setitimer(ITIMER_REAL, &timer, NULL), 0);
  for (uint64_t i = 1; ticks < 20; ++i) CHECK(Holds(i * 0x0102030405060708));
  Ok("xmm");
  ticks = 0;
  if (__builtin_cpu_supports("avx")) {
    Handle(SIGALRM, WipeUpper, 0);
    while (ticks < 20) CHECK(HoldsUpper());
  }
  Ok("ymm");
  return Finish();
}
