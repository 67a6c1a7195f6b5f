// SPDX-License-Identifier: Apache-2.0
//
// Pipes, sockets, epoll, event descriptors and poll with every allocation of the kernel failing in
// turn. See guest/user/lib/fail.h.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "guest/user/lib/fail.h"
#include "guest/user/lib/memory.h"

static long Closed(long fd) {
  if (fd >= 0) CHECK_INT(close((int)fd), 0);
  return fd;
}

static void CloseBoth(const int* ends) {
  CHECK_INT(close(ends[0]), 0);
  CHECK_INT(close(ends[1]), 0);
}

static long Pipe(void) {
  int ends[2];
  long result = FAILING(pipe(ends));
  if (result == 0) CloseBoth(ends);
  return result;
}

static char data[3 * kPage];

static long PipeWrite(void) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  long result = FAILING(write(ends[1], data, sizeof(data)));
  CloseBoth(ends);
  return result;
}

static long PipeGrow(void) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  CHECK_INT(write(ends[1], data, sizeof(data)), sizeof(data));
  long result = FAILING(fcntl(ends[1], F_SETPIPE_SZ, 32 * kPage));
  CHECK_INT(read(ends[0], data, sizeof(data)), sizeof(data));
  CloseBoth(ends);
  return result;
}

static long Tee(void) {
  int from[2], to[2];
  CHECK_INT(pipe(from), 0);
  CHECK_INT(pipe(to), 0);
  CHECK_INT(write(from[1], data, sizeof(data)), sizeof(data));
  long result = FAILING(tee(from[0], to[1], sizeof(data), 0));
  CloseBoth(from);
  CloseBoth(to);
  return result;
}

static long Vmsplice(void) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  struct iovec piece = {data, sizeof(data)};
  long result = FAILING(vmsplice(ends[1], &piece, 1, 0));
  CloseBoth(ends);
  return result;
}

static long Splice(void) {
  int ends[2], file = TempFile(2);
  CHECK_INT(pipe(ends), 0);
  loff_t at = 0;
  long result = FAILING(splice(file, &at, ends[1], NULL, 2 * kPage, 0));
  CloseBoth(ends);
  CHECK_INT(close(file), 0);
  return result;
}

