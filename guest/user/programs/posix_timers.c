// SPDX-License-Identifier: Apache-2.0
//
// POSIX timers: a signal with its value, what is left, overruns counted, absolute times, deletion;
// F25: fork does not inherit them. By number, since libraries put threads between.
#include <time.h>

#include "guest/user/lib/proc.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid  // glibc has no name for it
#endif

typedef int KernelTimer;

static KernelTimer Create(clockid_t clock, int signal_number, int value) {
  struct sigevent event;
  memset(&event, 0, sizeof(event));
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = signal_number;
  event.sigev_value.sival_int = value;
  KernelTimer timer = -1;
  CHECK_INT(syscall(SYS_timer_create, clock, &event, &timer), 0);
  return timer;
}

static void Set(KernelTimer timer, int flags, long first_ns, long every_ns) {
  struct itimerspec spec = {{0, every_ns}, {0, first_ns}};
  CHECK_INT(syscall(SYS_timer_settime, timer, flags, &spec, NULL), 0);
}

static void ChildHasNone(void* arg) {
  struct itimerspec left;
  CHECK_ERR(syscall(SYS_timer_gettime, *(KernelTimer*)arg, &left), EINVAL);
}

// A timer may kill the very thread that it is for; nothing of the signal stays behind.
static void DiesOfItsTimer(void) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGKILL};
  event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
  KernelTimer timer;
  CHECK_INT(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer), 0);
  Set(timer, 0, 1000000, 0);
  for (;;) {
    pause();
  }
}

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  CHECK_INT(sigprocmask(SIG_BLOCK, &set, NULL), 0);

  KernelTimer timer = Create(CLOCK_MONOTONIC, SIGUSR1, 42);
  Set(timer, 0, 2000000, 0);
  siginfo_t info;
  CHECK_INT(sigwaitinfo(&set, &info), SIGUSR1);
  CHECK_INT(info.si_code, SI_TIMER);
  CHECK_INT(info.si_value.sival_int, 42);
  Ok("fires once");

  Set(timer, 0, 1000000, 1000000);
  struct timespec pause = {0, 20000000};
  nanosleep(&pause, NULL);  // the signal is pending all the time: later ones are counted only
  CHECK_INT(sigwaitinfo(&set, &info), SIGUSR1);
  CHECK(info.si_overrun > 0);
  CHECK(syscall(SYS_timer_getoverrun, timer) > 0);
  Ok("overruns");

  struct itimerspec spec = {{0, 0}, {100, 0}};
  CHECK_INT(syscall(SYS_timer_settime, timer, 0, &spec, NULL), 0);
  struct itimerspec left;
  CHECK_INT(syscall(SYS_timer_gettime, timer, &left), 0);
  CHECK(left.it_value.tv_sec >= 90 && left.it_value.tv_sec <= 100);
  CHECK_INT(RunChild(ChildHasNone, &timer), 0);
  Ok("F25 not inherited by fork");

  clock_gettime(CLOCK_MONOTONIC, &spec.it_value);
  CHECK_INT(syscall(SYS_timer_settime, timer, TIMER_ABSTIME, &spec, &left), 0);
  CHECK(left.it_value.tv_sec >= 90);
  CHECK_INT(sigwaitinfo(&set, &info), SIGUSR1);
  CHECK_INT(syscall(SYS_timer_delete, timer), 0);
  CHECK_ERR(syscall(SYS_timer_delete, timer), EINVAL);
  CHECK_ERR(syscall(SYS_timer_create, 99, NULL, &timer), EINVAL);
  Ok("absolute, deleted, refused");

  pid_t child = fork();
  if (child == 0) {
    DiesOfItsTimer();
  }
  int status = 0;
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  Ok("killed by its own timer");
  return Finish();
}
