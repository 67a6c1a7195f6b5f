// SPDX-License-Identifier: Apache-2.0
//
// execve replaces the program and keeps the process: pid, parent, group, directory, umask, open
// files, limits; memory, mappings and handlers are new; pending and blocked signals stay.
// Rows of docs/fork-features.md: F89.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "guest/user/lib/proc.h"

static int own_data = 1;

static void OnSignal(int signal_number) { (void)signal_number; }

static void Before(void* unused) {
  (void)unused;
  char pid[16], parent[16];
  own_data = 2;
  snprintf(pid, sizeof(pid), "%d", getpid());
  snprintf(parent, sizeof(parent), "%d", getppid());
  CHECK_INT(setpgid(0, 0), 0);
  CHECK_INT(chdir("/tmp"), 0);
  umask(027);
  int fd = open("/dev/null", O_WRONLY);
  CHECK_INT(dup2(fd, 50), 50);
  CHECK_INT(dup2(fd, 51), 51);
  CHECK_INT(fcntl(51, F_SETFD, FD_CLOEXEC), 0);
  CHECK_INT(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0, 1);
  Handle(SIGUSR1, OnSignal, 0);
  signal(SIGUSR2, SIG_IGN);
  Block(SIGHUP);
  Block(SIGALRM);
  raise(SIGHUP);
  struct rlimit limit = {200, 300};
  CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
  struct itimerval timer = {{0, 0}, {1000, 0}};
  CHECK_INT(setitimer(ITIMER_REAL, &timer, NULL), 0);
  char* args[] = {"exec_basic", pid, parent, NULL};
  char* env[] = {"ONLY=this", NULL};
  execve("/proc/self/exe", args, env);
  CHECK(!"execve returned");
}

static void CheckSignals(void) {
  struct sigaction action;
  CHECK_INT(sigaction(SIGUSR1, NULL, &action), 0);
  CHECK(action.sa_handler == SIG_DFL);
  CHECK_INT(sigaction(SIGUSR2, NULL, &action), 0);
  CHECK(action.sa_handler == SIG_IGN);
  sigset_t set;
  CHECK_INT(sigprocmask(SIG_BLOCK, NULL, &set), 0);
  CHECK(sigismember(&set, SIGHUP) && sigismember(&set, SIGALRM) && !sigismember(&set, SIGINT));
  CHECK_INT(sigpending(&set), 0);
  CHECK(sigismember(&set, SIGHUP) && !sigismember(&set, SIGUSR1));
  Ok("signals");
}

static int After(char** argv, char** envp) {
  CHECK_INT(own_data, 1);
  CHECK_INT(atoi(argv[1]), getpid());
  CHECK_INT(atoi(argv[2]), getppid());
  CHECK_INT(getpgrp(), getpid());
  char cwd[64];
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/tmp") == 0);
  CHECK_INT(umask(0), 027);
  CHECK(strcmp(envp[0], "ONLY=this") == 0 && envp[1] == NULL);
  Ok("process kept");
  CHECK_INT(fcntl(50, F_GETFD), 0);
  CHECK_ERR(fcntl(51, F_GETFD), EBADF);
  CHECK_INT(fcntl(3, F_GETFD), 0);
  CHECK_ERR(fcntl(4, F_GETFD), EBADF);
  Ok("files");
  CheckSignals();
  struct rlimit limit;
  CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
  CHECK(limit.rlim_cur == 200 && limit.rlim_max == 300);
  struct itimerval timer;
  CHECK_INT(getitimer(ITIMER_REAL, &timer), 0);
  CHECK(timer.it_value.tv_sec > 900);
  Ok("limits and timer");
  return fv_failures ? 99 : 64;
}

int main(int argc, char** argv, char** envp) {
  if (argc == 3) return After(argv, envp);
  CHECK_INT(RunChild(Before, NULL), 64);
  CHECK_INT(own_data, 1);
  return Finish();
}
