// SPDX-License-Identifier: Apache-2.0
//
// System calls that do not exist return ENOSYS and leave the process alone; a wrong argument where
// one is checked first gives its own errno.
#include "guest/user/lib/proc.h"

int main(void) {
  long numbers[] = {350, 400, 423, 1000, 100000, 0x7fffffff, -1, -1000};
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); ++i) {
    CHECK_ERR(syscall(numbers[i], 1, 2, 3, 4, 5, 6), ENOSYS);
  }
  Ok("unknown numbers");
  // Long obsolete numbers that Linux keeps as holes.
  long holes[] = {SYS_create_module, SYS_get_kernel_syms, SYS_query_module, SYS_nfsservctl,
                  SYS_afs_syscall,   SYS_tuxcall,         SYS_security,     SYS_vserver,
                  SYS_epoll_ctl_old, SYS_epoll_wait_old,  SYS_uselib};
  for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); ++i) {
    CHECK_ERR(syscall(holes[i], 0, 0, 0, 0, 0, 0), ENOSYS);
  }
  Ok("holes");
  return Finish();
}
