// SPDX-License-Identifier: Apache-2.0
//
// What one receive takes from a stream of several sends (unix(7)): bytes of all of them, also for
// who only looks; up to the first descriptors and with them; where credentials are asked for, of
// one sender only.
#include <sys/socket.h>
#include <sys/uio.h>

#include "guest/user/lib/proc.h"

static int fds[2];  // [1] sends, [0] receives

static void Send(const char* text) { CHECK_INT(write(fds[1], text, strlen(text)), strlen(text)); }

static void SendFile(const char* text, int fd) {
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec piece = {(char*)text, strlen(text)};
  struct msghdr message = {0};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(int));
  CHECK_INT(sendmsg(fds[1], &message, 0), strlen(text));
}

struct Got {
  int files;     // descriptors that came
  pid_t sender;  // by SCM_CREDENTIALS, else 0
};

static struct Got Receive(const char* expected, size_t room, int flags) {
  char text[16], control[256];
  struct iovec piece = {text, room};
  struct msghdr message = {0};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  struct Got got = {0, 0};
  const ssize_t bytes = recvmsg(fds[0], &message, flags | MSG_DONTWAIT);
  CHECK_INT(bytes, strlen(expected));
  CHECK(bytes < 0 || memcmp(text, expected, (size_t)bytes) == 0);
  for (struct cmsghdr* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_type == SCM_RIGHTS) {
      int fd;
      memcpy(&fd, CMSG_DATA(head), sizeof(fd));
      CHECK_INT(close(fd), 0);
      ++got.files;
    } else {
      struct ucred sender;
      memcpy(&sender, CMSG_DATA(head), sizeof(sender));
      got.sender = sender.pid;
    }
  }
  return got;
}

static void Bytes(void) {
  Send("aa");
  Send("bb");
  Receive("aabb", 16, MSG_PEEK);
  Receive("aab", 3, MSG_PEEK);
  Receive("aab", 3, 0);
  Receive("b", 16, 0);
  Ok("bytes");
}

static void Descriptors(void) {
  Send("aa");
  SendFile("FD", 0);
  Send("bb");
  CHECK_INT(Receive("aaFD", 16, MSG_PEEK).files, 1);
  CHECK_INT(Receive("aaFD", 16, 0).files, 1);
  CHECK_INT(Receive("bb", 16, 0).files, 0);
  SendFile("FD", 0);
  SendFile("F2", 0);
  CHECK_INT(Receive("F", 1, 0).files, 1);
  CHECK_INT(Receive("DF2", 16, 0).files, 1);
  Ok("descriptors");
}

static void Credentials(void) {
  const int on = 1;
  CHECK_INT(setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
  Send("me");
  const pid_t pid = fork();
  if (pid == 0) {
    Send("kid");
    _exit(ChildResult());
  }
  CHECK_INT(WaitShell(pid), 0);
  Send("m2");
  Send("m3");
  CHECK_INT(Receive("me", 16, MSG_PEEK).sender, getpid());
  CHECK_INT(Receive("me", 16, 0).sender, getpid());
  Receive("kid", 16, 0);  // of a process that is gone
  CHECK_INT(Receive("m2m3", 16, 0).sender, getpid());
  Ok("credentials");
}

int main(void) {
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  Bytes();
  Descriptors();
  Credentials();
  // A datagram socket that may not send says so before it says that nobody listens.
  int pair[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
  CHECK_INT(shutdown(pair[1], SHUT_WR), 0);
  close(pair[0]);
  CHECK_ERR(send(pair[1], "x", 1, 0), EPIPE);
  Ok("closed");
  return Finish();
}
