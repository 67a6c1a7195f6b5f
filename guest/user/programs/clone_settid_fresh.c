// SPDX-License-Identifier: Apache-2.0
//
// F28: tids stored by clone into pages that nobody has touched: each side finds its own word, and
// the other side's page is still the zeros that it was.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static int Tid(const unsigned char* at) {
  int tid;
  memcpy(&tid, at, sizeof(tid));
  return tid;
}

int main(void) {
  unsigned char* parents = Pages(1) + 6;  // the tid lies in two words of eight bytes
  int* childs = (int*)Pages(1);
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0,
                             parents, childs, 0);
  if (pid == 0) {
    CHECK_INT(Tid(parents), 0);
    CHECK_INT(childs[0], getpid());
    _exit(ChildResult());
  }
  CHECK_INT(Tid(parents), pid);
  CHECK_INT(childs[0], 0);
  CHECK_INT(WaitShell(pid), 0);
  Ok("fresh pages");
  return Finish();
}
