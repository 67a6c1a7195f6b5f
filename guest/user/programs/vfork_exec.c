// SPDX-License-Identifier: Apache-2.0
//
// vfork: the parent does not run until the child has executed or left; the child works in the
// parent's memory; exec inside it leaves the parent's memory alone.
// Rows of docs/fork-features.md: F30 F66.
#include "guest/user/lib/proc.h"

static volatile int order;

static int ExecSelf(const char* what) {
  char* args[] = {"vfork_exec", (char*)what, NULL};
  char* env[] = {NULL};
  execve("/proc/self/exe", args, env);
  return 97;
}

static void Leaves(void) {
  order = 1;
  pid_t pid = vfork();
  if (pid == 0) {
    order = order == 1 ? 2 : -1;
    _exit(11);
  }
  CHECK_INT(order, 2);  // the child's write, seen without waiting
  CHECK_INT(WaitShell(pid), 11);
  Ok("vfork, then _exit");
}

static void Executes(void) {
  order = 1;
  pid_t pid = vfork();
  if (pid == 0) {
    order = 3;
    _exit(ExecSelf("child"));
  }
  CHECK_INT(order, 3);
  CHECK_INT(WaitShell(pid), 42);
  Ok("vfork, then exec");
}

static void FailsToExecute(void) {
  char* args[] = {"x", NULL};
  order = 1;
  pid_t pid = vfork();
  if (pid == 0) {
    execve("/no/such/program", args, args + 1);
    order = errno;
    _exit(127);
  }
  CHECK_INT(order, ENOENT);
  CHECK_INT(WaitShell(pid), 127);
  Ok("vfork, exec fails");
}

static void Killed(void) {
  pid_t pid = vfork();
  if (pid == 0) {
    kill(getpid(), SIGKILL);
    _exit(1);
  }
  CHECK_INT(WaitShell(pid), 128 + SIGKILL);
  Ok("vfork, child killed");
}

static void Nested(void) {
  order = 0;
  pid_t pid = vfork();
  if (pid == 0) {
    pid_t inner = vfork();
    if (inner == 0) {
      order = 10;
      _exit(1);
    }
    order = order == 10 ? 20 : -1;
    _exit(2);
  }
  CHECK_INT(order, 20);
  CHECK_INT(WaitShell(pid), 2);
  Ok("vfork in a vfork child");
}

int main(int argc, char** argv) {
  if (argc > 1) {
    Say("executed: %s", argv[1]);
    return 42;
  }
  Leaves();
  Executes();
  FailsToExecute();
  Killed();
  Nested();
  return Finish();
}
