// SPDX-License-Identifier: Apache-2.0
//
// prctl: the name of a thread, dumpable, keep-caps flag, no_new_privs, timer slack, huge pages;
// what fork and exec do to them; what is refused.
#include <sched.h>
#include <sys/prctl.h>

#include "guest/user/lib/guest.h"
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

// A name is read no further than it is kept.
static void NameAtEndOfMemory(void) {
  char name[17] = "", *end = (char*)Pages(2) + kPage;
  CHECK_INT(munmap(end, kPage), 0);
  memcpy(end - 15, "fifteen-letters", 15);
  CHECK_INT(prctl(PR_SET_NAME, end - 15), 0);
  CHECK_INT(prctl(PR_GET_NAME, name), 0);
  CHECK(strcmp(name, "fifteen-letters") == 0);
  CHECK_ERR(prctl(PR_SET_NAME, end - 14), EFAULT);
  CHECK_ERR(prctl(PR_GET_NAME, end - 15), EFAULT);
  Ok("name at the end of memory");
}

static void TimerSlack(void) {
  const long normal = prctl(PR_GET_TIMERSLACK);
  CHECK_INT(prctl(PR_SET_TIMERSLACK, 1L << 62), 0);
  CHECK(syscall(SYS_prctl, PR_GET_TIMERSLACK) == 1L << 62);
  CHECK_INT(prctl(PR_SET_TIMERSLACK, -1L), 0);
  CHECK_ERR(syscall(SYS_prctl, PR_GET_TIMERSLACK), EPERM);  // the number looks like an error
  CHECK_INT(prctl(PR_SET_TIMERSLACK, 0), 0);
  CHECK_INT(prctl(PR_GET_TIMERSLACK), normal);
  if (InGuest()) {  // Linux since 6.13
    struct sched_param param = {.sched_priority = 1};
    CHECK_INT(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param), 0);
    CHECK_INT(prctl(PR_SET_TIMERSLACK, 70000), 0);
    CHECK_INT(prctl(PR_GET_TIMERSLACK), 0);
    param.sched_priority = 0;
    CHECK_INT(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param), 0);
    CHECK_INT(prctl(PR_GET_TIMERSLACK), normal);
  }
  Ok("timer slack");
}

static void Child(void* unused) {
  (void)unused;
  char name[17] = "";
  CHECK_INT(prctl(PR_GET_NAME, name), 0);
  CHECK(strcmp(name, "a-rather-long-n") == 0);
  CHECK_INT(prctl(PR_SET_NAME, "child"), 0);
  CHECK_INT(prctl(PR_GET_NAME, name), 0);
  CHECK(strcmp(name, "child") == 0);
  CHECK_INT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
  CHECK_INT(prctl(PR_GET_CHILD_SUBREAPER, name), 0);
  CHECK_INT(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
  char* args[] = {"whatever", "executed", NULL};
  execv("/proc/self/exe", args);
}

int main(int argc, char** argv) {
  (void)argv;
  char name[17] = "";
  if (argc > 1) {
    CHECK_INT(prctl(PR_GET_NAME, name), 0);
    CHECK(strcmp(name, "whatever") != 0 && strcmp(name, "child") != 0);  // the file's name
    CHECK_INT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    CHECK_INT(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
    return fv_failures ? 99 : 11;
  }
  CHECK_INT(prctl(PR_SET_NAME, "a-rather-long-name"), 0);
  CHECK_INT(prctl(PR_GET_NAME, name), 0);
  Say("name '%s'", name);
  CHECK_ERR(prctl(PR_SET_NAME, 8), EFAULT);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
  CHECK_INT(prctl(PR_SET_DUMPABLE, 0), 0);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 0);
  CHECK_INT(prctl(PR_SET_DUMPABLE, 1), 0);
  CHECK_ERR(prctl(PR_SET_DUMPABLE, 2), EINVAL);
  CHECK_INT(prctl(PR_GET_KEEPCAPS), 0);
  CHECK_INT(prctl(PR_SET_PDEATHSIG, 0), 0);
  CHECK_ERR(prctl(PR_SET_PDEATHSIG, 100), EINVAL);
  CHECK_INT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
  CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  CHECK_ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
  CHECK_ERR(prctl(99999, 0, 0, 0, 0), EINVAL);
  CHECK_INT(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
  CHECK_INT(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
  CHECK_ERR(prctl(PR_SET_THP_DISABLE, 1, 0, 1, 0), EINVAL);
  Ok("settings");
  CHECK_INT(RunChild(Child, NULL), 11);
  CHECK_INT(prctl(PR_GET_NAME, name), 0);
  CHECK(strcmp(name, "a-rather-long-n") == 0);
  Ok("over fork and exec");
  NameAtEndOfMemory();
  TimerSlack();
  return Finish();
}
