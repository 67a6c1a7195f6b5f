// SPDX-License-Identifier: Apache-2.0
//
// F11 to F14: policy, parameters, affinity, I/O priority, timer slack, personality and oom score
// over fork; SCHED_FLAG_RESET_ON_FORK. Without a privilege nothing here may be raised, so values
// are only lowered.
#include <linux/types.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "guest/user/lib/proc.h"

enum { kBatch = 3, kIdle = 5, kResetOnFork = 0x40000000, kBestEffort7 = 2 << 13 | 7 };
enum { kKeepPolicy = 8, kKeepParams = 16, kSizeOfLinux = 56 };

struct Attr {
  __u32 size, policy;
  __u64 flags;
  __s32 nice;
  __u32 priority;
  __u64 runtime, deadline, period;
};

static int PolicyOf(void) { return (int)syscall(SYS_sched_getscheduler, 0); }

static void Inherited(void* arg) {
  (void)arg;
  struct sched_param param;
  memset(&param, -1, sizeof(param));
  CHECK_INT(PolicyOf(), kBatch);
  CHECK_INT(syscall(SYS_sched_getparam, 0, &param), 0);
  CHECK_INT(param.sched_priority, 0);
  errno = 0;
  CHECK_INT(getpriority(PRIO_PROCESS, 0), 5);
  CHECK_INT(syscall(SYS_ioprio_get, 1, 0), kBestEffort7);
  CHECK_INT(prctl(PR_GET_TIMERSLACK), 70000);
  CHECK_INT(syscall(SYS_personality, 0xFFFFFFFF), ADDR_NO_RANDOMIZE);
  unsigned long cpus[16] = {0};
  CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(cpus), cpus) > 0);
  CHECK_INT(cpus[0], 1);
}

static void ResetPolicy(void* arg) {
  (void)arg;
  struct Attr attr;
  memset(&attr, 0, sizeof(attr));
  CHECK_INT(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0), 0);
  CHECK_INT(attr.flags, 0);
  CHECK_INT(PolicyOf(), kBatch);
}

// SCHED_FLAG_KEEP_POLICY and SCHED_FLAG_KEEP_PARAMS, and structures of other sizes.
static void KeepsSome(void) {
  struct {
    struct Attr attr;
    __u64 more[2];
  } longer = {{48, 77, kKeepPolicy, 6, 0, 0, 0, 0}, {0, 0}};
  struct Attr* attr = &longer.attr;
  CHECK_INT(syscall(SYS_sched_setattr, 0, attr, 0), 0);
  CHECK_INT(PolicyOf(), kBatch | kResetOnFork);
  CHECK_INT(getpriority(PRIO_PROCESS, 0), 6);
  *attr = (struct Attr){sizeof(longer), kIdle, kKeepParams | 1, 19, 0, 0, 0, 0};
  CHECK_INT(syscall(SYS_sched_setattr, 0, attr, 0), 0);
  CHECK_INT(PolicyOf(), kBatch | kResetOnFork);  // the policy counts among the parameters
  CHECK_INT(getpriority(PRIO_PROCESS, 0), 6);
  longer.more[1] = 1;
  CHECK_ERR(syscall(SYS_sched_setattr, 0, attr, 0), E2BIG);
  CHECK_INT(attr->size, kSizeOfLinux);
  attr->size = 8;
  CHECK_ERR(syscall(SYS_sched_setattr, 0, attr, 0), E2BIG);
  CHECK_INT(attr->size, kSizeOfLinux);
  attr->flags = 0x100;
  CHECK_ERR(syscall(SYS_sched_setattr, 0, attr, 0), EINVAL);
  Ok("sched_setattr keeps what it is told to");
}

static void OneCpu(void) {
  unsigned long before[16] = {0}, one[16] = {1};
  CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(before), before) > 0);
  CHECK_INT(syscall(SYS_sched_setaffinity, 0, sizeof(one), one), 0);
  unsigned cpu = 99, node = 99;
  CHECK_INT(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
  CHECK_INT(cpu, 0);
  unsigned long none[16] = {0};
  CHECK_ERR(syscall(SYS_sched_setaffinity, 0, sizeof(none), none), EINVAL);
}

int main(void) {
  OneCpu();
  struct sched_param zero, one;
  memset(&zero, 0, sizeof(zero));
  one = zero;
  one.sched_priority = 1;
  CHECK_INT(syscall(SYS_sched_setscheduler, 0, kBatch, &zero), 0);
  CHECK_ERR(syscall(SYS_sched_setscheduler, 0, kBatch, &one), EINVAL);
  CHECK_ERR(syscall(SYS_sched_setscheduler, 0, 77, &zero), EINVAL);
  CHECK_INT(syscall(SYS_sched_setparam, 0, &zero), 0);
  CHECK_INT(setpriority(PRIO_PROCESS, 0, 5), 0);
  CHECK_INT(syscall(SYS_ioprio_set, 1, 0, kBestEffort7), 0);
  CHECK_ERR(syscall(SYS_ioprio_set, 1, 0, 7 << 13), EINVAL);
  CHECK_INT(prctl(PR_SET_TIMERSLACK, 70000), 0);
  CHECK(syscall(SYS_personality, ADDR_NO_RANDOMIZE) >= 0);
  CHECK_INT(RunChild(Inherited, NULL), 0);
  Ok("F11 F12 F13 F14 inherited");

  struct Attr attr = {sizeof(struct Attr), kBatch, 1, 5, 0, 0, 0, 0};
  CHECK_INT(syscall(SYS_sched_setattr, 0, &attr, 0), 0);
  CHECK_INT(PolicyOf(), kBatch | kResetOnFork);
  CHECK_INT(RunChild(ResetPolicy, NULL), 0);
  Ok("F11 reset on fork");
  KeepsSome();

  struct timespec slice = {-1, -1};
  CHECK_INT(syscall(SYS_sched_rr_get_interval, 0, &slice), 0);
  CHECK(slice.tv_sec == 0 && slice.tv_nsec >= 0);
  Ok("interval");
  return Finish();
}
