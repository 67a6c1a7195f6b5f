// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes whose memory ends half-way, of pipes and of unix sockets: what stands in one
// piece (a pipe's page, what one send brought) is moved whole or not at all, and a stream's piece
// stays where it was; a datagram is lost (pipe(7), unix(7)).
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "guest/user/lib/memory.h"

enum { kRoom = 100 };  // bytes before the memory ends

static char buffer[2 * 4096];
static char* edge;

static int Left(int fd) {
  int bytes = -1;
  CHECK_INT(ioctl(fd, FIONREAD, &bytes), 0);
  return bytes;
}

static void Pipe(void) {
  int fds[2];
  CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
  CHECK_INT(write(fds[1], buffer, 350), 350);
  CHECK_ERR(read(fds[0], edge, 200), EFAULT);
  CHECK_INT(read(fds[0], edge, kRoom), kRoom);
  CHECK_INT(Left(fds[0]), 250);
  CHECK_INT(write(fds[1], buffer, 4096), 4096);
  struct iovec pieces[] = {{buffer, 300}, {edge, 200}};
  CHECK_INT(readv(fds[0], pieces, 2), 250);  // the first page; of the second one 50 more were asked
  CHECK_ERR(vmsplice(fds[0], pieces, 2, 0), EFAULT);
  CHECK_INT(Left(fds[0]), 4096);
  struct iovec page[] = {{buffer, 4096}, {edge, 200}};
  CHECK_INT(vmsplice(fds[0], page, 2, 0), 4096);
  CHECK_INT(writev(fds[1], page, 2), 4096);
  close(fds[0]);
  close(fds[1]);
  Ok("pipe");
}

static void Packets(void) {
  int fds[2];
  CHECK_INT(pipe2(fds, O_NONBLOCK | O_DIRECT), 0);
  CHECK_INT(write(fds[1], buffer, 350), 350);
  CHECK_ERR(read(fds[0], edge, 200), EFAULT);
  CHECK_INT(Left(fds[0]), 350);
  CHECK_INT(read(fds[0], edge, kRoom), kRoom);
  CHECK_INT(Left(fds[0]), 0);
  close(fds[0]);
  close(fds[1]);
  Ok("packets");
}

static void Stream(void) {
  int fds[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  CHECK_INT(write(fds[1], buffer, 50), 50);
  CHECK_INT(write(fds[1], buffer, 300), 300);
  CHECK_INT(Left(fds[0]), 350);
  CHECK_INT(read(fds[0], edge, 200), 50);
  CHECK_ERR(read(fds[0], edge, 200), EFAULT);
  CHECK_ERR(recv(fds[0], edge, 200, MSG_PEEK), EFAULT);
  CHECK_INT(Left(fds[0]), 300);
  CHECK_INT(read(fds[0], buffer, sizeof(buffer)), 300);
  struct iovec pieces[] = {{buffer, 300}, {edge, 200}};
  CHECK_ERR(writev(fds[1], pieces, 2), EFAULT);
  CHECK_INT(Left(fds[0]), 0);
  close(fds[0]);
  close(fds[1]);
  Ok("stream");
}

static void Messages(int type, int left_of_two) {
  int fds[2];
  CHECK_INT(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds), 0);
  CHECK_INT(write(fds[1], buffer, 300), 300);
  CHECK_INT(write(fds[1], buffer, 50), 50);
  CHECK_INT(Left(fds[0]), left_of_two);
  CHECK_ERR(recv(fds[0], edge, 200, MSG_PEEK), EFAULT);
  CHECK_ERR(read(fds[0], edge, 200), EFAULT);
  CHECK_INT(read(fds[0], edge, 200), 50);
  CHECK_ERR(write(fds[1], edge, 200), EFAULT);
  CHECK_INT(Left(fds[0]), 0);
  close(fds[0]);
  close(fds[1]);
}

int main(void) {
  unsigned char* pages = Pages(2);
  CHECK_INT(munmap(pages + kPage, kPage), 0);
  edge = (char*)pages + kPage - kRoom;
  Pipe();
  Packets();
  Stream();
  Messages(SOCK_DGRAM, 300);
  Messages(SOCK_SEQPACKET, 350);
  Ok("messages");
  return Finish();
}
