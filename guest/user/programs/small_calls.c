// SPDX-License-Identifier: Apache-2.0
//
// Calls that few programs make, one or two checks each: ids, capabilities, names of the host,
// chroot, extended attributes (which a file system may lack), flushing and reading ahead, setting
// clocks (refused), queued signals to a thread, process_madvise, restart_syscall.
#include <linux/capability.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448  // not in every C library
#endif

#include "guest/user/lib/guest.h"
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

// The call fails in one of two ways, as privileges or the file system have it.
static void Either(long got, int one, int other) {
  CHECK_INT(got, -1);
  CHECK(errno == one || errno == other);
}

static void Ids(void) {
  CHECK_INT(syscall(SYS_setregid, -1, -1), 0);
  CHECK_INT(syscall(SYS_setfsuid, -1), geteuid());
  CHECK_INT(syscall(SYS_setfsgid, -1), getegid());
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  CHECK_INT(syscall(SYS_capget, &header, data), 0);
  CHECK_INT(syscall(SYS_capset, &header, data), 0);
  header.version = 1;
  CHECK_ERR(syscall(SYS_capset, &header, data), EINVAL);
  Either(syscall(SYS_sethostname, "x", -1), EINVAL, EPERM);
  Either(syscall(SYS_setdomainname, "x", 1000), EINVAL, EPERM);
  Ok("ids, capabilities, names");
}

static void NewRoot(void* arg) {
  if (geteuid() != 0) return;
  CHECK_INT(syscall(SYS_chroot, arg), 0);
  CHECK_INT(chdir("/"), 0);
  CHECK_INT(access("/inside", F_OK), 0);
  CHECK_ERR(access("/tmp", F_OK), ENOENT);
  char cwd[8] = "";
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
}

static void Files(void) {
  char path[] = "/tmp/fv_smallXXXXXX", inside[64];
  CHECK(mkdtemp(path));
  snprintf(inside, sizeof(inside), "%s/inside", path);
  int fd = open(inside, O_CREAT | O_RDWR, 0600);
  CHECK_ERR(syscall(SYS_chroot, inside), ENOTDIR);
  CHECK_INT(RunChild(NewRoot, path), 0);
  char value[8];
  Either(syscall(SYS_getxattr, inside, "user.none", value, 8), ENODATA, EOPNOTSUPP);
  Either(syscall(SYS_lgetxattr, inside, "user.none", value, 8), ENODATA, EOPNOTSUPP);
  Either(syscall(SYS_fgetxattr, fd, "user.none", value, 8), ENODATA, EOPNOTSUPP);
  CHECK_ERR(syscall(SYS_setxattr, inside, "bad", "v", 1, 0), EOPNOTSUPP);  // no name space
  CHECK_ERR(syscall(SYS_lsetxattr, inside, "bad", "v", 1, 0), EOPNOTSUPP);
  CHECK_ERR(syscall(SYS_fsetxattr, fd, "bad", "v", 1, 0), EOPNOTSUPP);
  CHECK(syscall(SYS_listxattr, inside, value, 0) >= 0 || errno == EOPNOTSUPP);
  CHECK(syscall(SYS_llistxattr, inside, value, 0) >= 0 || errno == EOPNOTSUPP);
  CHECK(syscall(SYS_flistxattr, fd, value, 0) >= 0 || errno == EOPNOTSUPP);
  CHECK_INT(syscall(SYS_sync_file_range, fd, 0L, 0L, 0), 0);
  CHECK_INT(syscall(SYS_readahead, fd, 0L, 4096UL), 0);
  // Of a whole machine, with all that others have written, it may take minutes.
  if (InGuest()) CHECK_INT(syscall(SYS_sync), 0);
  close(fd);
  unlink(inside);
  rmdir(path);
  Ok("chroot, attributes, flushing");
}

static void Clocks(void) {
  struct timeval bad = {0, -1};
  struct timespec now = {1, 0};
  CHECK_ERR(syscall(SYS_settimeofday, &bad, NULL), EINVAL);
  CHECK_ERR(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &now), EINVAL);
  CHECK_ERR(syscall(SYS_restart_syscall), EINTR);
  Ok("clocks, restart_syscall");
}

static void QueuedAndAdvised(void) {
  Block(SIGUSR1);
  siginfo_t info;
  memset(&info, 0, sizeof(info));
  info.si_signo = SIGUSR1;
  info.si_code = SI_QUEUE;
  info.si_value.sival_int = 77;
  CHECK_INT(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info), 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  siginfo_t got;
  CHECK_INT(sigwaitinfo(&set, &got), SIGUSR1);
  CHECK_INT(got.si_value.sival_int, 77);

  unsigned char* pages = Pages(2);
  FillPages(pages, 2, 9);
  int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
  struct iovec range = {pages, 2 * kPage};
  CHECK_INT(syscall(SYS_process_madvise, self, &range, 1, 20, 0), 2 * kPage);  // MADV_COLD
  CHECK_INT(BadPages(pages, 2, 9), 0);
  CHECK_ERR(syscall(SYS_process_madvise, 99, &range, 1, 20, 0), EBADF);
  CHECK_ERR(syscall(SYS_process_mrelease, 99, 0), EBADF);
  CHECK_ERR(syscall(SYS_process_mrelease, self, 0), EINVAL);  // it is not dying
  CHECK_ERR(syscall(SYS_setns, 99, 0), EBADF);
  Ok("queued to a thread, process_madvise");
}

int main(void) {
  Ids();
  Files();
  Clocks();
  QueuedAndAdvised();
  return Finish();
}
