// SPDX-License-Identifier: Apache-2.0
//
// Another process's memory and descriptors: process_vm_readv, process_vm_writev, pidfd_open,
// pidfd_getfd, pidfd_send_signal, kcmp.
// Rows of docs/fork-features.md: F97.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "guest/user/lib/capabilities.h"

enum { kBytes = 10000, kKcmpFile = 0, kKcmpVm = 1, kKcmpFiles = 2 };

static char data[kBytes];

static void Memory(pid_t child) {
  static char copy[kBytes];
  struct iovec here[2] = {{copy, 100}, {copy + 100, kBytes - 100}};
  struct iovec there = {data, kBytes};
  CHECK_INT(process_vm_readv(child, here, 2, &there, 1, 0), kBytes);
  for (int i = 0; i < kBytes; ++i) CHECK(copy[i] == 'c');
  memset(copy, 'p', 5000);
  CHECK_INT(process_vm_writev(child, here, 2, &there, 1, 0), kBytes);
  CHECK_INT(data[0], 0);  // not our own
  memset(copy, 0, kBytes);
  CHECK_INT(process_vm_readv(child, here, 2, &there, 1, 0), kBytes);
  CHECK(copy[4999] == 'p' && copy[5000] == 'c');
  struct iovec bad = {(void*)8, 8};
  CHECK_ERR(process_vm_readv(child, here, 1, &bad, 1, 0), EFAULT);
  CHECK_ERR(process_vm_readv(child, here, 1, &there, 1, 1), EINVAL);
  CHECK_ERR(process_vm_readv(999999, here, 1, &there, 1, 0), ESRCH);
  Ok("memory");
}

static void Descriptors(pid_t child, int pidfd, int pipe_end) {
  int copy = (int)syscall(SYS_pidfd_getfd, pidfd, pipe_end, 0);
  CHECK(copy >= 0);
  CHECK_INT(fcntl(copy, F_GETFD), FD_CLOEXEC);
  CHECK_INT(syscall(SYS_kcmp, getpid(), child, kKcmpFile, pipe_end, pipe_end), 0);
  CHECK(syscall(SYS_kcmp, getpid(), child, kKcmpFile, 0, pipe_end) != 0);
  CHECK(syscall(SYS_kcmp, getpid(), child, kKcmpVm, 0, 0) != 0);
  CHECK(syscall(SYS_kcmp, getpid(), child, kKcmpFiles, 0, 0) != 0);
  CHECK_INT(syscall(SYS_kcmp, getpid(), getpid(), kKcmpVm, 0, 0), 0);
  CHECK_ERR(syscall(SYS_pidfd_getfd, pidfd, 900, 0), EBADF);
  CHECK_ERR(syscall(SYS_pidfd_getfd, 0, 0, 0), EBADF);
  close(copy);
  Ok("descriptors");
}

// A process that is not dumpable is nobody's to look at without CAP_SYS_PTRACE.
static void Hidden(void) {
  Baton ready = MakeBaton(), done = MakeBaton();
  pid_t hidden = fork();
  if (hidden == 0) {
    prctl(PR_SET_DUMPABLE, 0);
    Give(&ready);
    Take(&done);
    _exit(0);
  }
  Take(&ready);
  pid_t looks = fork();
  if (looks == 0) {
    static const char* const kFiles[] = {"maps", "smaps", "numa_maps", "smaps_rollup", "mem"};
    GiveUpCapabilities();
    for (size_t i = 0; i < sizeof(kFiles) / sizeof(kFiles[0]); ++i) {
      char path[64];
      snprintf(path, sizeof(path), "/proc/%d/%s", hidden, kFiles[i]);
      CHECK_ERR(open(path, O_RDONLY), EACCES);
    }
    _exit(ChildResult());
  }
  CHECK_INT(WaitShell(looks), 0);
  Give(&done);
  CHECK_INT(WaitShell(hidden), 0);
  Ok("hidden");
}

static void Ends(pid_t child, int pidfd) {
  struct pollfd poll_it = {pidfd, POLLIN, 0};
  CHECK_INT(poll(&poll_it, 1, 0), 0);
  CHECK_INT(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), 0);
  CHECK_INT(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
  CHECK_INT(poll(&poll_it, 1, -1), 1);
  siginfo_t info;
  CHECK_INT(waitid(3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED), 0);
  CHECK_INT(info.si_pid, child);
  CHECK_INT(info.si_code, CLD_KILLED);
  CHECK_ERR(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH);
  CHECK_ERR(syscall(SYS_pidfd_open, child, 0), ESRCH);
  CHECK_ERR(syscall(SYS_pidfd_open, getpid(), 1), EINVAL);
  Ok("the end is seen");
}

int main(void) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    memset(data, 'c', kBytes);
    CHECK_INT(write(ends[1], "x", 1), 1);
    for (;;) pause();
  }
  char ready;
  CHECK_INT(read(ends[0], &ready, 1), 1);
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  CHECK(pidfd >= 0);
  Memory(child);
  Descriptors(child, pidfd, ends[0]);
  Ends(child, pidfd);
  Hidden();
  return Finish();
}
