// SPDX-License-Identifier: Apache-2.0
//
// epoll: level and edge triggering, one-shot, nesting, what closing does, errors, time-outs; and
// eventfd, timerfd and signalfd, which exist to be polled.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static int ep;
static struct epoll_event got[8];

static int Control(int op, int fd, unsigned events, unsigned long tag) {
  struct epoll_event event = {.events = events, .data.u64 = tag};
  return epoll_ctl(ep, op, fd, &event);
}

static int Ready(void) { return epoll_wait(ep, got, 8, 0); }

static void Levels(void) {
  int fds[2];
  char byte;
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(Control(EPOLL_CTL_ADD, fds[0], EPOLLIN, 1), 0);
  CHECK_ERR(Control(EPOLL_CTL_ADD, fds[0], EPOLLIN, 1), EEXIST);
  CHECK_INT(Ready(), 0);
  CHECK_INT(write(fds[1], "ab", 2), 2);
  CHECK_INT(Ready(), 1);
  CHECK_INT(got[0].events, EPOLLIN);
  CHECK_INT(got[0].data.u64, 1);
  CHECK_INT(read(fds[0], &byte, 1), 1);
  CHECK_INT(Ready(), 1);
  CHECK_INT(read(fds[0], &byte, 1), 1);
  CHECK_INT(Ready(), 0);
  Ok("level");
  CHECK_INT(Control(EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLET, 2), 0);
  CHECK_INT(write(fds[1], "a", 1), 1);
  CHECK_INT(Ready(), 1);
  CHECK_INT(Ready(), 0);
  CHECK_INT(write(fds[1], "b", 1), 1);
  CHECK_INT(Ready(), 1);
  CHECK_INT(Ready(), 0);
  CHECK_INT(read(fds[0], &byte, 1), 1);
  CHECK_INT(Ready(), 0);  // what is left over is no news
  CHECK_INT(write(fds[1], "b", 1), 1);
  CHECK_INT(Ready(), 1);
  Ok("edge");
  CHECK_INT(Control(EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLONESHOT, 3), 0);
  CHECK_INT(Ready(), 1);
  CHECK_INT(write(fds[1], "c", 1), 1);
  CHECK_INT(Ready(), 0);
  CHECK_INT(Control(EPOLL_CTL_MOD, fds[0], EPOLLIN, 4), 0);
  CHECK_INT(Ready(), 1);
  Ok("one shot");
  CHECK_INT(close(fds[1]), 0);
  CHECK_INT(Ready(), 1);
  CHECK_INT(got[0].events, EPOLLIN | EPOLLHUP);
  int copy = dup(fds[0]);
  CHECK_INT(close(fds[0]), 0);
  CHECK_INT(Ready(), 1);
  CHECK_INT(close(copy), 0);
  CHECK_INT(Ready(), 0);
  Ok("closing");
}

static void Errors(void) {
  int file = open("/proc/self/exe", O_RDONLY);
  int event = eventfd(0, 0);
  CHECK_ERR(epoll_create1(1), EINVAL);
  CHECK_ERR(Control(EPOLL_CTL_ADD, file, EPOLLIN, 1), EPERM);
  CHECK_ERR(Control(EPOLL_CTL_ADD, 999, EPOLLIN, 1), EBADF);
  CHECK_ERR(Control(EPOLL_CTL_ADD, ep, EPOLLIN, 1), EINVAL);
  CHECK_ERR(Control(EPOLL_CTL_MOD, event, EPOLLIN, 1), ENOENT);
  CHECK_ERR(Control(EPOLL_CTL_DEL, event, EPOLLIN, 1), ENOENT);
  CHECK_ERR(epoll_wait(ep, got, 0, 0), EINVAL);
  CHECK_ERR(epoll_wait(event, got, 1, 0), EINVAL);
  int inner = epoll_create1(EPOLL_CLOEXEC);
  CHECK_INT(Control(EPOLL_CTL_ADD, inner, EPOLLIN, 7), 0);
  struct epoll_event loop = {.events = EPOLLIN};
  CHECK_ERR(epoll_ctl(inner, EPOLL_CTL_ADD, ep, &loop), ELOOP);
  int sets[6];
  for (int i = 0; i < 6; ++i) sets[i] = epoll_create1(0);
  for (int i = 0; i < 4; ++i) CHECK_INT(epoll_ctl(sets[i], EPOLL_CTL_ADD, sets[i + 1], &loop), 0);
  CHECK_ERR(epoll_ctl(sets[4], EPOLL_CTL_ADD, sets[5], &loop), ELOOP);  // too deep
  for (int i = 0; i < 6; ++i) close(sets[i]);
  loop.data.u64 = 9;
  CHECK_INT(epoll_ctl(inner, EPOLL_CTL_ADD, event, &loop), 0);
  CHECK_INT(Ready(), 0);
  CHECK_INT(eventfd_write(event, 1), 0);
  CHECK_INT(Ready(), 1);
  CHECK_INT(got[0].data.u64, 7);
  close(inner);
  close(event);
  close(file);
  CHECK_INT(Ready(), 0);
  Ok("errors and nesting");
}

