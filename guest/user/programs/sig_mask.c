// SPDX-License-Identifier: Apache-2.0
//
// Blocked and pending signals: standard ones are pending once, delivered when unblocked, lowest
// first; SIGKILL cannot be blocked; ignoring drops what is pending; what fork and exec keep.
#include "guest/user/lib/proc.h"

static volatile int order[64];
static volatile sig_atomic_t count;

static void Record(int signal_number) { order[count++] = signal_number; }

static void ChildHasNone(void* unused) {
  (void)unused;
  sigset_t set;
  CHECK_INT(sigpending(&set), 0);
  CHECK(!sigismember(&set, SIGUSR1));  // pending signals are not inherited
  CHECK_INT(sigprocmask(SIG_BLOCK, NULL, &set), 0);
  CHECK(sigismember(&set, SIGUSR1));  // the mask is
  raise(SIGUSR2);
  CHECK_INT(count, 0);
}

int main(void) {
  sigset_t set, pending;
  int signals[] = {SIGUSR2, SIGTERM, SIGHUP, SIGUSR1, SIGINT};
  sigemptyset(&set);
  for (int i = 0; i < 5; ++i) {
    Handle(signals[i], Record, 0);
    sigaddset(&set, signals[i]);
  }
  CHECK_INT(sigprocmask(SIG_BLOCK, &set, NULL), 0);
  for (int i = 0; i < 5; ++i) {
    raise(signals[i]);
    kill(getpid(), signals[i]);
    raise(signals[i]);
  }
  CHECK_INT(count, 0);
  CHECK_INT(sigpending(&pending), 0);
  for (int i = 0; i < 5; ++i) CHECK(sigismember(&pending, signals[i]));
  CHECK(!sigismember(&pending, SIGALRM));
  CHECK_INT(RunChild(ChildHasNone, NULL), 0);
  Ok("pending");
  signal(SIGTERM, SIG_IGN);
  CHECK_INT(sigpending(&pending), 0);
  CHECK(!sigismember(&pending, SIGTERM));
  Ok("ignoring drops it");
  // raise went to the thread and kill to the process: each may have one pending; all are
  // delivered before the call returns.
  CHECK_INT(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
  int runs[65] = {0};
  for (int i = 0; i < count; ++i) ++runs[order[i]];
  for (int i = 0; i < 5; ++i) {
    CHECK_INT(runs[signals[i]], signals[i] == SIGTERM ? 0 : 2);
  }
  Ok("delivered");
  sigfillset(&set);
  CHECK_INT(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8), 0);
  CHECK_INT(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &pending, 8), 0);
  CHECK(!sigismember(&pending, SIGKILL) && !sigismember(&pending, SIGSTOP));
  CHECK(sigismember(&pending, SIGINT));
  CHECK_ERR(syscall(SYS_rt_sigprocmask, 7, &set, NULL, 8), EINVAL);
  CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
  CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8), EFAULT);
  Ok("SIGKILL and SIGSTOP stay open");
  return Finish();
}
