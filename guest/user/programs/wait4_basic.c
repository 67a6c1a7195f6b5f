// SPDX-License-Identifier: Apache-2.0
//
// wait4 and its selectors: any child, one pid, a process group; WNOHANG; statuses and usage; order
// of reaping is free, each child once; EINVAL and ECHILD.
// Rows of docs/fork-features.md: F86.
#include <sys/resource.h>

#include "guest/user/lib/proc.h"

static Baton gate;

static void WaitAndExit(void* code) {
  Take(&gate);
  _exit((int)(long)code);
}

static void OwnGroup(void* code) {
  CHECK(setpgid(0, 0) == 0);
  Take(&gate);
  _exit((int)(long)code);
}

static void NoHang(void) {
  pid_t child = Fork(WaitAndExit, (void*)4L);
  int status = 0x5555;
  CHECK_INT(waitpid(child, &status, WNOHANG), 0);
  CHECK_INT(waitpid(-1, &status, WNOHANG), 0);
  CHECK_INT(waitpid(0, &status, WNOHANG), 0);
  CHECK_INT(status, 0x5555);
  Give(&gate);
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK_INT(status, 4 << 8);
  CHECK_ERR(waitpid(child, &status, WNOHANG), ECHILD);
  Ok("WNOHANG");
}

static void ByPid(void) {
  pid_t first = Fork(WaitAndExit, (void*)1L);
  pid_t second = Fork(WaitAndExit, (void*)2L);
  Give(&gate);
  Give(&gate);
  int status = 0;
  CHECK_INT(waitpid(second, &status, 0), second);
  CHECK_INT(WEXITSTATUS(status), 2);
  CHECK_INT(waitpid(first, &status, 0), first);
  CHECK_INT(WEXITSTATUS(status), 1);
  Ok("by pid, in the other order");
}

static void ByGroup(void) {
  pid_t leader = Fork(OwnGroup, (void*)5L);
  setpgid(leader, leader);
  pid_t plain = Fork(WaitAndExit, (void*)6L);
  int status = 0;
  CHECK_INT(waitpid(-leader, &status, WNOHANG), 0);
  Give(&gate);
  Give(&gate);
  CHECK_INT(waitpid(-leader, &status, 0), leader);
  CHECK_INT(WEXITSTATUS(status), 5);
  CHECK_ERR(waitpid(-leader, &status, 0), ECHILD);
  CHECK_INT(waitpid(0, &status, 0), plain);  // our own group
  CHECK_INT(WEXITSTATUS(status), 6);
  Ok("by process group");
}

static void Errors(void) {
  int status;
  CHECK_ERR(wait(&status), ECHILD);
  CHECK_ERR(waitpid(getpid(), &status, 0), ECHILD);
  CHECK_ERR(waitpid(1 << 22, &status, 0), ECHILD);
  CHECK_ERR(waitpid(-1, &status, 0x40000), EINVAL);
  CHECK_ERR(syscall(SYS_wait4, -1, &status, 0x10, NULL), EINVAL);
  pid_t child = Fork(WaitAndExit, NULL);
  Give(&gate);
  CHECK_ERR(syscall(SYS_wait4, child, 8, 0, NULL), EFAULT);
  Ok("errors");
  while (waitpid(-1, NULL, 0) > 0) {
  }
}

static void Usage(void) {
  pid_t child = Fork(WaitAndExit, (void*)9L);
  struct rusage usage;
  memset(&usage, 0xff, sizeof(usage));
  Give(&gate);
  int status = 0;
  CHECK_INT(wait4(child, &status, 0, &usage), child);
  CHECK_INT(status, 9 << 8);
  CHECK(usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_sec < 5);
  CHECK(usage.ru_stime.tv_usec >= 0 && usage.ru_stime.tv_usec < 1000000);
  Ok("usage");
}

int main(void) {
  gate = MakeBaton();
  NoHang();
  ByPid();
  ByGroup();
  Errors();
  Usage();
  return Finish();
}
