// SPDX-License-Identifier: Apache-2.0
//
// System calls interrupted by a handler: with SA_RESTART read, write, wait and futex go on; without
// they fail with EINTR; some never restart (poll, nanosleep, sigsuspend); partial results count.
#include <poll.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static volatile sig_atomic_t runs;
static int fds[2];
static Baton ready;
static char big[200000];

static void Count(int signal_number) {
  (void)signal_number;
  ++runs;
}

static void SignalThenWrite(void* parent) {
  Take(&ready);
  AwaitSleep(getppid(), getppid());
  CHECK_INT(kill((pid_t)(long)parent, SIGUSR1), 0);
  AwaitSleep(getppid(), getppid());
  CHECK_INT(write(fds[1], "x", 1), 1);
}

static void SignalOnly(void* parent) {
  Take(&ready);
  AwaitSleep(getppid(), getppid());
  CHECK_INT(kill((pid_t)(long)parent, SIGUSR1), 0);
}

static void ExitAfterSignal(void* parent) {
  SignalOnly(parent);
  AwaitSleep(getppid(), getppid());
  _exit(fv_failures ? 99 : 5);
}

static pid_t Start(void (*body)(void*)) {
  pid_t child = Fork(body, (void*)(long)getpid());
  runs = 0;
  Give(&ready);
  return child;
}

static void Restarts(void) {
  char byte;
  Handle(SIGUSR1, Count, SA_RESTART);
  pid_t child = Start(SignalThenWrite);
  CHECK_INT(read(fds[0], &byte, 1), 1);
  CHECK_INT(runs, 1);
  CHECK_INT(WaitShell(child), 0);
  Ok("read restarts");
  child = Start(ExitAfterSignal);
  int status = 0;
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK_INT(ShellStatus(status), 5);
  CHECK_INT(runs, 1);
  Ok("wait restarts");
  child = Start(SignalOnly);
  struct pollfd poll_fd = {fds[0], POLLIN, 0};
  CHECK_ERR(poll(&poll_fd, 1, -1), EINTR);
  CHECK_INT(WaitShell(child), 0);
  Ok("poll does not");
}

static void Interrupted(void) {
  char byte;
  Handle(SIGUSR1, Count, 0);
  pid_t child = Start(SignalOnly);
  CHECK_ERR(read(fds[0], &byte, 1), EINTR);
  CHECK_INT(WaitShell(child), 0);
  child = Start(SignalOnly);
  struct timespec request = {100, 0}, left = {0, 0};
  CHECK_ERR(nanosleep(&request, &left), EINTR);
  CHECK(left.tv_sec > 90 && left.tv_sec <= 100);
  CHECK_INT(WaitShell(child), 0);
  child = Start(SignalOnly);
  CHECK_ERR(pause(), EINTR);
  CHECK_INT(WaitShell(child), 0);
  child = Start(ExitAfterSignal);
  int status = 0;
  CHECK_ERR(waitpid(child, &status, 0), EINTR);
  CHECK_INT(WaitShell(child), 5);
  Ok("EINTR without SA_RESTART");
  child = Start(SignalOnly);
  ssize_t wrote = write(fds[1], big, sizeof(big));
  CHECK_INT(wrote, 65536);  // the pipe was filled, then the signal came
  CHECK_INT(WaitShell(child), 0);
  Ok("a partial write counts");
}

static void Ignored(void* unused) {
  (void)unused;
  signal(SIGUSR1, SIG_IGN);
  pid_t child = Start(SignalThenWrite);
  char byte;
  CHECK_INT(read(fds[0], &byte, 1), 1);  // an ignored signal does not wake
  CHECK_INT(WaitShell(child), 0);
}

int main(void) {
  ready = MakeBaton();
  CHECK(pipe(fds) == 0);
  Restarts();
  CHECK_INT(RunChild(Ignored, NULL), 0);
  Ok("ignored signals wake nobody");
  Interrupted();
  return Finish();
}
