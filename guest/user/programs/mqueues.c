// SPDX-License-Identifier: Apache-2.0
//
// POSIX message queues: order by priority, blocking on both ends across fork, names and their life,
// notification once and its end with a descriptor, poll, and what is refused.
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static char name[32];
static char buffer[64];
static const struct mq_attr kSmall = {.mq_maxmsg = 2, .mq_msgsize = 16};

static mqd_t OpenQueue(int flags) {
  struct mq_attr attributes = kSmall;
  return mq_open(name, O_RDWR | O_CREAT | flags, 0600, &attributes);
}

static char Receive(mqd_t queue, unsigned* priority) {
  ssize_t bytes = mq_receive(queue, buffer, sizeof(buffer), priority);
  return bytes == 1 ? buffer[0] : '?';
}

static void Order(void) {
  struct mq_attr attributes = {.mq_maxmsg = 5, .mq_msgsize = 16};
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
  CHECK(queue >= 0);
  CHECK_INT(mq_send(queue, "a", 1, 1), 0);
  CHECK_INT(mq_send(queue, "b", 1, 7), 0);
  CHECK_INT(mq_send(queue, "c", 1, 1), 0);
  CHECK_INT(mq_send(queue, "d", 1, 7), 0);
  CHECK_INT(mq_send(queue, "", 0, 32767), 0);
  CHECK_INT(mq_getattr(queue, &attributes), 0);
  CHECK(attributes.mq_curmsgs == 5 && attributes.mq_maxmsg == 5 && attributes.mq_msgsize == 16);
  unsigned priority = 0;
  CHECK_INT(mq_receive(queue, buffer, sizeof(buffer), &priority), 0);
  CHECK_INT(priority, 32767);
  CHECK_INT(Receive(queue, &priority), 'b');
  CHECK_INT(priority, 7);
  CHECK_INT(Receive(queue, NULL), 'd');
  CHECK_INT(Receive(queue, NULL), 'a');
  CHECK_INT(Receive(queue, &priority), 'c');
  CHECK_INT(priority, 1);
  mq_close(queue);
  mq_unlink(name);
  Ok("order");
}

