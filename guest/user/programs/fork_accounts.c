// SPDX-License-Identifier: Apache-2.0
//
// What fork accounts for and marks: the limits that follow memory (F02), the flags of a task (F08),
// scores and filters inherited (F14), handlers cleared by CLONE_CLEAR_SIGHAND (F24), a group found
// by its number (F81), the count of forks (F83). Limits of a Linux host are its owner's: F02's
// values are looked at in the guest only.
#include <linux/types.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "guest/user/lib/capabilities.h"

enum { kForkNoExec = 0x40, kKthread = 0x200000, kExiting = 0x4, kFlagsField = 9 };
static const __u64 kClearSighand = 0x100000000;

static long ReadNumber(const char* path, const char* key) {
  static char text[65536];
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  const char* at = strstr(text, key);
  return at ? atol(at + strlen(key)) : -1;
}

static void Limits(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  struct rlimit processes, pending;
  CHECK_INT(getrlimit(RLIMIT_NPROC, &processes), 0);
  CHECK_INT(getrlimit(RLIMIT_SIGPENDING, &pending), 0);
  if (strstr(name.release, "forkvisor")) {
    CHECK_INT(processes.rlim_cur, pending.rlim_cur);
    CHECK_INT(processes.rlim_cur, ReadNumber("/proc/sys/kernel/threads-max", "") / 2);
    CHECK(processes.rlim_cur >= 10);
  }
  Ok("F02 limits");
}

// Field 9 of /proc/self/stat (proc(5)).
static unsigned long Flags(void) {
  char text[1024];
  int fd = open("/proc/self/stat", O_RDONLY);
  ssize_t n = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  char* at = strrchr(text, ')');
  for (int field = 2; at && field < kFlagsField; ++field) at = strchr(at + 1, ' ');
  return at ? strtoul(at, NULL, 10) : 0;
}

static void ForkedFlags(void* arg) {
  (void)arg;
  CHECK_INT(Flags() & (kForkNoExec | kKthread | kExiting), kForkNoExec);
  CHECK_INT(ReadNumber("/proc/self/oom_score_adj", ""), 321);
}

// Without privilege a score may go up and down again, as far as somebody privileged had set it.
static void RaisesAndLowers(void* arg) {
  (void)arg;
  GiveUpCapabilities();
  int fd = open("/proc/self/oom_score_adj", O_WRONLY);
  CHECK_INT(write(fd, "500", 3), 3);
  CHECK_INT(pwrite(fd, " 321 \n", 6, 0), 6);
  CHECK_ERR(pwrite(fd, "3 1", 3, 0), EINVAL);
  CHECK_ERR(pwrite(fd, " ", 1, 0), EINVAL);
  close(fd);
  CHECK_INT(ReadNumber("/proc/self/oom_score_adj", ""), 321);
}

static void Inherited(void) {
  CHECK_INT(Flags() & (kForkNoExec | kKthread | kExiting), 0);
  int fd = open("/proc/self/oom_score_adj", O_WRONLY);
  CHECK_INT(write(fd, "321", 3), 3);
  close(fd);
  CHECK_INT(RunChild(ForkedFlags, NULL), 0);
  CHECK_INT(RunChild(RaisesAndLowers, NULL), 0);
  Ok("F08 F14 flags, score");
}

static void Nothing(int signal_number) { (void)signal_number; }

static void ClearedHandlers(void) {
  Handle(SIGUSR1, Nothing, 0);
  signal(SIGUSR2, SIG_IGN);
  __u64 args[8] = {kClearSighand, 0, 0, 0, SIGCHLD, 0, 0, 0};
  long pid = syscall(SYS_clone3, args, sizeof(args));
  if (pid == 0) {
    struct sigaction one, two;
    sigaction(SIGUSR1, NULL, &one);
    sigaction(SIGUSR2, NULL, &two);
    _exit(one.sa_handler == SIG_DFL && two.sa_handler == SIG_IGN ? 0 : 1);
  }
  CHECK_INT(WaitShell((pid_t)pid), 0);
  signal(SIGUSR2, SIG_DFL);
  Ok("F24 handlers cleared");
}

static void PauseForEver(void* arg) {
  (void)arg;
  for (;;) pause();
}

static void GroupsAndCounts(void) {
  const long before = ReadNumber("/proc/stat", "\nprocesses ");
  pid_t first = Fork(PauseForEver, NULL);
  CHECK_INT(setpgid(first, first), 0);
  pid_t second = Fork(PauseForEver, NULL);
  CHECK_INT(setpgid(second, first), 0);
  CHECK_INT(getpgid(second), first);
  CHECK_INT(kill(-first, SIGTERM), 0);
  CHECK_INT(WaitShell(first), 128 + SIGTERM);
  CHECK_INT(kill(-first, 0), 0);  // the group lives as long as a member
  CHECK_INT(WaitShell(second), 128 + SIGTERM);
  CHECK_ERR(kill(-first, 0), ESRCH);
  CHECK(ReadNumber("/proc/stat", "\nprocesses ") - before >= 2);
  Ok("F81 F83 group, forks counted");
}

int main(void) {
  Limits();
  Inherited();
  ClearedHandlers();
  GroupsAndCounts();
  return Finish();
}
