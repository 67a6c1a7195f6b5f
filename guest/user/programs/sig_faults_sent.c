// SPDX-License-Identifier: Apache-2.0
//
// Faults that a program sends itself, as an instruction would bring them: they go before other
// signals, and if one of them may be delivered the first is, though it be blocked (get_signal in
// Linux's kernel/signal.c: dequeue_synchronous_signal).
#include <signal.h>
#include <sys/syscall.h>

#include "guest/user/lib/proc.h"

enum { kFromKernel = 1 };  // a si_code above SI_USER

static int order[8], count;

static void Note(int signal) {
  if (count < 8) order[count++] = signal;
}

static void Queue(int signal, int code) {
  siginfo_t info;
  memset(&info, 0, sizeof(info));
  info.si_signo = signal;
  info.si_code = code;
  CHECK_INT(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), signal, &info), 0);
}

static void Mask(int how, int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  CHECK_INT(sigprocmask(how, &set, NULL), 0);
}

static void BlockedOneGoesAlong(void) {
  count = 0;
  Mask(SIG_BLOCK, SIGFPE);
  Queue(SIGFPE, kFromKernel);
  CHECK_INT(count, 0);
  Queue(SIGILL, kFromKernel);
  CHECK_INT(count, 2);
  CHECK(order[0] == SIGILL && order[1] == SIGFPE);  // the later frame runs first
  Ok("a blocked fault goes along");
}

static void OnlyAsFromTheKernel(void) {
  count = 0;
  Queue(SIGFPE, SI_QUEUE);
  Queue(SIGILL, kFromKernel);
  CHECK(count == 1 && order[0] == SIGILL);
  Mask(SIG_UNBLOCK, SIGFPE);
  CHECK(count == 2 && order[1] == SIGFPE);
  Ok("one that was sent waits");
}

static void Dies(void* unused) {
  (void)unused;
  signal(SIGFPE, SIG_DFL);
  Mask(SIG_BLOCK, SIGFPE);
  Queue(SIGFPE, kFromKernel);
  Queue(SIGSEGV, kFromKernel);
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = Note;
  CHECK_INT(sigaction(SIGFPE, &action, NULL), 0);
  CHECK_INT(sigaction(SIGILL, &action, NULL), 0);
  CHECK_INT(sigaction(SIGSEGV, &action, NULL), 0);
  BlockedOneGoesAlong();
  OnlyAsFromTheKernel();
  CHECK_INT(WaitShell(Fork(Dies, NULL)), 128 + SIGFPE);
  Ok("a default action, too");
  return Finish();
}
