// SPDX-License-Identifier: Apache-2.0
//
// Pidfds (F37, F97): pidfd_open, CLONE_PIDFD, poll until the end, waitid(P_PIDFD),
// pidfd_send_signal, close-on-exec, what is refused; clone3 with set_tid.
#include <linux/types.h>
#include <poll.h>
#include <stdint.h>

#include "guest/user/lib/proc.h"

enum { kPidfd = 0x1000, kIdPidfd = 3 };

struct CloneArgs {
  __u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  __u64 set_tid, set_tid_size, cgroup;
};

static int Poll(int fd, int timeout_ms) {
  struct pollfd entry = {fd, POLLIN, 0};
  int n = poll(&entry, 1, timeout_ms);
  return n == 1 ? entry.revents : n;
}

static int Send(int pidfd, int signal_number) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0);
}

static void Pause(void* arg) {
  (void)arg;
  for (;;) pause();
}

static void OpenedAndKilled(void) {
  pid_t pid = Fork(Pause, NULL);
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  CHECK(fd >= 0);
  CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
  CHECK_INT(Poll(fd, 0), 0);
  CHECK_INT(Send(fd, 0), 0);
  CHECK_INT(Send(fd, SIGTERM), 0);
  CHECK_INT(Poll(fd, -1), POLLIN);
  siginfo_t info;
  CHECK_INT(waitid((idtype_t)kIdPidfd, (id_t)fd, &info, WEXITED), 0);
  CHECK_INT(info.si_pid, pid);
  CHECK_INT(info.si_status, SIGTERM);
  CHECK_ERR(Send(fd, 0), ESRCH);
  close(fd);
  Ok("F97 open, poll, signal, wait");
}

static void FromClone3(void) {
  int fd = -1;
  struct CloneArgs args;
  memset(&args, 0, sizeof(args));
  args.flags = kPidfd;
  args.pidfd = (__u64)(uintptr_t)&fd;
  args.exit_signal = SIGCHLD;
  long pid = syscall(SYS_clone3, &args, sizeof(args));
  if (pid == 0) _exit(33);
  CHECK(pid > 0);
  CHECK(fd >= 0);
  CHECK_INT(Poll(fd, -1), POLLIN);
  CHECK_INT(WaitShell((pid_t)pid), 33);
  close(fd);

  args.flags = 0;
  args.pidfd = 0;
  args.exit_signal = 65;
  CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
  args.exit_signal = SIGCHLD;
  CHECK_ERR(syscall(SYS_clone3, &args, 63), EINVAL);
  CHECK_ERR(syscall(SYS_clone3, &args, 5000), E2BIG);
  CHECK_ERR(syscall(SYS_clone3, NULL, sizeof(args)), EFAULT);
  args.stack = 0x1000;  // a stack without a size
  CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
  pid_t wanted = 0;
  args.stack = 0;
  args.set_tid = (__u64)(uintptr_t)&wanted;
  args.set_tid_size = 33;
  CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
  Ok("F37 clone3");
}

// The directory of a process in /proc names it as a pidfd does.
static void ProcDirectory(void) {
  int directory = open("/proc/self", O_RDONLY | O_DIRECTORY);
  CHECK_INT(Send(directory, 0), 0);
  int other = open("/proc", O_RDONLY | O_DIRECTORY);
  CHECK_ERR(Send(other, 0), EBADF);
  close(other);
  other = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
  CHECK_ERR(Send(other, 0), EBADF);
  close(other);
  close(directory);
  Ok("directory of a process");
}

int main(void) {
  OpenedAndKilled();
  FromClone3();
  ProcDirectory();
  CHECK_ERR(syscall(SYS_pidfd_open, 0, 0), EINVAL);
  CHECK_ERR(syscall(SYS_pidfd_open, getpid(), 7), EINVAL);
  CHECK_ERR(syscall(SYS_pidfd_open, 0x3FFFFFFF, 0), ESRCH);
  CHECK_ERR(Send(0, 0), EBADF);
  Ok("refused");
  return Finish();
}
