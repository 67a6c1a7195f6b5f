// SPDX-License-Identifier: Apache-2.0
//
// What a forked child starts with: its own times at zero, no timers, no pending signals, no memory
// locks; and what it keeps: limits, mask, handlers, alternate stack, directory, umask, name,
// priority, affinity; pids are not reused at once.
// Rows of docs/fork-features.md: F03 F09 F25 F80.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>

#include "guest/user/lib/proc.h"

static char alternate[16384];

// What a busy host takes of a guest's time may count, what the parent used may not.
static void Child(void* forked) {
  struct tms ticks;
  const clock_t now = times(&ticks);
  CHECK(ticks.tms_utime + ticks.tms_stime <= now - *(clock_t*)forked + 2);
  CHECK_INT(ticks.tms_cutime + ticks.tms_cstime, 0);
  struct itimerval timer;
  for (int which = ITIMER_REAL; which <= ITIMER_PROF; ++which) {
    CHECK_INT(getitimer(which, &timer), 0);
    CHECK(timer.it_value.tv_sec == 0 && timer.it_interval.tv_sec == 0);
  }
  sigset_t set;
  sigpending(&set);
  CHECK(!sigismember(&set, SIGHUP));
  Ok("fresh");
  sigprocmask(SIG_BLOCK, NULL, &set);
  CHECK(sigismember(&set, SIGHUP));
  stack_t stack;
  CHECK_INT(sigaltstack(NULL, &stack), 0);
  CHECK(stack.ss_sp == alternate && stack.ss_flags == 0);
  struct rlimit limit;
  CHECK_INT(getrlimit(RLIMIT_FSIZE, &limit), 0);
  CHECK_INT(limit.rlim_cur, 1 << 20);
  char cwd[32], name[17] = "";
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/tmp") == 0);
  CHECK_INT(umask(0), 031);
  CHECK_INT(prctl(PR_GET_NAME, name), 0);
  CHECK(strcmp(name, "fresh") == 0);
  CHECK_INT(getpriority(PRIO_PROCESS, 0), 3);
  Ok("kept");
}

static void PidsDiffer(void) {
  enum { kMany = 60 };
  pid_t pids[kMany];
  for (int i = 0; i < kMany; ++i) {
    pids[i] = fork();
    if (pids[i] == 0) _exit(0);
    CHECK_INT(WaitShell(pids[i]), 0);
    for (int j = 0; j < i; ++j) CHECK(pids[i] != pids[j]);
  }
  Ok("pids not reused at once");
}

int main(void) {
  struct tms ticks;
  do {
    times(&ticks);
  } while (ticks.tms_utime + ticks.tms_stime < 5);
  struct itimerval timer = {{500, 0}, {500, 0}};
  for (int which = ITIMER_REAL; which <= ITIMER_PROF; ++which) {
    CHECK_INT(setitimer(which, &timer, NULL), 0);
  }
  Block(SIGHUP);
  raise(SIGHUP);
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate), .ss_flags = 0};
  CHECK_INT(sigaltstack(&stack, NULL), 0);
  struct rlimit limit = {1 << 20, 1 << 20};
  CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
  CHECK_INT(chdir("/tmp"), 0);
  umask(031);
  CHECK_INT(prctl(PR_SET_NAME, "fresh"), 0);
  CHECK_INT(setpriority(PRIO_PROCESS, 0, 3), 0);
  clock_t now = times(&ticks);
  CHECK_INT(RunChild(Child, &now), 0);
  PidsDiffer();
  return Finish();
}
