// SPDX-License-Identifier: Apache-2.0
//
// Process groups and sessions: who may move whom, what is inherited, signals to a whole group,
// and what setsid does.
// Rows of docs/fork-features.md: F25 F81.
#include "guest/user/lib/proc.h"

static Baton gate, ready;

static void Blocks(void* unused) {
  (void)unused;
  Give(&ready);
  Take(&gate);
}

static void Inherits(void* unused) {
  (void)unused;
  pid_t group = getpgrp(), session = getsid(0);
  CHECK_INT(group, getpgid(getppid()));
  CHECK_INT(session, getsid(getppid()));
  CHECK_INT(setpgid(0, 0), 0);
  CHECK_INT(getpgrp(), getpid());
  CHECK_INT(getsid(0), session);
  CHECK_INT(setpgid(0, group), 0);
  CHECK_INT(getpgrp(), group);
  Ok("inherited, own group, back");
}

static void NewSession(void* unused) {
  (void)unused;
  CHECK_INT(setsid(), getpid());
  CHECK_INT(getsid(0), getpid());
  CHECK_INT(getpgrp(), getpid());
  CHECK_ERR(setsid(), EPERM);  // a group leader
  CHECK_ERR(setpgid(0, 0), EPERM);
  CHECK_ERR(setpgid(getppid(), getpid()), ESRCH);  // not a child
  pid_t child = Fork(Blocks, NULL);
  Take(&ready);
  CHECK_INT(getsid(child), getpid());
  CHECK_INT(setpgid(child, child), 0);
  CHECK_INT(getpgid(child), child);
  CHECK_ERR(setpgid(child, getppid()), EPERM);  // a group of another session
  CHECK_ERR(setpgid(child, -1), EINVAL);
  Give(&gate);
  CHECK_INT(WaitShell(child), 0);
  Ok("setsid");
}

static void AfterExec(void* unused) {
  (void)unused;
  char* args[] = {"process_groups", "child", NULL};
  execv("/proc/self/exe", args);
}

static void KillGroup(void) {
  pid_t pids[6];
  for (int i = 0; i < 6; ++i) {
    pids[i] = Fork(Blocks, NULL);
    CHECK_INT(setpgid(pids[i], i < 3 ? pids[0] : pids[3]), 0);
  }
  for (int i = 0; i < 6; ++i) Take(&ready);
  CHECK_INT(killpg(pids[0], 0), 0);
  CHECK_INT(kill(-pids[0], SIGTERM), 0);
  for (int i = 0; i < 3; ++i) CHECK_INT(WaitShell(pids[i]), 128 + SIGTERM);
  CHECK_ERR(kill(-pids[0], SIGTERM), ESRCH);
  CHECK_INT(waitpid(-pids[3], NULL, WNOHANG), 0);
  CHECK_INT(killpg(pids[3], SIGKILL), 0);
  for (int i = 3; i < 6; ++i) CHECK_INT(WaitShell(pids[i]), 128 + SIGKILL);
  Ok("signals to a group");
}

int main(int argc, char** argv) {
  (void)argv;
  gate = MakeBaton();
  ready = MakeBaton();
  if (argc > 1) return 31;
  CHECK_INT(RunChild(Inherits, NULL), 0);
  CHECK_INT(RunChild(NewSession, NULL), 0);
  KillGroup();
  pid_t child = Fork(AfterExec, NULL);
  // Before or after its exec, setpgid gives 0 or EACCES; after the wait ESRCH.
  int moved = setpgid(child, child);
  CHECK(moved == 0 || errno == EACCES || errno == ESRCH);
  CHECK_INT(WaitShell(child), 31);
  CHECK_ERR(setpgid(child, child), ESRCH);
  CHECK_ERR(getpgid(child), ESRCH);
  CHECK_ERR(getsid(child), ESRCH);
  CHECK_ERR(setpgid(0, 1 << 22), EPERM);
  Ok("errors");
  return Finish();
}
