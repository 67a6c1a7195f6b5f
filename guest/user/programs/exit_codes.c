// SPDX-License-Identifier: Apache-2.0
//
// What a parent learns of a child's end: every exit code, codes above 255 cut to a byte, every
// signal that kills by default, and _exit against exit.
// Rows of docs/fork-features.md: F87.
#include "guest/user/lib/proc.h"

static void ExitWith(void* code) { _exit((int)(long)code); }

static void KillSelf(void* signal_number) {
  signal((int)(long)signal_number, SIG_DFL);
  raise((int)(long)signal_number);
  _exit(77);
}

static void AllCodes(void) {
  for (long code = 0; code < 256; ++code) {
    int status = Wait(Fork(ExitWith, (void*)code));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code && status == code << 8);
  }
  CHECK_INT(Wait(Fork(ExitWith, (void*)256L)), 0);
  CHECK_INT(Wait(Fork(ExitWith, (void*)0x1234L)), 0x3400);
  CHECK_INT(Wait(Fork(ExitWith, (void*)-1L)), 0xff00);
  Ok("exit codes");
}

static void AllSignals(void) {
  for (long number = 1; number <= 64; ++number) {
    if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) continue;
    if (number == 32 || number == 33 || number == 34) continue;  // used by the C libraries
    int status = Wait(Fork(KillSelf, (void*)number)) & ~0x80;    // core flag: depends on limits
    Say("signal %ld %s %d", number, WIFSIGNALED(status) ? "kills" : "leaves", ShellStatus(status));
  }
}

int main(void) {
  AllCodes();
  AllSignals();
  return Finish();
}
