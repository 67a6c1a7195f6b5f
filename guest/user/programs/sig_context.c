// SPDX-License-Identifier: Apache-2.0
//
// The context that a handler sees and may change: registers, flags, the mask; a handler that
// changes the saved mask; FPU state saved and restored around a handler.
#include <stdint.h>
#include <ucontext.h>

#include "guest/user/lib/proc.h"

static volatile int handled;

static void ChangesRegisters(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number;
  (void)info;
  ucontext_t* user = (ucontext_t*)context;
  CHECK_INT(user->uc_mcontext.gregs[REG_RBX], 0x11111111);
  CHECK_INT(user->uc_mcontext.gregs[REG_R12], 0x22222222);
  CHECK_INT(user->uc_mcontext.gregs[REG_CSGSFS] & 0xffff, 0x33);
  CHECK(user->uc_mcontext.fpregs != NULL);
  user->uc_mcontext.gregs[REG_RBX] = 0x33333333;
  user->uc_mcontext.gregs[REG_R12] += 1;
  user->uc_mcontext.gregs[REG_RIP] += 2;
  ++handled;
}

static void ChangesMask(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number;
  (void)info;
  sigaddset(&((ucontext_t*)context)->uc_sigmask, SIGTERM);
  ++handled;
}

static void SpoilsFpu(int signal_number) {
  (void)signal_number;
  double x = 1;
  for (int i = 1; i < 20; ++i) x = x * i + 0.5;
  __asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm7, %%xmm7; pxor %%xmm15, %%xmm15; fninit; fldpi"
                   :
                   : "x"(x)
                   : "xmm0", "xmm7", "xmm15");
  __builtin_ia32_ldmxcsr(0x1f80 | 0x6000);
  ++handled;
}

static void Fpu(void) {
  Handle(SIGUSR1, SpoilsFpu, 0);
  uint64_t got[3];
  unsigned short control = 0;
  __asm__ volatile(
      "movq %[a], %%xmm0\n\t"
      "movq %[b], %%xmm7\n\t"
      "movq %[c], %%xmm15\n\t"
      "fninit\n\t"
      "syscall\n\t"  // kill(getpid(), SIGUSR1): the handler runs before the next instruction
      "movq %%xmm0, 0(%[out])\n\t"
      "movq %%xmm7, 8(%[out])\n\t"
      "movq %%xmm15, 16(%[out])\n\t"
      "fnstcw %[control]\n\t"
      : [control] "+m"(control)
      : "a"(SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1), [a] "r"(0x1122334455667788),
        [b] "r"(0x99aabbccddeeff00), [c] "r"(0x0123456789abcdef), [out] "r"(got)
      : "rcx", "r11", "xmm0", "xmm7", "xmm15", "memory");
  CHECK(got[0] == 0x1122334455667788);
  CHECK(got[1] == 0x99aabbccddeeff00);
  CHECK(got[2] == 0x0123456789abcdef);
  CHECK_INT(control, 0x37f);
  CHECK_INT(__builtin_ia32_stmxcsr() & 0x6000, 0);
  CHECK_INT(handled, 1);
  Ok("vector registers");
}

int main(void) {
  HandleInfo(SIGILL, ChangesRegisters, 0);
  uint64_t rbx = 0x11111111, r12 = 0x22222222;
  __asm__ volatile(
      "mov %[r12], %%r12\n\t"
      "mov %[rbx], %%rbx\n\t"
      "ud2\n\t"
      "mov %%rbx, %[rbx]\n\t"
      "mov %%r12, %[r12]\n\t"
      : [rbx] "+m"(rbx), [r12] "+m"(r12)
      :
      : "rbx", "r12", "memory");
  CHECK_INT(rbx, 0x33333333);
  CHECK_INT(r12, 0x22222223);
  CHECK_INT(handled, 1);
  Ok("registers");
  handled = 0;
  HandleInfo(SIGUSR2, ChangesMask, 0);
  raise(SIGUSR2);
  sigset_t mask;
  CHECK_INT(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
  CHECK(sigismember(&mask, SIGTERM) && !sigismember(&mask, SIGUSR2));
  CHECK_INT(handled, 1);
  Ok("mask");
  handled = 0;
  Fpu();
  return Finish();
}
