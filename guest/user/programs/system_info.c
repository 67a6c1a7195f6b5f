// SPDX-License-Identifier: Apache-2.0
//
// uname, sysinfo, sysconf, sched_getaffinity and priorities: what every Linux has in common.
#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "guest/user/lib/proc.h"

int main(void) {
  struct utsname names;
  CHECK_INT(uname(&names), 0);
  Say("%s on %s", names.sysname, names.machine);
  CHECK(names.release[0] >= '4' && names.release[0] <= '9');
  CHECK(strlen(names.nodename) > 0 && strlen(names.version) > 0);
  struct sysinfo info;
  CHECK_INT(sysinfo(&info), 0);
  CHECK(info.totalram > 0 && info.freeram > 0 && info.freeram <= info.totalram);
  CHECK(info.mem_unit > 0 && info.procs > 0);
  CHECK_INT(sysconf(_SC_PAGESIZE), 4096);
  CHECK_INT(sysconf(_SC_CLK_TCK), 100);
  CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
  Ok("system");
  cpu_set_t cpus;
  CHECK_INT(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
  CHECK(CPU_COUNT(&cpus) >= 1);
  CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 1, &cpus), EINVAL);
  CHECK_ERR(syscall(SYS_sched_getaffinity, 1 << 22, sizeof(cpus), &cpus), ESRCH);
  CHECK_INT(sched_yield(), 0);
  errno = 0;
  CHECK_INT(getpriority(PRIO_PROCESS, 0), 0);
  CHECK_INT(errno, 0);
  CHECK_ERR(getpriority(9, 0), EINVAL);
  CHECK_ERR(getpriority(PRIO_PROCESS, 1 << 22), ESRCH);
  CHECK_INT(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
  CHECK_INT(sched_get_priority_max(SCHED_FIFO), 99);
  CHECK_INT(sched_get_priority_min(SCHED_OTHER), 0);
  Ok("scheduling");
  return Finish();
}