static void Writes(void* fd) {
  struct timespec pause = {0, 20000000};
  nanosleep(&pause, NULL);
  CHECK_INT(write((int)(long)fd, "late", 4), 4);
}

static void Sleeping(void) {
  int fds[2];
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(Control(EPOLL_CTL_ADD, fds[0], EPOLLIN, 5), 0);
  pid_t child = Fork(Writes, (void*)(long)fds[1]);
  CHECK_INT(epoll_wait(ep, got, 8, -1), 1);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(Control(EPOLL_CTL_DEL, fds[0], 0, 0), 0);
  CHECK_INT(epoll_wait(ep, got, 8, 10), 0);
  close(fds[0]);
  close(fds[1]);
  Ok("sleeping");
}

static void Timers(void) {
  unsigned long ticks = 0;
  struct itimerspec setting = {.it_value = {0, 10000000}}, left;
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  CHECK_ERR(read(timer, &ticks, 8), EAGAIN);
  CHECK_INT(timerfd_settime(timer, 0, &setting, NULL), 0);
  CHECK_INT(Control(EPOLL_CTL_ADD, timer, EPOLLIN, 6), 0);
  CHECK_INT(epoll_wait(ep, got, 8, -1), 1);
  CHECK_INT(read(timer, &ticks, 8), 8);
  CHECK_INT(ticks, 1);
  CHECK_ERR(read(timer, &ticks, 8), EAGAIN);
  CHECK_INT(timerfd_gettime(timer, &left), 0);
  CHECK_INT(left.it_value.tv_nsec, 0);
  setting.it_value.tv_nsec = -1;
  CHECK_ERR(timerfd_settime(timer, 0, &setting, NULL), EINVAL);
  close(timer);
  Ok("timerfd");
}

static void Signals(void) {
  struct signalfd_siginfo info;
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  CHECK_INT(sigprocmask(SIG_BLOCK, &set, &before), 0);
  int signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  CHECK_ERR(read(signals, &info, sizeof(info)), EAGAIN);
  CHECK_INT(Control(EPOLL_CTL_ADD, signals, EPOLLIN, 8), 0);
  CHECK_INT(Ready(), 0);
  CHECK_INT(kill(getpid(), SIGUSR1), 0);
  CHECK_INT(Ready(), 1);
  CHECK_INT(read(signals, &info, sizeof(info)), sizeof(info));
  CHECK_INT(info.ssi_signo, SIGUSR1);
  CHECK_INT(info.ssi_code, SI_USER);
  CHECK_INT(info.ssi_pid, getpid());
  CHECK_INT(Ready(), 0);
  close(signals);
  CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
  Ok("signalfd");
}

