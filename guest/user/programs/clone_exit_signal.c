// SPDX-License-Identifier: Apache-2.0
//
// F31: exit signals other than SIGCHLD, none, and bytes that are no signal; which waits see such
// children.
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest/user/lib/proc.h"

static volatile int caught[65];

static void Note(int number) { ++caught[number]; }

static pid_t Clone(unsigned long exit_signal) {
  pid_t pid = (pid_t)syscall(SYS_clone, exit_signal, 0, 0, 0, 0);
  if (pid == 0) _exit(7);
  return pid;
}

static void Waits(pid_t child, int option) {
  int status = 0;
  CHECK_INT(waitpid(child, &status, option), child);
  CHECK_INT(status, 7 << 8);
}

int main(void) {
  signal(SIGUSR1, Note);
  signal(SIGCHLD, Note);
  pid_t child = Clone(SIGUSR1);
  CHECK_ERR(waitpid(child, NULL, 0), ECHILD);  // not a child of the ordinary kind
  Waits(child, __WCLONE);
  CHECK_INT(caught[SIGUSR1], 1);
  CHECK_INT(caught[SIGCHLD], 0);
  Ok("another signal");
  Waits(Clone(0), __WALL);
  Waits(Clone(0), __WCLONE);
  CHECK_INT(caught[SIGUSR1] + caught[SIGCHLD], 1);
  Ok("no signal");
  for (unsigned long number = 65; number < 256; number += 19) Waits(Clone(number), __WALL);
  CHECK_INT(caught[SIGUSR1] + caught[SIGCHLD], 1);
  Ok("no such signal");
  Waits(Clone(SIGCHLD), 0);
  CHECK_INT(caught[SIGCHLD], 1);
  CHECK_ERR(wait(NULL), ECHILD);
  Ok("SIGCHLD");
  return Finish();
}
