// SPDX-License-Identifier: Apache-2.0
//
// Faults that cannot be delivered: SIGSEGV while blocked or ignored kills; a fault inside the
// handler kills unless SA_NODEFER; a stack overflow is handled on the alternate stack, and kills
// without one.
#include <sys/resource.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static volatile int depth;
static sigjmp_buf jump;
static char alternate[65536];

static volatile int* volatile bad_pointer = (volatile int*)8;
static void Crash(void) { *bad_pointer = 1; }

static void FaultsAgain(int signal_number) {
  (void)signal_number;
  if (++depth == 5) _exit(50);
  Crash();
}

static void Returns(int signal_number) { _exit(signal_number); }

static void JumpsOut(int signal_number) {
  (void)signal_number;
  char* here = (char*)__builtin_frame_address(0);
  siglongjmp(jump, here > alternate && here < alternate + sizeof(alternate) ? 1 : 2);
}

static void Blocked(void* unused) {
  (void)unused;
  Handle(SIGSEGV, Returns, 0);
  Block(SIGSEGV);
  Crash();
}

static void Ignored(void* unused) {
  (void)unused;
  signal(SIGSEGV, SIG_IGN);
  Crash();
}

static void InHandler(void* flags) {
  Handle(SIGSEGV, FaultsAgain, (int)(long)flags);
  Crash();
}

__attribute__((noinline)) static int Overflow(int level) {
  volatile char frame[4000];
  frame[0] = (char)level;
  return level < (1 << 30) ? Overflow(level + 1) + frame[0] : 0;
}

static void OverflowHandled(void* unused) {
  (void)unused;
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate), .ss_flags = 0};
  CHECK_INT(sigaltstack(&stack, NULL), 0);
  Handle(SIGSEGV, JumpsOut, SA_ONSTACK);
  for (int i = 0; i < 3; ++i) {
    int how = sigsetjmp(jump, 1);
    if (how == 0) Overflow(0);
    CHECK_INT(how, 1);
  }
}

static void OverflowUnhandled(void* unused) {
  (void)unused;
  Handle(SIGSEGV, Returns, 0);  // no stack to run it on
  Overflow(0);
}

int main(void) {
  struct rlimit limit = {1 << 20, RLIM_INFINITY};
  CHECK_INT(setrlimit(RLIMIT_STACK, &limit), 0);
  CHECK_INT(RunChild(Blocked, NULL), 128 + SIGSEGV);
  Ok("blocked");
  CHECK_INT(RunChild(Ignored, NULL), 128 + SIGSEGV);
  Ok("ignored");
  CHECK_INT(RunChild(InHandler, NULL), 128 + SIGSEGV);
  Ok("in the handler");
  CHECK_INT(RunChild(InHandler, (void*)(long)SA_NODEFER), 50);
  Ok("in the handler with SA_NODEFER");
  CHECK_INT(RunChild(OverflowHandled, NULL), 0);
  Ok("stack overflow on the alternate stack");
  CHECK_INT(RunChild(OverflowUnhandled, NULL), 128 + SIGSEGV);
  Ok("stack overflow without one");
  return Finish();
}
