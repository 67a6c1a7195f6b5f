// SPDX-License-Identifier: Apache-2.0
//
// sigaltstack: handlers with SA_ONSTACK run on it, nested ones too; what is reported inside and
// outside; fork keeps it, exec drops it; what is refused; siglongjmp leaves it.
// Rows of docs/fork-features.md: F36.
#include <setjmp.h>
#include <stdint.h>

#include "guest/user/lib/proc.h"

static char alternate[32768];
static volatile int inside, flags_inside, change_errno;
static sigjmp_buf jump;

static int OnAlternate(void) {
  char* here = (char*)__builtin_frame_address(0);
  return here >= alternate && here < alternate + sizeof(alternate);
}

static void Looks(int signal_number) {
  (void)signal_number;
  inside = OnAlternate();
  stack_t now;
  CHECK_INT(sigaltstack(NULL, &now), 0);
  flags_inside = now.ss_flags;
  stack_t other = {.ss_sp = alternate, .ss_size = sizeof(alternate), .ss_flags = 0};
  change_errno = sigaltstack(&other, NULL) == -1 ? errno : 0;
}

static void Nests(int signal_number) {
  CHECK(OnAlternate());
  if (signal_number == SIGUSR1) raise(SIGUSR2);
}

static void Leaves(int signal_number) {
  (void)signal_number;
  siglongjmp(jump, 1);
}

static void Child(void* unused) {
  (void)unused;
  stack_t now;
  CHECK_INT(sigaltstack(NULL, &now), 0);
  CHECK(now.ss_sp == alternate && now.ss_size == sizeof(alternate) && now.ss_flags == 0);
  raise(SIGUSR1);
  char* args[] = {"sig_altstack", "executed", NULL};
  execv("/proc/self/exe", args);
}

// SS_AUTODISARM: no alternate stack while the handler runs, the same one afterwards.
static const int kAutoDisarm = (int)(1u << 31);
static void Disarmed(int number) {
  (void)number;
  stack_t now;
  CHECK_INT(sigaltstack(NULL, &now), 0);
  inside = OnAlternate();
  flags_inside = now.ss_flags;
}

int main(int argc, char** argv) {
  (void)argv;
  stack_t stack, old;
  CHECK_INT(sigaltstack(NULL, &old), 0);
  CHECK_INT(old.ss_flags, SS_DISABLE);
  if (argc > 1) return fv_failures ? 99 : 12;
  Handle(SIGUSR1, Looks, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK_INT(inside, 0);  // there is none yet
  stack.ss_sp = alternate;
  stack.ss_size = sizeof(alternate);
  stack.ss_flags = 0;
  CHECK_INT(sigaltstack(&stack, &old), 0);
  raise(SIGUSR1);
  CHECK_INT(inside, 1);
  CHECK_INT(flags_inside, SS_ONSTACK);
  CHECK_INT(change_errno, EPERM);
  Handle(SIGUSR1, Looks, 0);
  raise(SIGUSR1);
  CHECK_INT(inside, 0);
  CHECK_INT(flags_inside, 0);
  stack.ss_flags = kAutoDisarm;
  CHECK_INT(sigaltstack(&stack, NULL), 0);
  Handle(SIGUSR1, Disarmed, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK_INT(inside, 1);
  CHECK_INT(flags_inside, SS_DISABLE);
  CHECK_INT(sigaltstack(NULL, &old), 0);
  CHECK_INT(old.ss_flags, kAutoDisarm);
  stack.ss_flags = 0;
  CHECK_INT(sigaltstack(&stack, NULL), 0);
  Ok("on it and off it");
  Handle(SIGUSR1, Nests, SA_ONSTACK);
  Handle(SIGUSR2, Nests, SA_ONSTACK);
  raise(SIGUSR1);
  Ok("nested");
  CHECK_INT(RunChild(Child, NULL), 12);
  Ok("over fork and exec");
  Handle(SIGUSR1, Leaves, SA_ONSTACK);
  for (int i = 0; i < 100; ++i) {
    if (sigsetjmp(jump, 1) == 0) raise(SIGUSR1);
    CHECK(!OnAlternate());
  }
  CHECK_INT(sigaltstack(NULL, &old), 0);
  CHECK_INT(old.ss_flags, 0);
  Ok("left by siglongjmp");
  stack.ss_size = 100;
  CHECK_ERR(sigaltstack(&stack, NULL), ENOMEM);
  stack.ss_size = sizeof(alternate);
  stack.ss_flags = 12345;
  CHECK_ERR(sigaltstack(&stack, NULL), EINVAL);
  CHECK_ERR(syscall(SYS_sigaltstack, 8, NULL), EFAULT);
  stack.ss_flags = SS_DISABLE;
  CHECK_INT(sigaltstack(&stack, NULL), 0);
  CHECK_INT(sigaltstack(NULL, &old), 0);
  CHECK_INT(old.ss_flags, SS_DISABLE);
  stack.ss_flags = SS_DISABLE | kAutoDisarm;
  CHECK_INT(sigaltstack(&stack, NULL), 0);
  CHECK_INT(sigaltstack(NULL, &old), 0);
  CHECK_INT(old.ss_flags, SS_DISABLE | kAutoDisarm);
  Ok("refused");
  return Finish();
}
