// SPDX-License-Identifier: Apache-2.0
//
// pipe2(O_DIRECT): each write is a packet in a slot of its own, however small, and a read takes one
// packet, cutting what does not fit. A full pipe blocks or is EAGAIN although its pages have room.
#include <fcntl.h>

#include "guest/user/lib/proc.h"

enum { kSlots = 16 };

static char buffer[65536];

// A writer that finds the pipe full sleeps until a packet was taken.
static void FullPipeBlocks(void) {
  int fds[2];
  CHECK_INT(pipe2(fds, O_DIRECT), 0);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 3 * kSlots; ++i) CHECK_INT(write(fds[1], "12345", 5), 5);
    _exit(ChildResult());
  }
  close(fds[1]);
  int packets = 0;
  for (ssize_t n; (n = read(fds[0], buffer, sizeof(buffer))) > 0; ++packets) CHECK_INT(n, 5);
  CHECK_INT(packets, 3 * kSlots);
  CHECK_INT(WaitShell(child), 0);
  close(fds[0]);
  Ok("blocks");
}

int main(void) {
  int fds[2];
  CHECK_INT(pipe2(fds, O_DIRECT | O_NONBLOCK), 0);
  int packets = 0;
  while (write(fds[1], "abc", 3) == 3) ++packets;
  CHECK_INT(errno, EAGAIN);
  CHECK_INT(packets, kSlots);
  CHECK_INT(read(fds[0], buffer, sizeof(buffer)), 3);
  CHECK_INT(read(fds[0], buffer, 1), 1);
  CHECK_INT(write(fds[1], "ABCDE", 5), 5);
  Ok("a packet a slot");
  // A stream write goes behind no packet.
  CHECK_INT(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
  CHECK_INT(write(fds[1], "s", 1), 1);
  CHECK_INT(write(fds[1], "t", 1), 1);
  for (int i = 0; i < kSlots - 2; ++i) CHECK_INT(read(fds[0], buffer, sizeof(buffer)), 3);
  CHECK_INT(read(fds[0], buffer, sizeof(buffer)), 5);
  CHECK_INT(read(fds[0], buffer, sizeof(buffer)), 2);
  CHECK(memcmp(buffer, "st", 2) == 0);
  CHECK_ERR(read(fds[0], buffer, 1), EAGAIN);
  Ok("stream behind packets");
  CHECK_INT(fcntl(fds[1], F_SETFL, O_NONBLOCK | O_DIRECT), 0);
  CHECK_INT(write(fds[1], buffer, 10000), 10000);
  CHECK_INT(read(fds[0], buffer, sizeof(buffer)), 4096);
  CHECK_INT(read(fds[0], buffer, sizeof(buffer)), 4096);
  CHECK_INT(read(fds[0], buffer, sizeof(buffer)), 10000 - 2 * 4096);
  Ok("PIPE_BUF parts");
  FullPipeBlocks();
  return Finish();
}
