// SPDX-License-Identifier: Apache-2.0
//
// Namespaces for test programs: clone with flags and without a stack of its own, text of /proc.
// Needs root: everything in here is refused to others, on Linux too.
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include "guest/user/lib/proc.h"

// clone(flags | SIGCHLD) as fork does it; the child runs `body(arg)` and leaves with ChildResult().
// -1 with errno if it fails.
static inline pid_t CloneWith(unsigned long flags, void (*body)(void*), void* arg) {
  pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
  if (pid == 0) {
    fv_failures = 0;
    body(arg);
    _exit(ChildResult());
  }
  return pid;
}

// The same, waited for: exit code, or 128 + signal.
static inline int RunCloned(unsigned long flags, void (*body)(void*), void* arg) {
  return WaitShell(CloneWith(flags, body, arg));
}

// The C library may remember the ids of the process that was cloned.
static inline pid_t RawPid(void) { return (pid_t)syscall(SYS_getpid); }
static inline pid_t RawTid(void) { return (pid_t)syscall(SYS_gettid); }

// The whole text of a small file, NUL-terminated; -1 with errno if it cannot be read.
static inline ssize_t ReadText(const char* path, char* text, size_t capacity) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  size_t done = 0;
  ssize_t got = 1;
  while (got > 0 && done < capacity - 1) {
    got = read(fd, text + done, capacity - 1 - done);
    if (got > 0) done += (size_t)got;
  }
  int saved = errno;
  close(fd);
  errno = saved;
  text[done] = 0;
  return got < 0 ? -1 : (ssize_t)done;
}

// The line `name` of a /proc/PID/status as numbers; returns how many there are.
static inline int StatusNumbers(const char* path, const char* name, int* numbers, int most) {
  static char text[8192];
  if (ReadText(path, text, sizeof(text)) < 0) return -1;
  char wanted[32];
  snprintf(wanted, sizeof(wanted), "\n%s:", name);
  const char* at = strstr(text, wanted);
  int count = 0;
  if (!at) return -1;
  at += strlen(wanted);
  while (*at == '\t' && count < most) {
    numbers[count++] = (int)strtol(at + 1, (char**)&at, 10);
  }
  return count;
}

// What is mounted from here on is seen by this process and its children only. A kernel without
// mount namespaces has one test program at a time and nobody else to disturb.
static inline void KeepMountsPrivate(void) {
  if (unshare(CLONE_NEWNS) == 0) CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}
