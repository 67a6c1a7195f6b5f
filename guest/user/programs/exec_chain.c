// SPDX-License-Identifier: Apache-2.0
//
// A process that executes itself again and again, forking in between: sixty programs, one pid.
#include "guest/user/lib/proc.h"

enum { kLinks = 60 };

static void ExitWith(void* code) { _exit((int)(long)code); }

int main(int argc, char** argv) {
  int link = argc > 1 ? atoi(argv[1]) : 0;
  if (link > 0) CHECK_INT(atoi(argv[2]), getpid());
  CHECK_INT(RunChild(ExitWith, (void*)(long)link), link);
  if (fv_failures) return Finish();
  if (link == kLinks) {
    Ok("sixty links");
    return Finish();
  }
  char number[16], pid[16];
  snprintf(number, sizeof(number), "%d", link + 1);
  snprintf(pid, sizeof(pid), "%d", getpid());
  char* args[] = {argv[0], number, pid, NULL};
  execv("/proc/self/exe", args);
  CHECK(!"execv");
  return Finish();
}
