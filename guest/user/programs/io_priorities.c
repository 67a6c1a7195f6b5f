// SPDX-License-Identifier: Apache-2.0
//
// ioprio_get and ioprio_set: classes and levels, processes, groups and users, who may; F13: fork
// copies a priority, CLONE_IO shares it, threads have one each, exec keeps it, a zombie has none.
#include <linux/capability.h>
#include <pthread.h>
#include <sys/resource.h>

#include "guest/user/lib/proc.h"

enum { kThread = 1, kGroup = 2, kUser = 3 };
enum { kNone = 0, kRealtime = 1 << 13, kBestEffort = 2 << 13, kIdle = 3 << 13 };
enum { kNobody = 54321 };

static long Get(int which, int who) { return syscall(SYS_ioprio_get, which, who); }
static long Set(int which, int who, int priority) {
  return syscall(SYS_ioprio_set, which, who, priority);
}

static void Values(void) {
  const int kTaken[] = {kBestEffort, kBestEffort | 7, kBestEffort | 8, kIdle, kIdle | 5, kNone};
  for (size_t i = 0; i < sizeof(kTaken) / sizeof(int); ++i) {
    CHECK_INT(Set(kThread, 0, kTaken[i]), 0);
    CHECK_INT(Get(kThread, 0), kTaken[i]);
    CHECK_INT(Get(kThread, getpid()), kTaken[i]);
  }
  CHECK_INT(Set(kThread, 0, 8 << 13 | kBestEffort | 4), 0);  // there are three bits of class
  CHECK_INT(Get(kThread, 0), kBestEffort | 4);
  const int kRefused[] = {kNone | 1, kNone | 7, 4 << 13, 7 << 13, -1};
  for (size_t i = 0; i < sizeof(kRefused) / sizeof(int); ++i) {
    CHECK_ERR(Set(kThread, 0, kRefused[i]), EINVAL);
  }
  CHECK_INT(Get(kThread, 0), kBestEffort | 4);
  for (int which = -1; which <= 4; which += which == 0 ? 4 : 1) {
    CHECK_ERR(Get(which, 0), EINVAL);
    CHECK_ERR(Set(which, 0, kBestEffort), EINVAL);
  }
  for (int which = kThread; which <= kUser; ++which) {
    CHECK_ERR(Get(which, -1), ESRCH);
    CHECK_ERR(Set(which, -1, kBestEffort), ESRCH);
    CHECK_ERR(Get(which, 4000000), ESRCH);
    CHECK_ERR(Set(which, 4000000, kBestEffort), ESRCH);
    CHECK_ERR(Set(which, 4000000, 4 << 13), EINVAL);
  }
}

// In a group of its own: of several, the best counts; who has set none has one by nice value.
static void Groups(void* arg) {
  (void)arg;
  CHECK_INT(setpgid(0, 0), 0);
  CHECK_INT(Set(kThread, 0, kNone), 0);
  CHECK_INT(Get(kGroup, 0), kBestEffort | 4);
  CHECK_INT(setpriority(PRIO_PROCESS, 0, 10), 0);
  CHECK_INT(Get(kGroup, 0), kBestEffort | 6);
  CHECK_INT(Get(kThread, 0), kNone);
  Baton start = MakeBaton();
  pid_t member = fork();
  if (member == 0) {
    Take(&start);
    _exit(Get(kThread, 0) == (kBestEffort | 2) ? 0 : 1);
  }
  CHECK_INT(Set(kThread, member, kBestEffort | 3), 0);
  CHECK_INT(Get(kGroup, 0), kBestEffort | 3);
  CHECK_INT(Set(kGroup, getpgrp(), kBestEffort | 2), 0);
  CHECK_INT(Get(kThread, 0), kBestEffort | 2);
  Give(&start);
  CHECK_INT(WaitShell(member), 0);
  struct sched_param zero = {0};
  CHECK_INT(Set(kThread, 0, kNone), 0);
  CHECK_INT(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &zero), 0);
  CHECK_INT(Get(kGroup, 0), kIdle | 6);
}

