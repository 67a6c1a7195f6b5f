// SPDX-License-Identifier: Apache-2.0
//
// Sleeping calls over a stop and a continue: nanosleep, poll, futex, sigtimedwait and read go on
// as if nothing had been (restart_syscall for those with a time left); none ends early, none is
// lost, none returns EINTR where Linux does not.
#include <linux/futex.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static int fds[2];
static volatile uint32_t* word;

static long long Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

enum { kMillis = 60 };
static const struct timespec kTime = {0, kMillis * 1000000L};

static void Nanosleep(void) { CHECK_INT(nanosleep(&kTime, NULL), 0); }

static void SleepUntil(void) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += kTime.tv_nsec;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    ++until.tv_sec;
  }
  CHECK_INT(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
}

static void Poll(void) {
  struct pollfd one = {fds[0], POLLIN, 0};
  CHECK_INT(poll(&one, 1, kMillis), 0);
}

static void Futex(void) {
  CHECK_ERR(syscall(SYS_futex, word, FUTEX_WAIT, 0, &kTime, NULL, 0), ETIMEDOUT);
}

typedef struct {
  const char* name;
  void (*sleep)(void);
} Case;

static void Sleeps(void* arg) {
  long long before = Now();
  ((const Case*)arg)->sleep();
  CHECK(Now() - before >= kMillis * 1000000LL);
}

// Stops and continues the sleeper while it sleeps.
static void Disturb(const Case* test) {
  pid_t child = Fork(Sleeps, (void*)test);
  int status = 0, stops = 0;
  while (stops < 3) {
    kill(child, SIGSTOP);
    CHECK_INT(waitpid(child, &status, WUNTRACED), child);
    if (!WIFSTOPPED(status)) break;  // on a busy host the sleep may be over
    kill(child, SIGCONT);
    ++stops;
  }
  if (stops == 3) CHECK_INT(waitpid(child, &status, 0), child);
  CHECK_INT(status, 0);
  Ok(test->name);
}

static void Reads(void* unused) {
  (void)unused;
  char byte = 0;
  CHECK_INT(read(fds[0], &byte, 1), 1);
  CHECK_INT(byte, 'r');
}

static void WaitsOnWord(void* unused) {
  (void)unused;
  while (*word == 0) {
    long result = syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
    CHECK(result == 0 || errno == EAGAIN);
  }
}

static void DisturbForever(const char* name, void (*body)(void*), void (*release)(void)) {
  pid_t child = Fork(body, NULL);
  AwaitSleep(child, child);
  for (int i = 0; i < 4; ++i) {
    int status;
    kill(child, SIGSTOP);
    CHECK_INT(waitpid(child, &status, WUNTRACED), child);
    kill(child, SIGCONT);
    CHECK_INT(waitpid(child, &status, WCONTINUED), child);
  }
  release();
  CHECK_INT(WaitShell(child), 0);
  Ok(name);
}

static void WriteByte(void) { CHECK_INT(write(fds[1], "r", 1), 1); }
static void WakeWord(void) {
  *word = 1;
  syscall(SYS_futex, word, FUTEX_WAKE, 10, NULL, NULL, 0);
}

int main(void) {
  CHECK_INT(pipe(fds), 0);
  word = (volatile uint32_t*)SharedMemory(4096);
  const Case cases[] = {{"nanosleep", Nanosleep},
                        {"clock_nanosleep until", SleepUntil},
                        {"poll", Poll},
                        {"futex with a time", Futex}};
  for (int i = 0; i < 4; ++i) Disturb(&cases[i]);
  DisturbForever("read", Reads, WriteByte);
  DisturbForever("futex", WaitsOnWord, WakeWord);
  return Finish();
}
