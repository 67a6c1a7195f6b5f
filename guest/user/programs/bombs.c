// SPDX-License-Identifier: Apache-2.0
//
// F06, F07: processes that fork as fast as they can, each child as well, until one is refused
// (EAGAIN or ENOMEM); a chain of processes, each the child of the last, as long as it gets. As root
// and as another user. One SIGKILL to the group ends each bomb, and afterwards all is as before. On
// a host the bombs stay small.
#include <sys/prctl.h>
#include <sys/utsname.h>

#include "guest/user/lib/proc.h"

enum { kOnAHost = 40, kMany = 1 << 30, kOthersUid = 1000 };

static int most;
static struct {
  int processes;
  int refused;  // errno of a fork that was refused
} * shared;

static void BecomeOther(void) {
  CHECK_INT(setgid(kOthersUid), 0);
  CHECK_INT(setuid(kOthersUid), 0);
}

// fork, or the refusal noted.
static pid_t CountedFork(void) {
  if (__atomic_add_fetch(&shared->processes, 1, __ATOMIC_SEQ_CST) > most) {
    errno = EAGAIN;
  } else {
    pid_t pid = fork();
    if (pid >= 0) return pid;
  }
  __atomic_store_n(&shared->refused, errno, __ATOMIC_SEQ_CST);
  return -1;
}

static void Explode(void* other) {
  if (other != NULL) BecomeOther();
  CHECK(setsid() > 0);
  while (CountedFork() >= 0) {
  }
  for (;;) pause();
}

static void Chain(void* other) {
  if (other != NULL) BecomeOther();
  CHECK(setsid() > 0);
  while (CountedFork() == 0) {
  }
  for (;;) pause();
}

static void WaitForRefusal(void) {
  while (__atomic_load_n(&shared->refused, __ATOMIC_SEQ_CST) == 0) sched_yield();
  CHECK(shared->refused == EAGAIN || shared->refused == ENOMEM);
}

static void Bomb(const char* name, void (*body)(void*), void* other) {
  shared->processes = shared->refused = 0;
  pid_t first = Fork(body, other);
  WaitForRefusal();
  CHECK(shared->processes > 20);
  // Members that fork meanwhile start again when the signal is seen, so that once is enough.
  CHECK_INT(kill(-first, SIGKILL), 0);
  int status = 0;
  while (wait(&status) > 0) CHECK_INT(ShellStatus(status), 128 + SIGKILL);
  CHECK_ERR(kill(-first, 0), ESRCH);
  Ok(name);
}

int main(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  most = strstr(name.release, "forkvisor") ? kMany : kOnAHost;
  shared = SharedMemory(sizeof(*shared));
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
  Bomb("explodes", Explode, NULL);
  Bomb("explodes as another user", Explode, "other");
  Bomb("chain", Chain, NULL);
  Bomb("chain as another user", Chain, "other");
  return Finish();
}
