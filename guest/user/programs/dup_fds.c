// SPDX-License-Identifier: Apache-2.0
//
// Descriptors: lowest free number, dup, dup2, dup3, F_DUPFD; what is shared (offset, status flags)
// and what is not (close-on-exec); close_range; errors.
// Rows of docs/fork-features.md: F23.
#include <fcntl.h>
#include <linux/close_range.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static void Dups(void) {
  int fd = TempFile(1);
  int copy = dup(fd);
  CHECK_INT(copy, fd + 1);
  CHECK_INT(lseek(fd, 100, SEEK_SET), 100);
  CHECK_INT(lseek(copy, 0, SEEK_CUR), 100);
  CHECK_INT(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
  CHECK_INT(fcntl(copy, F_GETFD), 0);
  CHECK_INT(fcntl(fd, F_SETFL, O_APPEND), 0);
  CHECK_INT(fcntl(copy, F_GETFL) & O_APPEND, O_APPEND);
  CHECK_INT(dup2(fd, fd), fd);
  CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);  // dup2 onto itself changes nothing
  CHECK_INT(dup2(fd, 77), 77);
  CHECK_INT(fcntl(77, F_GETFD), 0);
  CHECK_INT(dup3(fd, 78, O_CLOEXEC), 78);
  CHECK_INT(fcntl(78, F_GETFD), FD_CLOEXEC);
  CHECK_INT(fcntl(fd, F_DUPFD, 77), 79);
  CHECK_INT(fcntl(fd, F_DUPFD_CLOEXEC, 77), 80);
  CHECK_INT(fcntl(80, F_GETFD), FD_CLOEXEC);
  Ok("dup, dup2, dup3, F_DUPFD");
  CHECK_ERR(syscall(SYS_dup3, fd, fd, 0), EINVAL);
  CHECK_ERR(syscall(SYS_dup3, fd, 90, 1), EINVAL);
  CHECK_ERR(dup2(fd, -1), EBADF);
  CHECK_ERR(dup2(91, 92), EBADF);
  CHECK_ERR(dup(-1), EBADF);
  CHECK_ERR(fcntl(fd, F_DUPFD, -1), EINVAL);
  CHECK_ERR(dup2(fd, 1 << 24), EBADF);
  CHECK_ERR(close(91), EBADF);
  CHECK_ERR(close(-1), EBADF);
  Ok("errors");
  CHECK_INT(syscall(SYS_close_range, 77, 79, 0), 0);
  CHECK_ERR(fcntl(78, F_GETFD), EBADF);
  CHECK_INT(fcntl(80, F_GETFD), FD_CLOEXEC);
  CHECK_INT(dup2(fd, 81), 81);
  CHECK_INT(syscall(SYS_close_range, 81, ~0u, CLOSE_RANGE_CLOEXEC), 0);
  CHECK_INT(fcntl(81, F_GETFD), FD_CLOEXEC);
  CHECK_INT(syscall(SYS_close_range, 77, ~0u, 0), 0);
  CHECK_ERR(fcntl(80, F_GETFD), EBADF);
  CHECK_ERR(syscall(SYS_close_range, 5, 4, 0), EINVAL);
  Ok("close_range");
  close(fd);
  CHECK_INT(dup(copy), fd);  // the lowest number free
  close(copy);
  close(fd);
  Ok("lowest");
}

static void Many(void) {
  enum { kMany = 900 };
  int first = dup(0);
  for (int i = 1; i < kMany; ++i) CHECK_INT(dup(0), first + i);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < kMany; ++i) CHECK_INT(close(first + i), 0);
    _exit(ChildResult());
  }
  CHECK_INT(WaitShell(child), 0);
  for (int i = 0; i < kMany; ++i) CHECK_INT(fcntl(first + i, F_GETFD), 0);
  for (int i = 0; i < kMany; i += 2) close(first + i);
  for (int i = 0; i < kMany; i += 2) CHECK_INT(dup(0), first + i);
  for (int i = 0; i < kMany; ++i) close(first + i);
  Ok("nine hundred");
}

int main(void) {
  CHECK_INT(syscall(SYS_close_range, 3, ~0u, 0), 0);  // whatever was inherited
  Dups();
  Many();
  return Finish();
}
