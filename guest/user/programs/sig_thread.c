// SPDX-License-Identifier: Apache-2.0
//
// Signals and threads: tgkill reaches the one thread, a process signal goes to a thread that does
// not block it, masks are per thread, handlers are shared, the siginfo of tgkill.
#include <pthread.h>

#include "guest/user/lib/proc.h"

static pthread_barrier_t barrier;
static volatile int handled_by[8];
static __thread int me;
static volatile sig_atomic_t finish;

static void Record(int signal_number) {
  (void)signal_number;
  ++handled_by[me];
}

static volatile pid_t ids[8];

static void* Body(void* arg) {
  me = (int)(long)arg;
  ids[me] = (pid_t)syscall(SYS_gettid);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  if (me != 2) pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_barrier_wait(&barrier);
  while (!finish) sched_yield();
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  pthread_barrier_init(&barrier, NULL, 5);
  Handle(SIGUSR1, Record, SA_RESTART);
  Handle(SIGUSR2, Record, SA_RESTART);
  me = 7;
  for (long i = 0; i < 4; ++i) CHECK_INT(pthread_create(&threads[i], NULL, Body, (void*)i), 0);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 4; ++i) {
    for (int n = 1; n <= 5; ++n) {
      CHECK_INT(syscall(SYS_tgkill, getpid(), ids[i], SIGUSR1), 0);
      while (handled_by[i] < n) sched_yield();
    }
  }
  for (int i = 0; i < 4; ++i) CHECK_INT(handled_by[i], 5);
  Ok("tgkill");
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  CHECK_INT(kill(getpid(), SIGUSR2), 0);  // only thread 2 is open for it
  while (handled_by[2] < 6) sched_yield();
  CHECK_INT(handled_by[7], 0);
  Ok("a process signal finds the open thread");
  CHECK_INT(pthread_kill(pthread_self(), SIGUSR2), 0);
  CHECK_INT(sigpending(&pending), 0);
  CHECK(sigismember(&pending, SIGUSR2));  // for this thread alone: nobody else takes it
  CHECK_INT(handled_by[2], 6);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  CHECK_INT(handled_by[7], 1);
  Ok("a thread's own pending signal");
  CHECK_ERR(syscall(SYS_tgkill, getpid(), getpid() + 100000, SIGUSR1), ESRCH);
  CHECK_ERR(syscall(SYS_tgkill, getpid(), -1, SIGUSR1), EINVAL);
  CHECK_ERR(syscall(SYS_tgkill, getpid(), ids[0], 65), EINVAL);
  CHECK_ERR(syscall(SYS_tgkill, getppid(), ids[0], SIGUSR1), ESRCH);
  CHECK_INT(syscall(SYS_tkill, ids[1], 0), 0);
  finish = 1;
  for (int i = 0; i < 4; ++i) CHECK_INT(pthread_join(threads[i], NULL), 0);
  Ok("errors");
  return Finish();
}
