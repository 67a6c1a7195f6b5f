// SPDX-License-Identifier: Apache-2.0
//
// Pipes with O_NONBLOCK: EAGAIN when empty and when full; capacity of 64 KiB and F_SETPIPE_SZ;
// writes up to PIPE_BUF whole or not at all, longer ones in part.
#include <fcntl.h>
#include <limits.h>

#include "guest/user/lib/proc.h"

static char block[65536];

static long FillUp(int fd, size_t chunk) {
  long total = 0;
  for (ssize_t n; (n = write(fd, block, chunk)) > 0;) total += n;
  CHECK_INT(errno, EAGAIN);
  return total;
}

int main(void) {
  int fds[2];
  char byte;
  CHECK(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
  CHECK_INT(fcntl(fds[0], F_GETFL), O_NONBLOCK | O_RDONLY);
  CHECK_INT(fcntl(fds[1], F_GETFL), O_NONBLOCK | O_WRONLY);
  CHECK_INT(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
  CHECK_ERR(read(fds[0], &byte, 1), EAGAIN);
  CHECK_INT(fcntl(fds[0], F_GETPIPE_SZ), 65536);
  CHECK_INT(FillUp(fds[1], 4096), 65536);
  Ok("64 KiB");
  // One page of room: 4,096 bytes fit, 4,097 would be cut, PIPE_BUF + 1 may be partial.
  CHECK_INT(read(fds[0], block, 4096), 4096);
  CHECK_INT(write(fds[1], block, 8192), 4096);
  CHECK_ERR(write(fds[1], block, 1), EAGAIN);
  CHECK_INT(read(fds[0], block, 4096), 4096);
  CHECK_INT(write(fds[1], block, 4096), 4096);
  Ok("partial only above PIPE_BUF");
  long total = 0;
  for (ssize_t n; (n = read(fds[0], block, 50000)) > 0;) total += n;
  CHECK_INT(total, 65536);
  CHECK_ERR(read(fds[0], &byte, 1), EAGAIN);
  Ok("drained");
  CHECK_INT(fcntl(fds[1], F_SETPIPE_SZ, 8192), 8192);
  CHECK_INT(FillUp(fds[1], 4096), 8192);
  CHECK_ERR(fcntl(fds[1], F_SETPIPE_SZ, 4096), EBUSY);
  CHECK_INT(fcntl(fds[1], F_SETPIPE_SZ, 30000), 32768);
  CHECK_INT(FillUp(fds[1], 4096), 32768 - 8192);
  Ok("capacity changed");
  close(fds[1]);
  total = 0;
  for (ssize_t n; (n = read(fds[0], block, 1000)) > 0;) total += n;
  CHECK_INT(total, 32768);
  CHECK_INT(read(fds[0], &byte, 1), 0);
  Ok("end of file is not EAGAIN");
  CHECK(pipe(fds) == 0);
  CHECK_INT(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
  CHECK_ERR(read(fds[0], &byte, 1), EAGAIN);
  CHECK_INT(fcntl(fds[1], F_GETFL), O_WRONLY);
  Ok("one end only");
  return Finish();
}
