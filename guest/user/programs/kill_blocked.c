// SPDX-License-Identifier: Apache-2.0
//
// SIGKILL and a fatal signal reach a process in every kind of sleep, and a process with threads in
// all of them at once; what they held is released: pipes see the end of file, waiters are woken.
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/file.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static Baton never, ready;
static uint32_t word;
static int full[2];

static void Reads(void) { Take(&never); }
static void Writes(void) {
  static char big[200000];
  (void)!write(full[1], big, sizeof(big));
}
static void Sleeps(void) { sleep(1000); }
static void Futex(void) { syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0); }
static void Polls(void) { poll(NULL, 0, -1); }
static void Pauses(void) { pause(); }
static void Suspends(void) {
  sigset_t none;
  sigemptyset(&none);
  sigsuspend(&none);
}
static void WaitsInfo(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigprocmask(SIG_BLOCK, &set, NULL);
  sigwaitinfo(&set, NULL);
}
static void WaitsChild(void) {
  pid_t child = fork();
  if (child == 0) {
    Take(&never);
    _exit(0);
  }
  waitpid(child, NULL, 0);
}
static void Stops(void) { raise(SIGSTOP); }
static void Vforks(void) {
  if (vfork() == 0) {
    struct timespec time = {1000, 0};
    syscall(SYS_nanosleep, &time, NULL);
    _exit(0);
  }
}

typedef struct {
  const char* name;
  void (*sleep)(void);
} Case;

static const Case kCases[] = {
    {"read", Reads},      {"write", Writes},  {"sleep", Sleeps},        {"futex", Futex},
    {"poll", Polls},      {"pause", Pauses},  {"sigsuspend", Suspends}, {"sigwaitinfo", WaitsInfo},
    {"wait", WaitsChild}, {"stopped", Stops}, {"vfork", Vforks}};
enum { kCount = sizeof(kCases) / sizeof(kCases[0]) };

static void Body(void* which) {
  setpgid(0, 0);
  kCases[(long)which].sleep();
}

// Until the process sleeps or is stopped, by its state in /proc.
static void AwaitQuiet(pid_t pid, int stops) {
  int status;
  if (stops) {
    CHECK_INT(waitpid(pid, &status, WUNTRACED), pid);
    return;
  }
  char path[32], text[256];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  for (;;) {
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    const char* state = strrchr(text, ')');
    if (!state || state[2] == 'S' || state[2] == 'D') return;
    sched_yield();
  }
}

static void* ThreadBody(void* which) {
  kCases[(long)which].sleep();
  return NULL;
}

static void Crowd(void* unused) {
  (void)unused;
  pthread_t thread;
  // The first seven leave the process's other threads alone.
  for (long i = 0; i < 7; ++i) CHECK_INT(pthread_create(&thread, NULL, ThreadBody, (void*)i), 0);
  Give(&ready);
  Take(&never);
}

int main(void) {
  never = MakeBaton();
  ready = MakeBaton();
  for (long i = 0; i < kCount; ++i) {
    int signals[] = {SIGKILL, SIGTERM};
    for (int s = 0; s < 2; ++s) {
      if (kCases[i].sleep == Stops && signals[s] == SIGTERM) continue;   // pending while stopped
      if (kCases[i].sleep == Vforks && signals[s] == SIGTERM) continue;  // waits for the child
      CHECK_INT(pipe(full), 0);
      pid_t child = Fork(Body, (void*)i);
      AwaitQuiet(child, kCases[i].sleep == Stops);
      CHECK_INT(kill(child, signals[s]), 0);
      CHECK_INT(WaitShell(child), 128 + signals[s]);
      kill(-child, SIGKILL);  // what it left behind
      close(full[0]);
      close(full[1]);
    }
    Ok(kCases[i].name);
  }
  CHECK_INT(pipe(full), 0);
  for (int i = 0; i < 5; ++i) {
    pid_t child = Fork(Crowd, NULL);
    Take(&ready);
    for (int n = 0; n < i * 5; ++n) sched_yield();
    CHECK_INT(kill(child, i % 2 ? SIGKILL : SIGTERM), 0);
    CHECK_INT(WaitShell(child), 128 + (i % 2 ? SIGKILL : SIGTERM));
  }
  Ok("seven threads at once");
  return Finish();
}
