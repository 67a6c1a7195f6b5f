// SPDX-License-Identifier: Apache-2.0
//
// A daemon's start: fork, setsid, fork again, chdir, close; its parent is the reaper, its session
// has no leader left, a signal to the old group does not reach it.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "guest/user/lib/proc.h"

static Baton ready, go;
static volatile pid_t* ids;

static void Daemon(void) {
  CHECK_INT(chdir("/"), 0);
  umask(0);
  ids[0] = getpid();
  ids[1] = getsid(0);
  ids[2] = getpgrp();
  Give(&ready);
  Take(&go);
  ids[3] = getppid();
  _exit(fv_failures ? 99 : 19);
}

static void Starter(void* unused) {
  (void)unused;
  CHECK_INT(setpgid(0, 0), 0);
  if (fork() == 0) {
    CHECK(setsid() == getpid());
    if (fork() == 0) Daemon();
    _exit(0);
  }
  CHECK_INT(wait(NULL) > 0, 1);
}

int main(void) {
  ready = MakeBaton();
  go = MakeBaton();
  ids = (volatile pid_t*)SharedMemory(4096);
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  pid_t starter = Fork(Starter, NULL);
  CHECK_INT(WaitShell(starter), 0);
  Take(&ready);
  CHECK(ids[1] == ids[2] && ids[1] != ids[0]);
  CHECK(ids[1] != getsid(0));
  CHECK_ERR(kill(-starter, SIGKILL), ESRCH);
  CHECK_ERR(kill(ids[1], 0), ESRCH);  // the session's leader has gone
  CHECK_INT(kill(-ids[2], 0), 0);     // its group lives on
  Give(&go);
  CHECK_INT(WaitShell(ids[0]), 19);
  CHECK_INT(ids[3], getpid());
  CHECK_ERR(kill(-ids[2], 0), ESRCH);
  Ok("daemon");
  return Finish();
}
