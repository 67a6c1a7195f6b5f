// SPDX-License-Identifier: Apache-2.0
//
// poll, ppoll, select, pselect on pipes, files and /dev/null: readiness, hang-up, errors, several
// at once, time-outs, waking a sleeping poll from another process, the mask of ppoll.
#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>
#include <time.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static int fds[2];

static int Events(int fd, short wanted) {
  struct pollfd one = {fd, wanted, 0};
  CHECK(poll(&one, 1, 0) >= 0);
  return one.revents;
}

static void Pipes(void) {
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(Events(fds[0], POLLIN), 0);
  CHECK_INT(Events(fds[1], POLLOUT), POLLOUT);
  CHECK_INT(write(fds[1], "x", 1), 1);
  CHECK_INT(Events(fds[0], POLLIN | POLLOUT), POLLIN);
  fcntl(fds[1], F_SETFL, O_NONBLOCK);
  char block[4096];
  while (write(fds[1], block, sizeof(block)) > 0) {
  }
  CHECK_INT(Events(fds[1], POLLOUT), 0);
  CHECK_INT(close(fds[1]), 0);
  CHECK_INT(Events(fds[0], POLLIN), POLLIN | POLLHUP);
  while (read(fds[0], block, sizeof(block)) > 0) {
  }
  CHECK_INT(Events(fds[0], POLLIN), POLLHUP);
  CHECK_INT(close(fds[0]), 0);
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(close(fds[0]), 0);
  CHECK_INT(Events(fds[1], POLLOUT) & POLLERR, POLLERR);
  CHECK_INT(close(fds[1]), 0);
  CHECK_INT(Events(fds[1], POLLIN), POLLNVAL);
  CHECK_INT(Events(-1, POLLIN), 0);
  CHECK_INT(Events(TempFile(0), POLLIN | POLLOUT), POLLIN | POLLOUT);
  CHECK_INT(Events(open("/dev/null", O_RDWR), POLLIN | POLLOUT), POLLIN | POLLOUT);
  Ok("readiness");
}

static void WritesByte(void* which) { CHECK_INT(write((int)(long)which, "y", 1), 1); }

static void Wakes(void) {
  int other[2];
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(pipe(other), 0);
  struct pollfd both[3] = {{fds[0], POLLIN, 0}, {other[0], POLLIN, 0}, {-5, POLLIN, 0x7f}};
  pid_t child = Fork(WritesByte, (void*)(long)other[1]);
  CHECK_INT(poll(both, 3, -1), 1);
  CHECK_INT(both[0].revents, 0);
  CHECK_INT(both[1].revents, POLLIN);
  CHECK_INT(both[2].revents, 0);
  CHECK_INT(WaitShell(child), 0);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fds[0], &set);
  FD_SET(other[0], &set);
  CHECK_INT(select(other[0] + 1, &set, NULL, NULL, NULL), 1);
  CHECK(FD_ISSET(other[0], &set) && !FD_ISSET(fds[0], &set));
  child = Fork(WritesByte, (void*)(long)fds[1]);
  FD_ZERO(&set);
  FD_SET(fds[0], &set);
  CHECK_INT(select(fds[0] + 1, &set, NULL, NULL, NULL), 1);
  CHECK_INT(WaitShell(child), 0);
  fd_set writable;
  FD_ZERO(&writable);
  FD_SET(fds[1], &writable);
  CHECK_INT(select(fds[1] + 1, &set, &writable, NULL, NULL), 2);
  Ok("wakes");
}

static long long Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void TimesOut(void) {
  int quiet[2];
  CHECK_INT(pipe(quiet), 0);
  struct pollfd one = {quiet[0], POLLIN, 0};
  long long before = Now();
  CHECK_INT(poll(&one, 1, 15), 0);
  CHECK(Now() - before >= 15000000);
  before = Now();
  struct timeval wait_time = {0, 15000};
  CHECK_INT(syscall(SYS_select, 0, NULL, NULL, NULL, &wait_time), 0);
  CHECK(Now() - before >= 15000000);
  CHECK_INT(wait_time.tv_sec * 1000000 + wait_time.tv_usec, 0);  // Linux writes what is left
  struct timespec short_time = {0, 5000000}, bad = {0, -1};
  CHECK_INT(ppoll(&one, 1, &short_time, NULL), 0);
  CHECK_INT(pselect(0, NULL, NULL, NULL, &short_time, NULL), 0);
  CHECK_ERR(ppoll(&one, 1, &bad, NULL), EINVAL);
  CHECK_ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(60, &set);  // within the smallest table
  CHECK_ERR(select(61, &set, NULL, NULL, &wait_time), EBADF);
  Ok("time-outs");
}

static volatile sig_atomic_t handled;
static void OnSignal(int signal_number) { handled = signal_number; }

static void Masks(void) {
  int quiet[2];
  CHECK_INT(pipe(quiet), 0);
  struct pollfd one = {quiet[0], POLLIN, 0};
  Handle(SIGUSR1, OnSignal, SA_RESTART);
  sigset_t before = Block(SIGUSR1);
  raise(SIGUSR1);
  CHECK_INT(poll(&one, 1, 0), 0);
  CHECK_INT(handled, 0);
  CHECK_ERR(ppoll(&one, 1, NULL, &before), EINTR);  // opens the mask: the signal comes
  CHECK_INT(handled, SIGUSR1);
  handled = 0;
  raise(SIGUSR1);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(quiet[0], &set);
  CHECK_ERR(pselect(quiet[0] + 1, &set, NULL, NULL, NULL, &before), EINTR);
  CHECK_INT(handled, SIGUSR1);
  Ok("masks");
}

int main(void) {
  Pipes();
  Wakes();
  TimesOut();
  Masks();
  return Finish();
}
