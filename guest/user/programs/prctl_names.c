// SPDX-License-Identifier: Apache-2.0
//
// prctl: the name of a thread, dumpable, keep-caps flag, no_new_privs, timer slack; what fork and
// exec do to them; what is refused.
#include <sys/prctl.h>

#include "guest/user/lib/proc.h"

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
  Ok("settings");
  CHECK_INT(RunChild(Child, NULL), 11);
  CHECK_INT(prctl(PR_GET_NAME, name), 0);
  CHECK(strcmp(name, "a-rather-long-n") == 0);
  Ok("over fork and exec");
  return Finish();
}