static void Counters(void) {
  unsigned long value = 0;
  int event = eventfd(3, EFD_NONBLOCK);
  CHECK_INT(read(event, &value, 8), 8);
  CHECK_INT(value, 3);
  CHECK_ERR(read(event, &value, 8), EAGAIN);
  CHECK_ERR(read(event, &value, 4), EINVAL);
  value = ~0ul;
  CHECK_ERR(write(event, &value, 8), EINVAL);
  value = ~0ul - 1;
  CHECK_INT(write(event, &value, 8), 8);
  value = 1;
  CHECK_ERR(write(event, &value, 8), EAGAIN);
  close(event);
  event = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
  CHECK_INT(read(event, &value, 8), 8);
  CHECK_INT(value, 1);
  CHECK_INT(read(event, &value, 8), 8);
  CHECK_ERR(read(event, &value, 8), EAGAIN);
  close(event);
  Ok("eventfd");
}

// As many events at once as are asked for and there.
static void Many(void) {
  enum { kFiles = 100 };
  static struct epoll_event events[kFiles + 1];
  int many = epoll_create1(0);
  for (int i = 0; i < kFiles; ++i) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    CHECK_INT(epoll_ctl(many, EPOLL_CTL_ADD, eventfd(1, 0), &event), 0);
  }
  CHECK_INT(epoll_wait(many, events, kFiles + 1, -1), kFiles);
  for (int i = 0; i < kFiles; ++i) CHECK_INT(events[i].data.u32, i);
  CHECK_INT(epoll_wait(many, events, 70, -1), 70);
  CHECK_INT(epoll_wait(many, events, 70, -1), 70);
  CHECK_INT(events[30].data.u32, 0);  // the others first
  Ok("many");
}

enum { kSleepers = 3 };

// One event wakes one of the sets that watch a pipe with EPOLLEXCLUSIVE.
static void Exclusive(void) {
  int fds[2], reports[2];
  char byte;
  int status;
  pid_t children[kSleepers];
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(pipe2(reports, O_NONBLOCK), 0);
  for (int i = 0; i < kSleepers; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      ep = epoll_create1(0);
      CHECK_INT(Control(EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 1), 0);
      int count = epoll_wait(ep, got, 8, -1);
      CHECK_INT(write(reports[1], "r", 1), 1);
      _exit(count == 1 ? 0 : 1);
    }
  }
  for (int i = 0; i < kSleepers; i++) AwaitSleep(children[i], children[i]);
  struct pollfd report = {.fd = reports[0], .events = POLLIN};
  for (int i = 0; i < kSleepers; i++) {
    CHECK_INT(write(fds[1], "x", 1), 1);
    CHECK_INT(poll(&report, 1, -1), 1);
    CHECK_INT(read(reports[0], &byte, 1), 1);
    CHECK_ERR(read(reports[0], &byte, 1), EAGAIN);
    CHECK(waitpid(-1, &status, 0) > 0);
    CHECK_INT(status, 0);
    CHECK_INT(read(fds[0], &byte, 1), 1);
  }
  Ok("exclusive");
}

// EPOLLERR and EPOLLHUP are told whether asked for or not, but by a one-shot item that had its
// turn.
static void Always(void) {
  int set = epoll_create1(0), fds[2];
  struct epoll_event nothing = {.events = 0, .data.u64 = 7}, got;
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &nothing), 0);
  CHECK_INT(write(fds[1], "x", 1), 1);
  CHECK_INT(epoll_wait(set, &got, 1, 0), 0);
  close(fds[1]);
  CHECK_INT(epoll_wait(set, &got, 1, 0), 1);
  CHECK(got.events == EPOLLHUP && got.data.u64 == 7);
  nothing.events = EPOLLONESHOT;
  CHECK_INT(epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &nothing), 0);
  CHECK_INT(epoll_wait(set, &got, 1, 0), 1);
  CHECK_INT(epoll_wait(set, &got, 1, 0), 0);
  close(fds[0]);
  close(set);
  Ok("always");
}

int main(void) {
  ep = epoll_create1(EPOLL_CLOEXEC);
  CHECK_INT(fcntl(ep, F_GETFD), FD_CLOEXEC);
  Levels();
  Errors();
  Sleeping();
  Timers();
  Signals();
  Counters();
  Many();
  Exclusive();
  Always();
  return Finish();
}
