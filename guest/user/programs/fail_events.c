// SPDX-License-Identifier: Apache-2.0
//
// Waiting for events, and limits, with every allocation of the kernel failing in turn: epoll over
// descriptors of all kinds, poll that sleeps on many, timers of descriptors and of processes,
// prlimit, affinity. See guest/user/lib/fail.h.
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#include "guest/user/lib/fail.h"

enum { kKinds = 6 };

static int SignalDescriptor(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  return signalfd(-1, &set, 0);
}

// One of each kind that can be waited for. Closed by the caller.
static void OpenKinds(int* fds) {
  int ends[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  fds[0] = ends[0];
  fds[1] = ends[1];
  fds[2] = eventfd(0, 0);
  fds[3] = timerfd_create(CLOCK_MONOTONIC, 0);
  fds[4] = SignalDescriptor();
  fds[5] = (int)syscall(SYS_pidfd_open, getpid(), 0);
}
static void CloseKinds(const int* fds) {
  for (int i = 0; i < kKinds; ++i) CHECK_INT(close(fds[i]), 0);
}

static int Watch(int set, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}
static long AddKind(int kind) {
  int fds[kKinds], set = epoll_create1(0);
  OpenKinds(fds);
  long result = FAILING(Watch(set, fds[kind]));
  CHECK_INT(close(set), 0);
  CloseKinds(fds);
  return result;
}
static long AddSocket(void) { return AddKind(0); }
static long AddEventfd(void) { return AddKind(2); }
static long AddTimerfd(void) { return AddKind(3); }
static long AddSignalfd(void) { return AddKind(4); }
static long AddPidfd(void) { return AddKind(5); }

// Events that arrive for a set: nobody can be told that there was no memory.
static long Arrives(void) {
  int fds[kKinds], set = epoll_create1(0);
  OpenKinds(fds);
  for (int i = 0; i < kKinds; ++i) CHECK_INT(Watch(set, fds[i]), 0);
  uint64_t one = 1;
  FailBegin();
  long result = write(fds[2], &one, sizeof(one));
  struct epoll_event events[kKinds];
  CHECK_INT(FailEnd(epoll_wait(set, events, kKinds, 1000)), 1);
  CHECK_INT(close(set), 0);
  CloseKinds(fds);
  return result;
}

// A child writes when this process sleeps.
static long Sleeps(long (*wait)(int* fds, int* set)) {
  int fds[kKinds], set = epoll_create1(0);
  OpenKinds(fds);
  CHECK_INT(Watch(set, fds[2]), 0);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    uint64_t one = 1;
    AwaitSleep(parent, parent);
    _exit(write(fds[2], &one, sizeof(one)) != sizeof(one));
  }
  long result = wait(fds, &set);
  int saved = fv_fail_errno;
  if (result < 0) kill(child, SIGKILL);
  CHECK_INT(WaitShell(child), result < 0 ? 128 + SIGKILL : 0);
  CHECK_INT(close(set), 0);
  CloseKinds(fds);
  fv_fail_errno = saved;
  return result;
}
static long DoPoll(int* fds, int* set) {
  (void)set;
  static struct pollfd many[100];
  for (size_t i = 0; i < COUNT(many); ++i) {
    many[i] = (struct pollfd){.fd = fds[2], .events = POLLIN};
  }
  return FAILING(poll(many, COUNT(many), -1));
}
static long DoEpollWait(int* fds, int* set) {
  (void)fds;
  struct epoll_event event;
  return FAILING(epoll_wait(*set, &event, 1, -1));
}
static long PollSleeps(void) { return Sleeps(DoPoll); }
static long EpollSleeps(void) { return Sleeps(DoEpollWait); }

static long TimerfdSet(void) {
  int fd = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec soon = {.it_value = {0, 1000}};
  uint64_t ticks = 0;
  FailBegin();
  long result = timerfd_settime(fd, 0, &soon, NULL);
  CHECK_INT(read(fd, &ticks, sizeof(ticks)), sizeof(ticks));
  (void)FailEnd(0);
  CHECK_INT(ticks, 1);
  CHECK_INT(close(fd), 0);
  return result;
}
static long SignalfdRead(void) {
  sigset_t before = Block(SIGUSR2);
  int fd = SignalDescriptor();
  struct signalfd_siginfo info;
  FailBegin();
  kill(getpid(), SIGUSR2);
  long result = FailEnd(read(fd, &info, sizeof(info)));
  CHECK_INT(result, sizeof(info));
  CHECK_INT(info.ssi_signo, SIGUSR2);
  CHECK_INT(close(fd), 0);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return result;
}

static long TimerSet(void) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  CHECK_INT(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  struct itimerspec late = {.it_value = {1000, 0}};
  long result = FAILING(timer_settime(timer, 0, &late, NULL));
  CHECK_INT(timer_delete(timer), 0);
  return result;
}
static long CpuTimerSet(void) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  CHECK_INT(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer), 0);
  struct itimerspec late = {.it_value = {1000, 0}};
  long result = FAILING(timer_settime(timer, 0, &late, NULL));
  CHECK_INT(timer_delete(timer), 0);
  return result;
}

static long Prlimit(void) {
  struct rlimit limit;
  return FAILING(prlimit(getpid(), RLIMIT_NOFILE, NULL, &limit));
}
static long Affinity(void) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  return FAILING(sched_setaffinity(0, sizeof(cpus), &cpus));
}

static const FailCase kCases[] = {
    {"epoll_add_socket", AddSocket, NULL, {ENOMEM}},
    {"epoll_add_eventfd", AddEventfd, NULL, {ENOMEM}},
    {"epoll_add_timerfd", AddTimerfd, NULL, {ENOMEM}},
    {"epoll_add_signalfd", AddSignalfd, NULL, {ENOMEM}},
    {"epoll_add_pidfd", AddPidfd, NULL, {ENOMEM}},
    {"epoll_event_arrives", Arrives, NULL, {0}},
    {"poll_sleeps", PollSleeps, NULL, {ENOMEM}},
    {"epoll_wait_sleeps", EpollSleeps, NULL, {0}},
    {"timerfd_settime", TimerfdSet, NULL, {0}},
    {"signalfd_read", SignalfdRead, NULL, {0}},
    {"timer_settime", TimerSet, NULL, {0}},
    {"timer_settime_cpu", CpuTimerSet, NULL, {0}},
    {"prlimit", Prlimit, NULL, {0}},
    {"sched_setaffinity", Affinity, NULL, {ENOMEM}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
