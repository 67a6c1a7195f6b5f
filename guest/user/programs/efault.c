// SPDX-License-Identifier: Apache-2.0
//
// A bad pointer is EFAULT, not a signal and not a crash: for many calls, unmapped and kernel
// addresses, and buffers that end in a hole.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static int fd, zero, fds[2];

static void AllCalls(long bad) {
  CHECK_ERR(syscall(SYS_read, zero, bad, 10), EFAULT);
  CHECK_ERR(syscall(SYS_write, fds[1], bad, 10), EFAULT);
  CHECK_ERR(syscall(SYS_open, bad, O_RDONLY), EFAULT);
  CHECK_ERR(syscall(SYS_openat, AT_FDCWD, bad, O_RDONLY), EFAULT);
  CHECK_ERR(syscall(SYS_stat, bad, bad), EFAULT);
  CHECK_ERR(syscall(SYS_stat, "/", bad), EFAULT);
  CHECK_ERR(syscall(SYS_fstat, fd, bad), EFAULT);
  CHECK_ERR(syscall(SYS_readv, zero, bad, 1), EFAULT);
  CHECK_ERR(syscall(SYS_pread64, fd, bad, 10, 0), EFAULT);
  CHECK_ERR(syscall(SYS_pwrite64, fd, bad, 10, 0), EFAULT);
  CHECK_ERR(syscall(SYS_getdents64, open("/", O_RDONLY), bad, 100), EFAULT);
  CHECK_ERR(syscall(SYS_pipe, bad), EFAULT);
  CHECK_ERR(syscall(SYS_pipe2, bad, 0), EFAULT);
  CHECK_ERR(syscall(SYS_uname, bad), EFAULT);
  CHECK_ERR(syscall(SYS_getrlimit, RLIMIT_NOFILE, bad), EFAULT);
  CHECK_ERR(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, bad, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_getrusage, RUSAGE_SELF, bad), EFAULT);
  CHECK_ERR(syscall(SYS_gettimeofday, bad, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_time, bad), EFAULT);
  CHECK_ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, bad), EFAULT);
  CHECK_ERR(syscall(SYS_nanosleep, bad, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_times, bad), EFAULT);
  CHECK_ERR(syscall(SYS_sysinfo, bad), EFAULT);
  CHECK_ERR(syscall(SYS_getcwd, bad, 100), EFAULT);
  CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, bad, NULL, 8), EFAULT);
  CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, bad, 8), EFAULT);
  CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, bad, 8), EFAULT);
  CHECK_ERR(syscall(SYS_rt_sigpending, bad, 8), EFAULT);
  CHECK_ERR(syscall(SYS_sigaltstack, bad, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_getitimer, ITIMER_REAL, bad), EFAULT);
  CHECK_ERR(syscall(SYS_poll, bad, 1, 0), EFAULT);
  CHECK_ERR(syscall(SYS_select, 1, bad, NULL, NULL, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_readlink, "/proc/self/exe", bad, 10), EFAULT);
  CHECK_ERR(syscall(SYS_getrandom, bad, 10, 0), EFAULT);
  CHECK_ERR(syscall(SYS_mincore, (long)&fd & ~4095L, 4096, bad), EFAULT);
  CHECK_ERR(syscall(SYS_getresuid, bad, bad, bad), EFAULT);
  CHECK_ERR(syscall(SYS_execve, bad, NULL, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_unlink, bad), EFAULT);
  CHECK_ERR(syscall(SYS_rename, "/tmp/x", bad), EFAULT);
  CHECK_ERR(syscall(SYS_chdir, bad), EFAULT);
  pid_t child = fork();
  if (child == 0) _exit(0);
  CHECK_ERR(syscall(SYS_wait4, child, bad, 0, NULL), EFAULT);
  while (wait(NULL) > 0) {
  }
}

int main(void) {
  CHECK_INT(chdir("/"), 0);  // getcwd looks at the length first
  fd = TempFile(1);
  zero = open("/dev/zero", O_RDONLY);
  CHECK_INT(pipe(fds), 0);
  unsigned char* memory = Pages(3);
  CHECK_INT(munmap(memory + kPage, kPage), 0);
  AllCalls((long)(memory + kPage));
  Ok("unmapped");
  AllCalls((long)0xffff800000000000);
  Ok("kernel half");
  AllCalls(8);
  Ok("near null");
  CHECK_INT(mprotect(memory, kPage, PROT_READ), 0);
  CHECK_ERR(read(zero, memory, 10), EFAULT);
  CHECK_INT(write(fds[1], memory, 10), 10);
  CHECK_INT(mprotect(memory, kPage, PROT_READ | PROT_WRITE), 0);
  // A buffer that ends in a hole: what was there counts, from a file and from /dev/zero alike.
  CHECK_INT(pread(fd, memory + kPage - 100, 200, 0), 100);
  CHECK_INT(read(zero, memory + kPage - 50, 200), 50);
  CHECK_INT(memory[kPage - 51], 'a');
  Ok("partial");
  return Finish();
}
