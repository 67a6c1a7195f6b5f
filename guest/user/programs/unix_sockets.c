// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets over fork: pairs, a server and its client by name, datagrams, a descriptor sent in a
// message, options and names, shutdown and end of file, what is refused.
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "guest/user/lib/proc.h"

static struct sockaddr_un Address(void) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof(address));
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/fv_socket%d", getpid());
  return address;
}

static void Echo(void* arg) {
  int fd = *(int*)arg;
  char text[16];
  for (ssize_t n; (n = recvfrom(fd, text, sizeof(text), 0, NULL, NULL)) > 0;) {
    CHECK_INT(sendto(fd, text, (size_t)n, 0, NULL, 0), n);
  }
}

static void Pair(void) {
  int fds[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  pid_t pid = fork();
  if (pid == 0) {
    close(fds[0]);
    fv_failures = 0;
    Echo(&fds[1]);
    _exit(ChildResult());
  }
  close(fds[1]);
  char text[16] = "";
  CHECK_INT(send(fds[0], "hello", 5, 0), 5);
  CHECK_INT(recv(fds[0], text, sizeof(text), 0), 5);
  CHECK(memcmp(text, "hello", 5) == 0);
  CHECK_INT(shutdown(fds[0], SHUT_WR), 0);
  CHECK_INT(recv(fds[0], text, sizeof(text), 0), 0);
  CHECK_INT(WaitShell(pid), 0);
  close(fds[0]);
  Ok("socketpair");
}

static void Client(void* arg) {
  struct sockaddr_un* address = arg;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_INT(connect(fd, (struct sockaddr*)address, sizeof(*address)), 0);
  struct sockaddr_un peer;
  socklen_t bytes = sizeof(peer);
  CHECK_INT(getpeername(fd, (struct sockaddr*)&peer, &bytes), 0);
  CHECK(strcmp(peer.sun_path, address->sun_path) == 0);
  CHECK_INT(write(fd, "abc", 3), 3);
}

static void Server(void) {
  struct sockaddr_un address = Address(), name;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), type = 0;
  socklen_t bytes = sizeof(name), length = sizeof(type);
  CHECK_INT(bind(fd, (struct sockaddr*)&address, sizeof(address)), 0);
  CHECK_INT(listen(fd, 2), 0);
  CHECK_INT(getsockname(fd, (struct sockaddr*)&name, &bytes), 0);
  CHECK(strcmp(name.sun_path, address.sun_path) == 0);
  CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length), 0);
  CHECK_INT(type, SOCK_STREAM);
  int on = 1;
  CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
  CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)), 0);
  CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &type, &length), 0);
  CHECK_INT(type, 1);
  CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_BROADCAST, &type, &length), 0);
  CHECK_INT(type, 0);
  pid_t first = Fork(Client, &address);
  char text[4] = "";
  int peer = accept(fd, NULL, NULL);
  CHECK_INT(read(peer, text, 4), 3);
  CHECK_INT(WaitShell(first), 0);
  pid_t second = Fork(Client, &address);
  int other = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
  CHECK_INT(fcntl(other, F_GETFD), FD_CLOEXEC);
  CHECK_INT(WaitShell(second), 0);
  close(peer);
  close(other);
  close(fd);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_ERR(connect(fd, (struct sockaddr*)&address, sizeof(address)), ECONNREFUSED);
  close(fd);
  unlink(address.sun_path);
  Ok("server and clients");
}

