// SPDX-License-Identifier: Apache-2.0
//
// F07: forks until there is no more. On the guest the end comes with EAGAIN at the limit of all
// tasks, for root too; the children are then killed and everything goes on as before. On a host
// the bomb stays small. The limit is lowered first: every step of the guest is looked at, which
// takes the longer the more tasks there are.
#include <fcntl.h>
#include <stdint.h>
#include <sys/utsname.h>

#include "guest/user/lib/proc.h"

enum { kMost = 100000, kLimit = 400, kOnAHost = 50 };

static pid_t children[kMost];

static void Nothing(void* arg) { (void)arg; }

int main(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  const int most = strstr(name.release, "forkvisor") ? kMost : kOnAHost;
  if (most == kMost) {
    char text[16];
    snprintf(text, sizeof(text), "%d", kLimit);
    int fd = open("/proc/sys/kernel/threads-max", O_WRONLY);
    CHECK_INT(write(fd, text, strlen(text)), strlen(text));
    close(fd);
  }
  int count = 0;
  pid_t pid = 0;
  while (count < most && (pid = fork()) > 0) children[count++] = pid;
  if (pid == 0) {
    for (;;) pause();
  }
  CHECK(most == kOnAHost ? count == most : pid < 0 && errno == EAGAIN);
  CHECK(count >= 20 && (most == kOnAHost || count < kLimit));
  for (int i = 0; i < count; ++i) CHECK_INT(kill(children[i], SIGKILL), 0);
  for (int i = 0; i < count; ++i) CHECK_INT(WaitShell(children[i]), 128 + SIGKILL);
  Ok("F07 bomb");
  CHECK_INT(RunChild(Nothing, NULL), 0);
  Ok("alive after it");
  return Finish();
}
