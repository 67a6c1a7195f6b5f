// SPDX-License-Identifier: Apache-2.0
//
// What the mutants of the kernel's own checks need to go wrong (FV_SANITIZER_MUTANT_LIST in
// proto/mutants.h): mappings and page tables that go, groups, a name as long as names get, much
// randomness, descriptors in the second part of a table, a realtime signal, a sleep of for ever.
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "guest/user/lib/check.h"

enum { kPage = 4096, kManyGroups = 1000 };

static void Ignore(int signo) { (void)signo; }

// Far from everything else, so that page tables of all levels go with it.
static void Mappings(void) {
  char* far = (char*)(uintptr_t)0x10000000000;
  char* at = mmap(far, kPage, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  CHECK(at == far);
  at[0] = 1;
  CHECK_INT(munmap(at, kPage), 0);
  Ok("mappings");
}

// Who may not change them keeps them.
static void Groups(void) {
  static gid_t groups[kManyGroups + 2];
  for (int i = 0; i < kManyGroups; ++i) groups[i] = (gid_t)(i + 1);
  if (setgroups(2, groups) == 0) {
    CHECK_INT(setgroups(kManyGroups, groups), 0);
    CHECK_INT(getgroups(kManyGroups, groups), kManyGroups);
    CHECK_INT(groups[kManyGroups - 1], kManyGroups);
  }
  Ok("groups");
}

static void Name(void) {
  char name[32] = "";
  CHECK_INT(prctl(PR_SET_NAME, "a name that is longer than names get", 0, 0, 0), 0);
  CHECK_INT(prctl(PR_GET_NAME, name, 0, 0, 0), 0);
  CHECK(strcmp(name, "a name that is ") == 0);
  Ok("name");
}

static void Randomness(void) {
  char bytes[200];
  CHECK_INT(getrandom(bytes, sizeof(bytes), 0), sizeof(bytes));
  Ok("randomness");
}

static void Descriptors(void) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) _exit(dup2(STDOUT_FILENO, 200) == 200 ? 0 : 1);
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK_INT(status, 0);
  Ok("descriptors");
}

static void Signals(void) {
  signal(SIGRTMAX, Ignore);
  CHECK_INT(raise(SIGRTMAX), 0);
  Ok("signals");
}

// Longer than the universe, but for the alarm.
static void Sleep(void) {
  struct sigaction action = {.sa_handler = Ignore};
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval soon = {.it_interval = {.tv_usec = 200000},
                                 .it_value = {.tv_usec = 200000}};
  CHECK_INT(setitimer(ITIMER_REAL, &soon, NULL), 0);
  const struct timespec ever = {.tv_sec = INT64_MAX / 2};
  CHECK_ERR(nanosleep(&ever, NULL), EINTR);
  const struct itimerval never = {0};
  CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
  Ok("sleep");
}

int main(void) {
  Mappings();
  Groups();
  Name();
  Randomness();
  Descriptors();
  Signals();
  Sleep();
  return Finish();
}
