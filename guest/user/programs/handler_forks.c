// SPDX-License-Identifier: Apache-2.0
//
// fork in signal handlers: the child returns from the handler as the parent does, with a mask, a
// frame and an alternate stack of its own; handlers that nest; a handler of SIGSEGV whose child
// mends another page than its parent; a child that jumps out.
#include <setjmp.h>
#include <sys/time.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static volatile pid_t child;
static volatile int depth;

static int IsBlocked(int signal_number) {
  sigset_t mask;
  CHECK_INT(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
  return sigismember(&mask, signal_number);
}

static void ForkHere(int signal_number) {
  CHECK_INT(IsBlocked(signal_number), 1);
  child = fork();
  if (child == 0) fv_failures = 0;
}

// Both come out of the handler, with the mask that they had before.
static void ReturnsTwice(void) {
  Handle(SIGUSR1, ForkHere, 0);
  int before = 41;
  raise(SIGUSR1);
  CHECK_INT(IsBlocked(SIGUSR1), 0);
  CHECK_INT(++before, 42);
  if (child == 0) _exit(fv_failures ? 99 : 7);
  CHECK_INT(WaitShell(child), 7);
  Ok("returns twice");
}

static unsigned char alternate[64 * 1024];

static int OnAlternate(void) {
  stack_t now;
  CHECK_INT(sigaltstack(NULL, &now), 0);
  return (now.ss_flags & SS_ONSTACK) != 0;
}

static void ForkOnAlternate(int signal_number) {
  (void)signal_number;
  volatile char here = 'p';
  CHECK_INT(OnAlternate(), 1);
  child = fork();
  if (child == 0) {
    fv_failures = 0;
    here = 'c';
    CHECK_INT(OnAlternate(), 1);
    stack_t other = {alternate, 0, sizeof(alternate)};
    CHECK_ERR(sigaltstack(&other, NULL), EPERM);  // it is in use in the child, too
  } else {
    Wait(child);
  }
  CHECK_INT(here, child == 0 ? 'c' : 'p');
}

static void OnAStackOfItsOwn(void) {
  stack_t stack = {alternate, 0, sizeof(alternate)};
  CHECK_INT(sigaltstack(&stack, NULL), 0);
  Handle(SIGUSR1, ForkOnAlternate, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK_INT(OnAlternate(), 0);
  if (child == 0) _exit(ChildResult());
  Ok("on a stack of its own");
}

static void Nest(int signal_number) {
  const pid_t pid = fork();
  if (pid == 0) {
    fv_failures = 0;
    if (++depth < 4) raise(signal_number);  // SA_NODEFER
    return;
  }
  CHECK_INT(WaitShell(pid), 0);
}

static void Nested(void) {
  Handle(SIGUSR2, Nest, SA_NODEFER);
  const pid_t self = getpid();
  raise(SIGUSR2);
  CHECK_INT(IsBlocked(SIGUSR2), 0);
  if (getpid() != self) _exit(ChildResult());
  CHECK_INT(depth, 0);
  Ok("nested");
}

static unsigned char* guarded;
static pid_t first;

// The parent makes the page writable, the child puts another one there.
static void Mend(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number;
  (void)context;
  CHECK(info->si_addr == guarded + 17 && info->si_code == SEGV_ACCERR);
  child = fork();
  if (child == 0) {
    fv_failures = 0;
    CHECK(mmap(guarded, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
               0) == guarded);
  } else {
    CHECK_INT(mprotect(guarded, kPage, PROT_READ | PROT_WRITE), 0);
  }
}

static void Faults(void) {
  guarded = Pages(1);
  memset(guarded, 'g', kPage);
  CHECK_INT(mprotect(guarded, kPage, PROT_READ), 0);
  HandleInfo(SIGSEGV, Mend, 0);
  *(volatile unsigned char*)(guarded + 17) = 'w';  // done again in both
  CHECK_INT(guarded[17], 'w');
  CHECK_INT(guarded[16], child == 0 ? 0 : 'g');
  if (child == 0) _exit(ChildResult());
  CHECK_INT(WaitShell(child), 0);
  signal(SIGSEGV, SIG_DFL);
  Ok("faults");
}

static sigjmp_buf out;

static void ForkAndJump(int signal_number) {
  (void)signal_number;
  child = fork();
  if (child == 0) {
    fv_failures = 0;
    siglongjmp(out, 1);
  }
}

static void JumpsOut(void) {
  Handle(SIGUSR1, ForkAndJump, 0);
  if (sigsetjmp(out, 1) == 0) {
    raise(SIGUSR1);
    CHECK(child > 0);
    CHECK_INT(WaitShell(child), 5);
  } else {
    CHECK_INT(IsBlocked(SIGUSR1), 0);
    _exit(fv_failures ? 99 : 5);
  }
  Ok("jumps out");
}

static volatile int left;

// A storm of the parent's own: every child is made in a handler and ends in the main program.
static void ForkOne(int signal_number) {
  (void)signal_number;
  if (left == 0 || getpid() != first) return;
  const pid_t pid = fork();
  if (pid == 0) {
    left = -1;
    return;
  }
  --left;
}

static void ManyByTimer(void) {
  first = getpid();
  left = 20;
  Handle(SIGALRM, ForkOne, SA_RESTART);
  const struct itimerval every = {{0, 500}, {0, 500}};
  CHECK_INT(setitimer(ITIMER_REAL, &every, NULL), 0);
  while (left > 0) Rest();
  if (left < 0) {
    struct itimerval mine;
    CHECK_INT(getitimer(ITIMER_REAL, &mine), 0);
    CHECK(mine.it_value.tv_sec == 0 && mine.it_value.tv_usec == 0);
    _exit(fv_failures ? 99 : 3);
  }
  const struct itimerval never = {{0, 0}, {0, 0}};
  CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
  int ends = 0;
  for (int status; wait(&status) > 0; ++ends) CHECK_INT(ShellStatus(status), 3);
  CHECK_INT(ends, 20);
  Ok("many by timer");
}

int main(void) {
  ReturnsTwice();
  OnAStackOfItsOwn();
  Nested();
  Faults();
  JumpsOut();
  ManyByTimer();
  return Finish();
}
