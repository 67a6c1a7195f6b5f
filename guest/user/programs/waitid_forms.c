// SPDX-License-Identifier: Apache-2.0
//
// waitid: P_PID, P_PGID, P_ALL; WEXITED, WSTOPPED, WCONTINUED; WNOWAIT leaves the child to be
// waited for again; what siginfo says; what is refused.
// Rows of docs/fork-features.md: F86.
#include "guest/user/lib/proc.h"

static Baton gate, ready;

static void WaitAndExit(void* code) {
  Take(&gate);
  _exit((int)(long)code);
}

static void StopThenExit(void* code) {
  raise(SIGSTOP);
  _exit((int)(long)code);
}

static void Blocks(void* unused) {
  (void)unused;
  Give(&ready);
  Take(&gate);
}

static void Print(const char* what, const siginfo_t* info, pid_t child) {
  Say("%s: signo %d code %d status %d errno %d pid %s uid %s", what, info->si_signo, info->si_code,
      info->si_status, info->si_errno, info->si_pid == child ? "child" : "other",
      info->si_uid == getuid() ? "own" : "other");
}

static void NoWait(void) {
  siginfo_t info;
  pid_t child = Fork(WaitAndExit, (void*)300L);
  memset(&info, 0x77, sizeof(info));
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG), 0);
  CHECK_INT(info.si_pid, 0);
  CHECK_INT(info.si_signo, 0);
  Give(&gate);
  for (int i = 0; i < 3; ++i) {
    CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
  }
  Print("WNOWAIT", &info, child);
  CHECK_INT(kill(child, 0), 0);  // still a zombie
  CHECK_INT(waitid(P_ALL, 0, &info, WEXITED), 0);
  Print("P_ALL", &info, child);
  CHECK_ERR(waitid(P_PID, (id_t)child, &info, WEXITED), ECHILD);
  Ok("exited");
}

static void Killed(void) {
  siginfo_t info;
  pid_t child = Fork(Blocks, NULL);
  Take(&ready);
  CHECK_INT(kill(child, SIGUSR1), 0);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
  Print("killed", &info, child);
  Ok("killed");
}

static void StopAndContinue(void) {
  siginfo_t info;
  pid_t child = Fork(StopThenExit, (void*)7L);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WSTOPPED), 0);
  Print("stopped", &info, child);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG), 0);
  CHECK_INT(info.si_pid, 0);
  CHECK_INT(kill(child, SIGCONT), 0);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
  Print("exits after all", &info, child);
  CHECK_INT(waitid(P_PGID, (id_t)getpgrp(), &info, WEXITED), 0);
  Ok("stopped and continued");
}

static void Continued(void) {
  siginfo_t info;
  pid_t child = Fork(Blocks, NULL);
  Take(&ready);
  CHECK_INT(kill(child, SIGSTOP), 0);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WSTOPPED | WCONTINUED), 0);
  CHECK_INT(info.si_code, CLD_STOPPED);
  CHECK_INT(kill(child, SIGCONT), 0);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WCONTINUED | WNOWAIT), 0);
  Print("continued", &info, child);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WCONTINUED), 0);
  CHECK_INT(info.si_code, CLD_CONTINUED);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WCONTINUED | WNOHANG), 0);
  CHECK_INT(info.si_pid, 0);  // reported once
  Give(&gate);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
  CHECK_INT(info.si_code, CLD_EXITED);
  Ok("WCONTINUED");
}

static void Refused(void) {
  siginfo_t info;
  CHECK_ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
  CHECK_ERR(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
  CHECK_ERR(waitid((idtype_t)9, 0, &info, WEXITED), EINVAL);
  CHECK_ERR(waitid(P_PID, 0, &info, WEXITED), EINVAL);
  CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
  CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), ECHILD);
  Ok("refused");
}

int main(void) {
  gate = MakeBaton();
  ready = MakeBaton();
  NoWait();
  Killed();
  StopAndContinue();
  Continued();
  Refused();
  return Finish();
}
