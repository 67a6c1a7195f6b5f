// SPDX-License-Identifier: Apache-2.0
//
// Namespaces of pids and of host names with every allocation of the kernel failing in turn: made by
// clone, by unshare and the fork behind it, nested, entered by setns, opened. See
// guest/user/lib/fail.h.
#include <sched.h>

#include "guest/user/lib/fail.h"
#include "guest/user/lib/namespaces.h"

static long Reaped(long pid) {
  int saved = fv_fail_errno;
  if (pid > 0) CHECK_INT(WaitShell((pid_t)pid), 0);
  fv_fail_errno = saved;
  return pid;
}

static void Nothing(void* unused) { (void)unused; }

static long CloneInto(unsigned long flags) {
  long pid = FAILING(syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0));
  if (pid == 0) _exit(0);
  return Reaped(pid);
}
static long ClonePid(void) { return CloneInto(CLONE_NEWPID); }
static long CloneUts(void) { return CloneInto(CLONE_NEWUTS); }
static long CloneBoth(void) { return CloneInto(CLONE_NEWPID | CLONE_NEWUTS); }

static long DoUnshare(void) {
  long result = FAILING(unshare(CLONE_NEWPID | CLONE_NEWUTS));
  if (result == 0) CHECK_INT(RunCloned(0, Nothing, NULL), 0);
  return result;
}
static long Unshare(void) { return InChild(DoUnshare); }

// The first process of the namespace that was unshared is its init.
static long DoForkInto(void) {
  CHECK_INT(unshare(CLONE_NEWPID), 0);
  return CloneInto(0);
}
static long ForkInto(void) { return InChild(DoForkInto); }

// Two levels down: an init makes another namespace.
static long DoNest(void) {
  CHECK_INT(unshare(CLONE_NEWPID), 0);
  return InChild(CloneBoth);
}
static long Nest(void) { return InChild(DoNest); }

static int NamespaceOf(const char* path) {
  int fd = open(path, O_RDONLY);
  CHECK(fd >= 0);
  return fd;
}
static long Open(void) {
  long fd = FAILING(open("/proc/self/ns/pid", O_RDONLY));
  if (fd >= 0) CHECK_INT(close((int)fd), 0);
  return fd;
}
static long DoSetUts(void) {
  int fd = NamespaceOf("/proc/self/ns/uts");
  return FAILING(setns(fd, CLONE_NEWUTS));
}
static long SetUts(void) { return InChild(DoSetUts); }
static long DoSetPid(void) {
  int fd = NamespaceOf("/proc/self/ns/pid");
  long result = FAILING(setns(fd, CLONE_NEWPID));
  if (result == 0) CHECK_INT(RunCloned(0, Nothing, NULL), 0);
  return result;
}
static long SetPid(void) { return InChild(DoSetPid); }
static long DoSetByPidfd(void) {
  int pidfd = (int)syscall(SYS_pidfd_open, getppid(), 0);
  return FAILING(setns(pidfd, CLONE_NEWPID | CLONE_NEWUTS));
}
static long SetByPidfd(void) { return InChild(DoSetByPidfd); }

static long DoSetHostName(void) {
  CHECK_INT(unshare(CLONE_NEWUTS), 0);
  return FAILING(sethostname("other", 5));
}
static long SetHostName(void) { return InChild(DoSetHostName); }

static const FailCase kCases[] = {
    {"clone_newpid", ClonePid, NULL, {ENOMEM}},
    {"clone_newuts", CloneUts, NULL, {ENOMEM}},
    {"clone_newpid_newuts", CloneBoth, NULL, {ENOMEM}},
    {"unshare_newpid_newuts", Unshare, NULL, {ENOMEM}},
    {"fork_into_namespace", ForkInto, NULL, {ENOMEM}},
    {"clone_nested", Nest, NULL, {ENOMEM}},
    {"open_namespace", Open, NULL, {ENOMEM}},
    {"setns_uts", SetUts, NULL, {ENOMEM}},
    {"setns_pid", SetPid, NULL, {ENOMEM}},
    {"setns_pidfd", SetByPidfd, NULL, {ENOMEM}},
    {"sethostname", SetHostName, NULL, {0}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
