// SPDX-License-Identifier: Apache-2.0
//
// fork returns twice: zero in the child, the child's pid in the parent; the child has its own pid,
// the parent's pid as parent, and a status that the parent collects once.
#include "guest/user/lib/proc.h"

static pid_t parent;

static void Child(void* shared) {
  CHECK(getpid() != parent);
  CHECK_INT(getppid(), parent);
  CHECK_INT(syscall(SYS_gettid), getpid());
  *(pid_t*)shared = getpid();
  Ok("in the child");
  _exit(fv_failures ? 99 : 23);
}

int main(void) {
  parent = getpid();
  pid_t* seen = (pid_t*)SharedMemory(4096);
  pid_t child = Fork(Child, seen);
  int status = 0;
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK_INT(*seen, child);
  CHECK(child > 0 && child != parent);
  CHECK(WIFEXITED(status));
  CHECK_INT(WEXITSTATUS(status), 23);
  CHECK_INT(getpid(), parent);
  Ok("in the parent");
  CHECK_ERR(waitpid(child, &status, 0), ECHILD);
  CHECK_ERR(kill(child, 0), ESRCH);
  Ok("gone after the wait");
  // The C library's fork, the system call fork, and clone with nothing but a signal are one thing.
  long raw = syscall(SYS_fork);
  if (raw == 0) _exit(5);
  CHECK_INT(WaitShell((pid_t)raw), 5);
  raw = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (raw == 0) _exit(6);
  CHECK_INT(WaitShell((pid_t)raw), 6);
  Ok("raw system calls");
  return Finish();
}
