// SPDX-License-Identifier: Apache-2.0
//
// Processes for test programs: fork with a function as body, wait, a baton that orders processes
// without sleeping (a pipe: one byte is one turn), and a page shared over fork. See check.h.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#include "guest/user/lib/check.h"

// Forks; the child runs `body(arg)` and leaves with ChildResult(). Ends the program if fork fails.
static inline pid_t Fork(void (*body)(void*), void* arg) {
  pid_t pid = fork();
  if (pid < 0) {
    FailAt(__FILE__, __LINE__, "fork", errno);
    _exit(98);
  }
  if (pid == 0) {
    fv_failures = 0;
    body(arg);
    _exit(ChildResult());
  }
  return pid;
}

// Waits for `pid`; its status as wait4 gives it, or -1.
static inline int Wait(pid_t pid) {
  int status = -1;
  pid_t got;
  do {
    got = waitpid(pid, &status, 0);
  } while (got < 0 && errno == EINTR);
  return got == pid ? status : -1;
}

// The shell's view of a status: exit code, or 128 + signal.
static inline int ShellStatus(int status) {
  if (status == -1) return -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline int WaitShell(pid_t pid) { return ShellStatus(Wait(pid)); }

// Forks, runs `body(arg)` in the child and waits: exit code, or 128 + signal.
static inline int RunChild(void (*body)(void*), void* arg) { return WaitShell(Fork(body, arg)); }

// A baton: whoever takes it waits until somebody has given it. Inherited by fork.
typedef struct {
  int read_end;
  int write_end;
} Baton;

static inline Baton MakeBaton(void) {
  int fds[2] = {-1, -1};
  CHECK(pipe(fds) == 0);
  Baton baton = {fds[0], fds[1]};
  return baton;
}

static inline void Give(const Baton* baton) {
  ssize_t wrote;
  do {
    wrote = write(baton->write_end, "x", 1);
  } while (wrote < 0 && errno == EINTR);
  CHECK(wrote == 1);
}

static inline void Take(const Baton* baton) {
  char byte;
  ssize_t got;
  do {
    got = read(baton->read_end, &byte, 1);
  } while (got < 0 && errno == EINTR);
  CHECK(got == 1);
}

static inline void DropBaton(const Baton* baton) {
  close(baton->read_end);
  close(baton->write_end);
}

// Anonymous memory that stays shared over fork; zeroed. Ends the program if there is none.
static inline void* SharedMemory(size_t bytes) {
  void* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    FailAt(__FILE__, __LINE__, "mmap shared", errno);
    _exit(98);
  }
  return memory;
}

// Installs a plain handler with flags; the mask is empty.
static inline void Handle(int signal_number, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = handler;
  action.sa_flags = flags;
  CHECK(sigaction(signal_number, &action, NULL) == 0);
}

// Installs a handler that receives siginfo and context.
static inline void HandleInfo(int signal_number, void (*handler)(int, siginfo_t*, void*),
                              int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = handler;
  action.sa_flags = flags | SA_SIGINFO;
  CHECK(sigaction(signal_number, &action, NULL) == 0);
}

// Blocks one signal and returns the mask before.
static inline sigset_t Block(int signal_number) {
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, signal_number);
  CHECK(sigprocmask(SIG_BLOCK, &set, &before) == 0);
  return before;
}

// Gives the CPU away for a moment, to tasks of lower priority too.
static inline void Rest(void) {
  struct timespec moment = {0, 50000};
  nanosleep(&moment, NULL);
}

// Waits until the kernel says that the thread sleeps (state S in /proc/PID/task/TID/stat): it has
// reached the blocking call that it was on its way to.
static inline void AwaitSleep(pid_t pid, pid_t tid) {
  char path[64], text[256];
  snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
  for (;;) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    const char* state = strrchr(text, ')');
    if (state && state[2] == 'S') return;
    Rest();
  }
}
