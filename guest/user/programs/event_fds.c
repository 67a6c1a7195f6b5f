// SPDX-License-Identifier: Apache-2.0
//
// epoll, timerfd and signalfd: readiness by level and edge, one shot, nested waits with a mask,
// expirations counted, signals read as records, what is refused, what /proc tells of them.
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static int WaitEvents(int epoll, int timeout_ms) {
  struct epoll_event events[4];
  return epoll_wait(epoll, events, 4, timeout_ms);
}

static void Epoll(void) {
  int fds[2];
  CHECK_INT(pipe(fds), 0);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {EPOLLIN, {.u64 = 7}}, got;
  CHECK_INT(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event), 0);
  CHECK_ERR(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event), EEXIST);
  CHECK_INT(WaitEvents(epoll, 0), 0);
  CHECK_INT(write(fds[1], "x", 1), 1);
  CHECK_INT(epoll_pwait(epoll, &got, 1, -1, NULL), 1);
  CHECK(got.events == EPOLLIN && got.data.u64 == 7);
  CHECK_INT(WaitEvents(epoll, 0), 1);  // still there: level
  event.events = EPOLLIN | EPOLLET;
  CHECK_INT(epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &event), 0);
  CHECK_INT(WaitEvents(epoll, 0), 1);
  CHECK_INT(WaitEvents(epoll, 0), 0);  // once: edge
  struct timespec none = {0, 0};
  CHECK_INT(syscall(SYS_epoll_pwait2, epoll, &got, 1, &none, NULL, 8), 0);
  CHECK_INT(epoll_ctl(epoll, EPOLL_CTL_DEL, fds[0], NULL), 0);
  CHECK_ERR(epoll_ctl(epoll, EPOLL_CTL_DEL, fds[0], NULL), ENOENT);
  CHECK_ERR(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event), EINVAL);
  CHECK_ERR(syscall(SYS_epoll_create, 0), EINVAL);
  close(epoll);
  epoll = (int)syscall(SYS_epoll_create, 1);
  CHECK(epoll >= 0);
  CHECK_ERR(syscall(SYS_epoll_wait, epoll, &got, 0, 0), EINVAL);
  CHECK_INT(syscall(SYS_epoll_wait, epoll, &got, 1, 0), 0);
  Ok("epoll");
}

static void Timers(void) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  struct itimerspec spec = {{0, 2000000}, {0, 2000000}}, left;
  CHECK_INT(timerfd_settime(fd, 0, &spec, NULL), 0);
  struct timespec pause = {0, 20000000};
  nanosleep(&pause, NULL);
  uint64_t count = 0;
  CHECK_INT(read(fd, &count, 8), 8);
  CHECK(count >= 2);
  spec.it_interval.tv_nsec = 0;
  spec.it_value.tv_sec = 100;
  CHECK_INT(timerfd_settime(fd, 0, &spec, NULL), 0);
  CHECK_INT(timerfd_gettime(fd, &left), 0);
  CHECK(left.it_value.tv_sec >= 90 && left.it_interval.tv_nsec == 0);
  CHECK_ERR(timerfd_create(77, 0), EINVAL);
  close(fd);
  Ok("timerfd");
}

static void Signals(void) {
  Block(SIGUSR1);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  int fd = signalfd(-1, &set, SFD_NONBLOCK);
  struct signalfd_siginfo info;
  CHECK_ERR(read(fd, &info, sizeof(info)), EAGAIN);
  CHECK_INT(kill(getpid(), SIGUSR1), 0);
  CHECK_INT(read(fd, &info, sizeof(info)), sizeof(info));
  CHECK_INT(info.ssi_signo, SIGUSR1);
  CHECK_INT(info.ssi_pid, getpid());
  int old = (int)syscall(SYS_signalfd, -1, &set, 8);
  CHECK(old >= 0);
  CHECK_ERR(syscall(SYS_signalfd4, -1, &set, 8, 77), EINVAL);
  Ok("signalfd");
}

static int InfoHas(int fd, const char* line) {
  char path[64], text[1024];
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
  int info = open(path, O_RDONLY);
  ssize_t n = read(info, text, sizeof(text) - 1);
  close(info);
  text[n > 0 ? n : 0] = 0;
  return strstr(text, line) != NULL;
}

// What /proc/self/fdinfo tells of each (proc_pid_fdinfo(5)).
static void Infos(void) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0xabc};
  int ep = epoll_create1(0), fd = eventfd(0x17, EFD_SEMAPHORE);
  CHECK_INT(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), 0);
  char line[128];
  snprintf(line, sizeof(line), "\ntfd: %8d events: %8x data: %16x  pos:0 ino:", fd, 0x19, 0xabc);
  CHECK(InfoHas(ep, line));
  CHECK(InfoHas(fd, "\neventfd-count:               17\n"));
  CHECK(InfoHas(fd, "\neventfd-semaphore: 1\n"));
  close(fd);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGKILL);
  fd = signalfd(-1, &set, 0);
  CHECK(InfoHas(fd, "\nsigmask:\t0000000000000200\n"));
  close(fd);
  fd = timerfd_create(CLOCK_MONOTONIC, 0);
  CHECK(InfoHas(fd, "\nclockid: 1\nticks: 0\nsettime flags: 00\nit_value: (0, 0)\n"));
  struct itimerspec spec = {{5, 6}, {1000000000, 0}};
  CHECK_INT(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL), 0);
  CHECK(InfoHas(fd, "\nticks: 0\nsettime flags: 01\nit_value: ("));
  CHECK(InfoHas(fd, "\nit_interval: (5, 6)\n"));
  close(fd);
  close(ep);
  Ok("fdinfo");
}

int main(void) {
  Epoll();
  Timers();
  Signals();
  Infos();
  return Finish();
}