static void Unprivileged(void* arg) {
  (void)arg;
  if (geteuid() == 0 && setuid(kNobody) != 0) return;
  const int own = (int)getuid();
  CHECK_ERR(Set(kThread, 0, kRealtime | 3), EPERM);
  CHECK_INT(Set(kThread, 0, kBestEffort | 5), 0);
  CHECK_INT(Set(kThread, 0, kIdle), 0);
  CHECK(Get(kThread, 1) >= 0);
  CHECK_ERR(Set(kThread, 1, kBestEffort), EPERM);
  if (own != kNobody) return;
  CHECK_ERR(Set(kThread, getppid(), kBestEffort), EPERM);
  CHECK_INT(Set(kUser, own, kBestEffort | 1), 0);
  CHECK_INT(Get(kUser, 0), kBestEffort | 1);
  CHECK_ERR(Set(kUser, 0, kBestEffort), EPERM);  // means root
}

static int CanSetRealtime(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  CHECK_INT(syscall(SYS_capget, &header, data), 0);
  return (data[0].effective & (1u << CAP_SYS_NICE | 1u << CAP_SYS_ADMIN)) != 0;
}

static void Realtime(void* arg) {
  (void)arg;
  long result = Set(kThread, 0, kRealtime | 3);
  if (result != 0) {  // root of a user namespace
    CHECK_INT(errno, EPERM);
    return;
  }
  CHECK(CanSetRealtime());
  CHECK_INT(Get(kThread, 0), kRealtime | 3);
  CHECK_INT(Get(kThread, 0) < kBestEffort, 1);
}

static void SetsItsOwn(void* arg) {
  CHECK_INT(Get(kThread, 0), kBestEffort | 4);
  CHECK_INT(Set(kThread, 0, kBestEffort | *(int*)arg), 0);
}

// A child made with `flags` sets another level.
static void ChildSets(unsigned long flags, int level) {
  pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    fv_failures = 0;
    SetsItsOwn(&level);
    _exit(ChildResult());
  }
  CHECK_INT(WaitShell(pid), 0);
}

static void* OfThread(void* arg) {
  CHECK_INT(Get(kThread, 0), kBestEffort | 4);
  CHECK_INT(Set(kThread, 0, kBestEffort | 6), 0);
  return arg;
}

static void Inherited(void) {
  CHECK_INT(Set(kThread, 0, kBestEffort | 4), 0);
  ChildSets(0, 5);
  CHECK_INT(Get(kThread, 0), kBestEffort | 4);
  pthread_t thread;
  CHECK_INT(pthread_create(&thread, NULL, OfThread, NULL), 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  CHECK_INT(Get(kThread, 0), kBestEffort | 4);
  ChildSets(CLONE_IO, 7);
  CHECK_INT(Get(kThread, 0), kBestEffort | 7);
  CHECK_ERR(syscall(SYS_unshare, CLONE_IO), EINVAL);
}

static void ExecKeeps(void* arg) {
  char* argv[] = {(char*)arg, "after", NULL};
  char* env[] = {NULL};
  CHECK_INT(Set(kThread, 0, kBestEffort | 1), 0);
  execve((char*)arg, argv, env);
  CHECK(!"execve");
}

static void OfZombie(void) {
  CHECK_INT(Set(kThread, 0, kBestEffort | 4), 0);
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  siginfo_t info;
  CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
  CHECK_INT(Get(kThread, pid), kNone);
  CHECK_INT(Set(kThread, pid, kBestEffort | 3), 0);
  CHECK_INT(Get(kThread, pid), kNone);
  CHECK_INT(WaitShell(pid), 0);
  CHECK_ERR(Get(kThread, pid), ESRCH);
}

int main(int argc, char** argv) {
  if (argc > 1) {
    CHECK_INT(Get(kThread, 0), kBestEffort | 1);
    return ChildResult();
  }
  Values();
  Ok("classes and levels");
  CHECK_INT(RunChild(Groups, NULL), 0);
  Ok("groups");
  CHECK_INT(RunChild(Unprivileged, NULL), 0);
  CHECK_INT(RunChild(Realtime, NULL), 0);
  Ok("who may");
  Inherited();
  Ok("F13 fork and CLONE_IO");
  CHECK_INT(RunChild(ExecKeeps, argv[0]), 0);
  Ok("exec");
  OfZombie();
  Ok("zombie");
  return Finish();
}
