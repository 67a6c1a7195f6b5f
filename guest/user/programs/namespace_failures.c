// SPDX-License-Identifier: Apache-2.0
//
// F85 for F33: namespaces that are made, used and given up. Every call may fail for want of memory
// (the test fails each allocation in turn): then the program goes on without it.
#include "guest/user/lib/namespaces.h"

static pid_t Cloned(unsigned long flags) {
  return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
}

static void Reap(pid_t pid) {
  if (pid > 0) waitpid(pid, NULL, 0);
}

int main(void) {
  pid_t init = Cloned(CLONE_NEWPID | CLONE_NEWUTS);
  if (init == 0) {
    pid_t inner = Cloned(CLONE_NEWPID);
    if (inner == 0) _exit(0);
    Reap(inner);
    if (Cloned(0) == 0) pause();  // left behind: ends with its init
    _exit(0);
  }
  Reap(init);

  pid_t other = Cloned(0);
  if (other == 0) {
    int own = open("/proc/self/ns/uts", O_RDONLY);
    if (unshare(CLONE_NEWUTS | CLONE_NEWPID) == 0) {
      pid_t first = Cloned(0);
      if (first == 0) _exit(0);
      Reap(first);
    }
    if (own >= 0) setns(own, 0);
    _exit(0);
  }
  Reap(other);
  Say("ok namespaces");
  return 0;
}