static void Messages(void) {
  int fds[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
  char control[CMSG_SPACE(sizeof(int))] = {0}, text[8] = "";
  struct iovec piece = {"fd", 2}, into = {text, sizeof(text)};
  struct msghdr message;
  memset(&message, 0, sizeof(message));
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  int sent = open("/dev/zero", O_RDONLY), got = -1;
  memcpy(CMSG_DATA(header), &sent, sizeof(int));
  CHECK_INT(sendmsg(fds[0], &message, 0), 2);
  memset(control, 0, sizeof(control));
  message.msg_iov = &into;
  CHECK_INT(recvmsg(fds[1], &message, 0), 2);
  header = CMSG_FIRSTHDR(&message);
  CHECK(header != NULL);
  if (header) memcpy(&got, CMSG_DATA(header), sizeof(int));
  char byte = 1;
  CHECK_INT(read(got, &byte, 1), 1);
  CHECK_INT(byte, 0);

  struct mmsghdr two[2];
  memset(two, 0, sizeof(two));
  for (int i = 0; i < 2; ++i) {
    two[i].msg_hdr.msg_iov = &piece;
    two[i].msg_hdr.msg_iovlen = 1;
  }
  CHECK_INT(sendmmsg(fds[0], two, 2, 0), 2);
  for (int i = 0; i < 2; ++i) two[i].msg_hdr.msg_iov = &into;
  CHECK_INT(recvmmsg(fds[1], two, 2, 0, NULL), 2);
  CHECK_INT(two[1].msg_len, 2);
  Ok("datagrams, a descriptor sent");
}

static void Nothing(int signal_number) { (void)signal_number; }

static void SetTimeout(int fd, int option, long seconds, long microseconds) {
  struct timeval time = {seconds, microseconds};
  CHECK_INT(setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time)), 0);
}

// With a time-out a signal interrupts, whatever SA_RESTART says (signal(7)).
static void Interrupted(void* fd) {
  char byte;
  Handle(SIGUSR1, Nothing, SA_RESTART);
  SetTimeout(*(int*)fd, SO_RCVTIMEO, 10000, 0);
  CHECK_ERR(read(*(int*)fd, &byte, 1), EINTR);
}

static void Timeouts(void) {
  static char bytes[65536];
  int fds[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  SetTimeout(fds[0], SO_RCVTIMEO, 0, 10000);
  CHECK_ERR(read(fds[0], bytes, 1), EAGAIN);
  CHECK_INT(write(fds[1], "abc", 3), 3);
  CHECK_INT(recv(fds[0], bytes, 5, MSG_WAITALL), 3);
  SetTimeout(fds[0], SO_SNDTIMEO, 0, 10000);
  while (write(fds[0], bytes, sizeof(bytes)) > 0) {
  }
  CHECK_INT(errno, EAGAIN);
  SetTimeout(fds[0], SO_RCVTIMEO, -1, 0);  // none at all
  CHECK_ERR(read(fds[0], bytes, 1), EAGAIN);
  pid_t child = Fork(Interrupted, &fds[0]);
  AwaitSleep(child, child);
  CHECK_INT(kill(child, SIGUSR1), 0);
  CHECK_INT(WaitShell(child), 0);
  struct timeval time = {-1, -1};
  socklen_t length = sizeof(time);
  CHECK_INT(getsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &time, &length), 0);
  CHECK(length == sizeof(time) && time.tv_sec == 10000 && time.tv_usec == 0);
  SetTimeout(fds[0], SO_RCVTIMEO, 0, 0);  // for ever
  CHECK_INT(getsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &time, &length), 0);
  CHECK(time.tv_sec == 0 && time.tv_usec == 0);
  time.tv_usec = 1000000;
  CHECK_ERR(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), EDOM);
  CHECK_ERR(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(int)), EINVAL);
  close(fds[0]);
  close(fds[1]);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0fv_timeouts"};
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_INT(bind(listener, (struct sockaddr*)&address, sizeof(address)), 0);
  CHECK_INT(listen(listener, 0), 0);
  SetTimeout(listener, SO_RCVTIMEO, 0, 10000);
  CHECK_ERR(accept(listener, NULL, NULL), EAGAIN);
  CHECK_INT(connect(client, (struct sockaddr*)&address, sizeof(address)), 0);
  int second = socket(AF_UNIX, SOCK_STREAM, 0);
  SetTimeout(second, SO_SNDTIMEO, 0, 10000);
  CHECK_ERR(connect(second, (struct sockaddr*)&address, sizeof(address)), EAGAIN);
  close(client);
  close(second);
  close(listener);
  Ok("time-outs");
}

int main(void) {
  Pair();
  Server();
  Messages();
  Timeouts();
  CHECK_ERR(socket(AF_UNIX, 77, 0), EINVAL);
  CHECK_ERR(listen(0, 1), ENOTSOCK);
  CHECK_ERR(accept(99, NULL, NULL), EBADF);
  Ok("refused");
  return Finish();
}
