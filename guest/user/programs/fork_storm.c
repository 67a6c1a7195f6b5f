// SPDX-License-Identifier: Apache-2.0
//
// Many children, one after the other and many at once; every status arrives exactly once and no
// two children that live together share a pid.
#include "guest/user/lib/proc.h"

enum { kSerial = 300, kTogether = 60 };

static Baton gate;

static void ExitWith(void* code) { _exit((int)(long)code); }

static void WaitAtGate(void* code) {
  Take(&gate);
  _exit((int)(long)code);
}

static void Together(void) {
  gate = MakeBaton();
  pid_t pids[kTogether];
  int seen[kTogether] = {0};
  for (long i = 0; i < kTogether; ++i) {
    pids[i] = Fork(WaitAtGate, (void*)i);
    for (long j = 0; j < i; ++j) CHECK(pids[i] != pids[j]);
  }
  CHECK_INT(waitpid(-1, NULL, WNOHANG), 0);
  for (int i = 0; i < kTogether; ++i) Give(&gate);
  for (int i = 0; i < kTogether; ++i) {
    int status;
    pid_t pid = wait(&status);
    CHECK(pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) < kTogether);
    CHECK_INT(pids[WEXITSTATUS(status)], pid);
    ++seen[WEXITSTATUS(status)];
  }
  for (int i = 0; i < kTogether; ++i) CHECK_INT(seen[i], 1);
  CHECK_ERR(wait(NULL), ECHILD);
  DropBaton(&gate);
}

int main(void) {
  for (long i = 0; i < kSerial; ++i) {
    CHECK_INT(RunChild(ExitWith, (void*)(i & 127)), i & 127);
  }
  Ok("one after the other");
  Together();
  Ok("sixty at once");
  Together();
  Ok("and again");
  return Finish();
}
