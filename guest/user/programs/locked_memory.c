// SPDX-License-Identifier: Apache-2.0
//
// Locked memory: mlock, mlock2, mlockall and their opposites as /proc/self/status counts them;
// F55: a child locks nothing, F50: its counters start from its own memory.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kOnFault = 1 };

// A "Vm...:" line of /proc/self/status, in KiB.
static long Status(const char* key) {
  char text[4096];
  int fd = open("/proc/self/status", O_RDONLY);
  ssize_t n = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  const char* at = strstr(text, key);
  return at ? atol(at + strlen(key)) : -1;
}

static void NothingLocked(void* arg) {
  CHECK_INT(Status("VmLck:"), 0);
  CHECK_INT(BadPages(arg, 4, 1), 0);
  CHECK(Status("VmRSS:") <= Status("VmHWM:"));
}

int main(void) {
  unsigned char* pages = Pages(8);
  FillPages(pages, 4, 1);
  CHECK_INT(Status("VmLck:"), 0);
  CHECK_INT(mlock(pages, 4 * kPage), 0);
  CHECK_INT(Status("VmLck:"), 16);
  CHECK_INT(RunChild(NothingLocked, pages), 0);
  CHECK_INT(Status("VmLck:"), 16);
  Ok("F50 F55 not inherited");

  CHECK_INT(munlock(pages, kPage), 0);
  CHECK_INT(Status("VmLck:"), 12);
  CHECK_INT(syscall(SYS_mlock2, pages, 4 * kPage, kOnFault), 0);
  CHECK_INT(Status("VmLck:"), 16);
  CHECK_ERR(syscall(SYS_mlock2, pages, kPage, 77), EINVAL);
  CHECK_INT(munlock(pages, 8 * kPage), 0);
  CHECK_INT(Status("VmLck:"), 0);
  Ok("mlock, mlock2, munlock");

  CHECK_INT(mlockall(MCL_FUTURE), 0);
  unsigned char* later = Pages(2);
  CHECK_INT(Status("VmLck:"), 8);
  CHECK_INT(munmap(later, 2 * kPage), 0);
  CHECK_INT(munlockall(), 0);
  CHECK_INT(Status("VmLck:"), 0);
  CHECK_ERR(mlockall(0), EINVAL);
  Ok("mlockall, munlockall");
  return Finish();
}