static long Socketpair(void) {
  int ends[2];
  long result = FAILING(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  if (result == 0) CloseBoth(ends);
  return result;
}
static long SocketpairDatagram(void) {
  int ends[2];
  long result = FAILING(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
  if (result == 0) CloseBoth(ends);
  return result;
}
static long Socket(void) { return Closed(FAILING(socket(AF_UNIX, SOCK_STREAM, 0))); }

static struct sockaddr_un Name(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strcpy(name.sun_path, "/tmp/fv_fail_socket");
  return name;
}

static long Bind(void) {
  struct sockaddr_un name = Name();
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  long result = FAILING(bind(fd, (struct sockaddr*)&name, sizeof(name)));
  CHECK_INT(unlink(name.sun_path), result);
  CHECK_INT(close(fd), 0);
  return result;
}

static int Listening(const struct sockaddr_un* name) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_INT(bind(fd, (const struct sockaddr*)name, sizeof(*name)), 0);
  CHECK_INT(listen(fd, 2), 0);
  return fd;
}

static long Connect(void) {
  struct sockaddr_un name = Name();
  int listener = Listening(&name);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  long result = FAILING(connect(fd, (struct sockaddr*)&name, sizeof(name)));
  if (result == 0) Closed(accept(listener, NULL, NULL));
  CHECK_INT(unlink(name.sun_path), 0);
  CHECK_INT(close(fd), 0);
  CHECK_INT(close(listener), 0);
  return result;
}

static long Accept(void) {
  struct sockaddr_un name = Name();
  int listener = Listening(&name);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_INT(connect(fd, (struct sockaddr*)&name, sizeof(name)), 0);
  long result = Closed(FAILING(accept(listener, NULL, NULL)));
  CHECK_INT(unlink(name.sun_path), 0);
  CHECK_INT(close(fd), 0);
  CHECK_INT(close(listener), 0);
  return result;
}

static long Send(void) {
  int ends[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  long result = FAILING(send(ends[0], data, 1000, 0));
  CloseBoth(ends);
  return result;
}

enum { kPassed = 4 };
union Control {
  char bytes[CMSG_SPACE(kPassed * sizeof(int))];
  struct cmsghdr align;
};

static struct msghdr Message(struct iovec* piece, union Control* control) {
  memset(control, 0, sizeof(*control));
  struct msghdr message = {.msg_iov = piece, .msg_iovlen = 1};
  message.msg_control = control->bytes;
  message.msg_controllen = sizeof(control->bytes);
  return message;
}

// Passes four descriptors to the other end.
static long SendFiles(int fd) {
  union Control control;
  struct iovec piece = {data, 1};
  struct msghdr message = Message(&piece, &control);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(kPassed * sizeof(int));
  int files[kPassed] = {0, 1, 2, 1};
  memcpy(CMSG_DATA(header), files, sizeof(files));
  return sendmsg(fd, &message, 0);
}

static long SendRights(void) {
  int ends[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  long result = FAILING(SendFiles(ends[0]));
  CloseBoth(ends);
  return result;
}

// The descriptors land beyond those that the table has room for; what cannot be installed is cut.
static long ReceiveRights(void) {
  int ends[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  CHECK_INT(SendFiles(ends[0]), 1);
  union Control control;
  struct iovec piece = {data, 1};
  struct msghdr message = Message(&piece, &control);
  long result = FAILING(recvmsg(ends[1], &message, 0));
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (result == 1 && header != NULL) {
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    CHECK(count == kPassed || (message.msg_flags & MSG_CTRUNC) != 0);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      CHECK_INT(close(fd), 0);
    }
  }
  CloseBoth(ends);
  return result;
}

static long Eventfd(void) { return Closed(FAILING(eventfd(0, 0))); }
static long TimerfdCreate(void) { return Closed(FAILING(timerfd_create(CLOCK_MONOTONIC, 0))); }
static long Signalfd(void) {
  sigset_t set;
  sigemptyset(&set);
  return Closed(FAILING(signalfd(-1, &set, 0)));
}
static long EpollCreate(void) { return Closed(FAILING(epoll_create1(0))); }

static long EpollAdd(void) {
  int set = epoll_create1(0), ends[2];
  CHECK_INT(pipe(ends), 0);
  struct epoll_event event = {.events = EPOLLIN};
  long result = FAILING(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event));
  CHECK_INT(epoll_ctl(set, EPOLL_CTL_DEL, ends[0], &event), result);
  CHECK_INT(close(set), 0);
  CloseBoth(ends);
  return result;
}

static long EpollNested(void) {
  int outer = epoll_create1(0), inner = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  long result = FAILING(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
  CHECK_INT(close(inner), 0);
  CHECK_INT(close(outer), 0);
  return result;
}

static long Poll(void) {
  static struct pollfd many[600];
  for (size_t i = 0; i < COUNT(many); ++i) many[i].fd = 1;
  return FAILING(poll(many, COUNT(many), 0));
}

static long Select(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(1, &set);
  struct timeval none = {0, 0};
  return FAILING(select(FD_SETSIZE, NULL, &set, NULL, &none));
}

static long PidfdOpen(void) { return Closed(FAILING(syscall(SYS_pidfd_open, getpid(), 0))); }

static long PidfdGetfd(void) {
  int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  long result = Closed(FAILING(syscall(SYS_pidfd_getfd, pidfd, 1, 0)));
  CHECK_INT(close(pidfd), 0);
  return result;
}

// Descriptors up to `last` of 64: the next ones want another part of the table.
static void FillUpTo(int last) {
  while (dup(1) % 64 != last) continue;
}
static void PipeAtEdge(void) { FillUpTo(63); }
static void ReceiveAtEdge(void) { FillUpTo(60); }  // the sockets are 61 and 62
static long ReceiveInChild(void) { return InChild(ReceiveRights); }
static long PipeInChild(void) { return InChild(Pipe); }

static const FailCase kCases[] = {
    {"pipe", Pipe, NULL, {ENOMEM, ENFILE}},
    {"pipe_write", PipeWrite, NULL, {ENOMEM}},
    {"pipe_grow", PipeGrow, NULL, {ENOMEM}},
    {"tee", Tee, NULL, {ENOMEM}},
    {"vmsplice", Vmsplice, NULL, {ENOMEM}},
    {"splice", Splice, NULL, {ENOMEM}},
    {"socket", Socket, NULL, {ENOMEM, ENFILE}},
    {"socketpair", Socketpair, NULL, {ENOMEM, ENFILE}},
    {"socketpair_datagram", SocketpairDatagram, NULL, {ENOMEM, ENFILE}},
    {"bind", Bind, NULL, {ENOMEM, ENOSPC}},
    {"connect", Connect, NULL, {ENOMEM}},
    {"accept", Accept, NULL, {ENOMEM, ENFILE}},
    {"send", Send, NULL, {ENOMEM, ENOBUFS}},
    {"send_rights", SendRights, NULL, {ENOMEM, ENOBUFS}},
    {"receive_rights", ReceiveRights, NULL, {ENOMEM}},
    {"receive_rights_at_edge", ReceiveInChild, ReceiveAtEdge, {ENOMEM, EFAULT}},
    {"eventfd", Eventfd, NULL, {ENOMEM}},
    {"timerfd_create", TimerfdCreate, NULL, {ENOMEM}},
    {"signalfd", Signalfd, NULL, {ENOMEM}},
    {"epoll_create", EpollCreate, NULL, {ENOMEM}},
    {"epoll_add", EpollAdd, NULL, {ENOMEM}},
    {"epoll_nested", EpollNested, NULL, {ENOMEM}},
    {"poll", Poll, NULL, {ENOMEM}},
    {"select", Select, NULL, {ENOMEM}},
    {"pidfd_open", PidfdOpen, NULL, {ENOMEM}},
    {"pidfd_getfd", PidfdGetfd, NULL, {ENOMEM}},
    {"pipe_at_edge", PipeInChild, PipeAtEdge, {ENOMEM, ENFILE}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