static void Refused(void) {
  struct mq_attr attributes = kSmall, old;
  CHECK_ERR(mq_open(name, O_RDWR), ENOENT);
  CHECK_ERR(mq_unlink(name), ENOENT);
  CHECK_ERR(syscall(SYS_mq_open, "", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
  CHECK_ERR(syscall(SYS_mq_open, "a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
  CHECK_ERR(syscall(SYS_mq_open, "..", O_RDWR | O_CREAT, 0600, NULL), EACCES);
  CHECK_ERR(syscall(SYS_mq_open, "a", O_RDWR | O_CREAT, 0600, 8), EFAULT);
  char longest[NAME_MAX + 2];
  memset(longest, 'x', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = '\0';
  CHECK_ERR(syscall(SYS_mq_open, longest, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
  attributes.mq_maxmsg = 0;
  CHECK_ERR(mq_open(name, O_RDWR | O_CREAT, 0600, &attributes), EINVAL);
  attributes.mq_maxmsg = 65537;
  CHECK_ERR(mq_open(name, O_RDWR | O_CREAT, 0600, &attributes), EINVAL);
  struct rlimit limit, little = {200, 200};
  getrlimit(RLIMIT_MSGQUEUE, &limit);
  little.rlim_max = limit.rlim_max;
  setrlimit(RLIMIT_MSGQUEUE, &little);
  CHECK_ERR(OpenQueue(0), EMFILE);  // two messages of 16 bytes cost 224
  setrlimit(RLIMIT_MSGQUEUE, &limit);
  mqd_t queue = OpenQueue(O_EXCL | O_NONBLOCK);
  CHECK_ERR(OpenQueue(O_EXCL), EEXIST);
  CHECK_ERR(syscall(SYS_mq_open, name + 1, O_WRONLY | O_RDWR, 0, NULL), EINVAL);
  CHECK_ERR(mq_send(queue, "x", 1, 32768), EINVAL);
  CHECK_ERR(mq_send(queue, buffer, 17, 0), EMSGSIZE);
  CHECK_ERR(mq_receive(queue, buffer, 15, NULL), EMSGSIZE);
  CHECK_ERR(mq_receive(queue, buffer, 16, NULL), EAGAIN);
  CHECK_ERR(syscall(SYS_mq_timedsend, queue, 8, 4, 0, NULL), EFAULT);
  CHECK_ERR(mq_send(0, "x", 1, 0), EBADF);
  CHECK_ERR(mq_getattr(-1, &attributes), EBADF);
  attributes.mq_flags = O_APPEND;
  CHECK_ERR(mq_setattr(queue, &attributes, NULL), EINVAL);
  attributes.mq_flags = 0;
  CHECK_INT(mq_setattr(queue, &attributes, &old), 0);
  CHECK_INT(old.mq_flags, O_NONBLOCK);
  struct timespec wrong = {0, 1000000000}, past = {1, 0};
  CHECK_ERR(mq_timedreceive(queue, buffer, 16, NULL, &wrong), EINVAL);
  CHECK_ERR(mq_timedreceive(queue, buffer, 16, NULL, &past), ETIMEDOUT);
  CHECK_INT(mq_timedsend(queue, "x", 1, 0, &past), 0);  // there is room: no time is looked at
  mqd_t reader = mq_open(name, O_RDONLY);
  mqd_t writer = mq_open(name, O_WRONLY);
  CHECK_ERR(mq_send(reader, "x", 1, 0), EBADF);
  CHECK_ERR(mq_receive(writer, buffer, 16, NULL), EBADF);
  CHECK_INT(fcntl(reader, F_GETFD), FD_CLOEXEC);
  mq_close(queue);
  mq_close(reader);
  mq_close(writer);
  CHECK_INT(mq_unlink(name), 0);
  Ok("refused");
}

// The queue lives on without its name.
static void Life(void) {
  mqd_t first = OpenQueue(0);
  CHECK_INT(mq_send(first, "1", 1, 0), 0);
  CHECK_INT(mq_unlink(name), 0);
  mqd_t second = OpenQueue(O_EXCL);
  CHECK(second >= 0);
  CHECK_INT(mq_send(second, "2", 1, 0), 0);
  CHECK_INT(Receive(first, NULL), '1');
  CHECK_INT(Receive(second, NULL), '2');
  struct stat info;
  CHECK_INT(fstat(second, &info), 0);
  CHECK(S_ISREG(info.st_mode) && (info.st_mode & 0777) == 0600);
  mq_close(first);
  mq_close(second);
  mq_unlink(name);
  Ok("life");
}

static void Echo(void* arg) {
  mqd_t queue = (mqd_t)(intptr_t)arg;
  for (int i = 0; i < 20; ++i) CHECK_INT(mq_send(queue, "m", 1, (unsigned)i), 0);
}

static void Blocking(void) {
  mqd_t queue = OpenQueue(0);
  pid_t child = Fork(Echo, (void*)(intptr_t)queue);  // blocks: two have room
  for (int i = 0; i < 20; ++i) CHECK_INT(Receive(queue, NULL), 'm');
  CHECK_INT(WaitShell(child), 0);
  struct pollfd poll_for = {queue, POLLIN | POLLOUT, 0};
  CHECK_INT(poll(&poll_for, 1, 0), 1);
  CHECK_INT(poll_for.revents, POLLOUT);
  CHECK_INT(mq_send(queue, "x", 1, 0), 0);
  CHECK_INT(poll(&poll_for, 1, 0), 1);
  CHECK_INT(poll_for.revents, POLLIN | POLLOUT);
  CHECK_INT(mq_send(queue, "y", 1, 0), 0);
  CHECK_INT(poll(&poll_for, 1, 0), 1);
  CHECK_INT(poll_for.revents, POLLIN);
  mq_close(queue);
  mq_unlink(name);
  Ok("blocking");
}

static volatile sig_atomic_t told, told_value, told_code;

static void OnMessage(int signo, siginfo_t* info, void* context) {
  (void)signo;
  (void)context;
  ++told;
  told_code = info->si_code;
  told_value = info->si_value.sival_int;
}

static void TriesToRegister(void* arg) {
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  CHECK_ERR(mq_notify((mqd_t)(intptr_t)arg, &event), EBUSY);
}

static void Registers(void* arg) {
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  CHECK_INT(mq_notify((mqd_t)(intptr_t)arg, &event), 0);
}

static void Notification(void) {
  struct sigaction action = {.sa_sigaction = OnMessage, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  mqd_t queue = OpenQueue(0);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  event.sigev_value.sival_int = 42;
  CHECK_INT(mq_notify(queue, &event), 0);
  CHECK_ERR(mq_notify(queue, &event), EBUSY);
  CHECK_INT(RunChild(TriesToRegister, (void*)(intptr_t)queue), 0);  // its exit changes nothing
  CHECK_INT(mq_send(queue, "x", 1, 0), 0);
  CHECK(told == 1 && told_value == 42 && told_code == SI_MESGQ);
  CHECK_INT(mq_send(queue, "x", 1, 0), 0);
  CHECK_INT(told, 1);  // once
  CHECK_INT(mq_notify(queue, &event), 0);
  Receive(queue, NULL);
  CHECK_INT(mq_send(queue, "x", 1, 0), 0);
  CHECK_INT(told, 1);  // it was not empty
  CHECK_INT(mq_notify(queue, NULL), 0);
  CHECK_INT(RunChild(Registers, (void*)(intptr_t)queue), 0);
  CHECK_INT(mq_notify(queue, &event), 0);  // the child's registration went with it
  mqd_t other = mq_open(name, O_RDWR);
  mq_close(other);  // any descriptor of the queue
  CHECK_INT(RunChild(Registers, (void*)(intptr_t)queue), 0);
  event.sigev_notify = 99;
  CHECK_ERR(mq_notify(queue, &event), EINVAL);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = 65;
  CHECK_ERR(mq_notify(queue, &event), EINVAL);
  mq_close(queue);
  mq_unlink(name);
  Ok("notification");
}

static void Interrupted(void) {
  mqd_t queue = OpenQueue(0);
  Handle(SIGALRM, SIG_IGN, 0);
  struct sigaction action = {.sa_sigaction = OnMessage, .sa_flags = SA_SIGINFO};
  sigaction(SIGALRM, &action, NULL);
  told = 0;
  struct itimerval timer = {{0, 20000}, {0, 20000}};  // one of them comes while it waits
  CHECK_INT(setitimer(ITIMER_REAL, &timer, NULL), 0);
  CHECK_ERR(mq_receive(queue, buffer, sizeof(buffer), NULL), EINTR);
  struct itimerval none = {{0, 0}, {0, 0}};
  CHECK_INT(setitimer(ITIMER_REAL, &none, NULL), 0);
  CHECK(told >= 1);
  mq_close(queue);
  mq_unlink(name);
  Ok("interrupted");
}

int main(void) {
  snprintf(name, sizeof(name), "/fv_mqueues_%d", (int)getpid());
  Order();
  Refused();
  Life();
  Blocking();
  Notification();
  Interrupted();
  return Finish();
}
