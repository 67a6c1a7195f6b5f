// SPDX-License-Identifier: Apache-2.0
//
// kill and its errors; signal 0; default actions that ignore; SIGKILL and SIGCONT; an unprivileged
// process may not signal a process of another user (when the test runs as root).
#include "guest/user/lib/proc.h"

static Baton never, ready;

static void Blocks(void* unused) {
  (void)unused;
  Give(&ready);
  Take(&never);
}

static void Ignores(void* unused) {
  (void)unused;
  int ignored[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
  for (int i = 0; i < 4; ++i) CHECK_INT(raise(ignored[i]), 0);
}

static void OtherUser(void* target) {
  if (geteuid() == 0) CHECK_INT(setuid(12345), 0);
  CHECK_ERR(kill((pid_t)(long)target, geteuid() == 12345 ? SIGTERM : 65),
            geteuid() == 12345 ? EPERM : EINVAL);
}

int main(void) {
  never = MakeBaton();
  ready = MakeBaton();
  CHECK_INT(kill(getpid(), 0), 0);
  CHECK_ERR(kill(getpid(), 65), EINVAL);
  CHECK_ERR(kill(getpid(), -1), EINVAL);
  CHECK_ERR(kill(1 << 22, SIGTERM), ESRCH);
  CHECK_ERR(kill(-(1 << 22), SIGTERM), ESRCH);
  Ok("errors");
  CHECK_INT(RunChild(Ignores, NULL), 0);
  Ok("ignored by default");
  pid_t child = Fork(Blocks, NULL);
  Take(&ready);
  CHECK_INT(RunChild(OtherUser, (void*)(long)child), 0);
  CHECK_INT(waitpid(child, NULL, WNOHANG), 0);
  CHECK_INT(kill(child, SIGKILL), 0);
  CHECK_INT(WaitShell(child), 128 + SIGKILL);
  Ok("permission");
  return Finish();
}
