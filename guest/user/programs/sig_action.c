// SPDX-License-Identifier: Apache-2.0
//
// sigaction and its flags: what is stored and given back, SA_RESETHAND, SA_NODEFER, sa_mask,
// SA_SIGINFO with kill's siginfo, SA_ONSTACK; SIGKILL and SIGSTOP refuse.
#include <stdint.h>

#include "guest/user/lib/proc.h"

static volatile sig_atomic_t runs, nested, deepest;
static volatile int seen_code;
static volatile pid_t seen_pid;
static volatile uid_t seen_uid;

static void Count(int signal_number) {
  (void)signal_number;
  ++runs;
}

static void Nests(int signal_number) {
  ++nested;
  if (nested > deepest) deepest = nested;
  if (++runs < 4) raise(signal_number);
  --nested;
}

static void Stores(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number;
  seen_code = info->si_code;
  seen_pid = info->si_pid;
  seen_uid = info->si_uid;
  CHECK(context != NULL);
}

static void ChecksMask(int signal_number) {
  (void)signal_number;
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  CHECK(sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGHUP) && !sigismember(&mask, SIGUSR2));
  raise(SIGHUP);
  CHECK_INT(runs, 0);  // SIGHUP waits until this handler has returned
}

static void StoredAndGivenBack(void) {
  struct sigaction action, got;
  memset(&action, 0, sizeof(action));
  action.sa_handler = Count;
  action.sa_flags = SA_RESTART | SA_NODEFER;
  sigaddset(&action.sa_mask, SIGTERM);
  CHECK_INT(sigaction(SIGUSR1, &action, NULL), 0);
  CHECK_INT(sigaction(SIGUSR1, NULL, &got), 0);
  CHECK(got.sa_handler == Count);
  CHECK_INT(got.sa_flags & ~0x04000000, SA_RESTART | SA_NODEFER);  // but for SA_RESTORER
  CHECK(sigismember(&got.sa_mask, SIGTERM) && !sigismember(&got.sa_mask, SIGINT));
  CHECK_INT(sigaction(SIGKILL, NULL, &got), 0);
  CHECK_ERR(sigaction(SIGKILL, &action, NULL), EINVAL);
  CHECK_ERR(sigaction(SIGSTOP, &action, NULL), EINVAL);
  CHECK_ERR(sigaction(65, &action, NULL), EINVAL);
  CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
  CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8), EFAULT);
  Ok("stored and given back");
}

static void DiesSecond(void* unused) {
  (void)unused;
  Handle(SIGUSR1, Count, SA_RESETHAND);
  raise(SIGUSR1);
  CHECK_INT(runs, 1);
  raise(SIGUSR1);
}

int main(void) {
  StoredAndGivenBack();
  runs = 0;
  CHECK_INT(RunChild(DiesSecond, NULL), 128 + SIGUSR1);
  Ok("SA_RESETHAND");
  Handle(SIGUSR1, Nests, SA_NODEFER);
  raise(SIGUSR1);
  CHECK_INT(runs, 4);
  CHECK_INT(deepest, 4);
  runs = nested = deepest = 0;
  Handle(SIGUSR1, Nests, 0);
  raise(SIGUSR1);
  CHECK_INT(runs, 4);
  CHECK_INT(deepest, 1);
  Ok("SA_NODEFER");
  runs = 0;
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = ChecksMask;
  sigaddset(&action.sa_mask, SIGHUP);
  CHECK_INT(sigaction(SIGUSR1, &action, NULL), 0);
  Handle(SIGHUP, Count, 0);
  raise(SIGUSR1);
  CHECK_INT(runs, 1);
  Ok("sa_mask");
  HandleInfo(SIGUSR2, Stores, 0);
  CHECK_INT(kill(getpid(), SIGUSR2), 0);
  CHECK_INT(seen_code, SI_USER);
  CHECK_INT(seen_pid, getpid());
  CHECK_INT(seen_uid, getuid());
  CHECK_INT(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2), 0);
  CHECK_INT(seen_code, SI_TKILL);
  Ok("SA_SIGINFO");
  return Finish();
}
