// SPDX-License-Identifier: Apache-2.0
//
// Who goes when memory runs out. The process with the most memory is killed, whoever asks; its
// oom_score_adj counts, -1000 exempts it; small ones live on, and the memory is all there again. On
// a host nothing runs out: there the hog takes little and kills itself.
#include <sys/utsname.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kStep = 64, kOnAHost = 4, kSmallPages = 64, kMediumPages = 1024 };

static int on_a_host;

static void SetScore(const char* text) {
  if (on_a_host) return;  // root in a container may not lower it
  int fd = open("/proc/self/oom_score_adj", O_WRONLY);
  CHECK_INT(write(fd, text, strlen(text)), strlen(text));
  CHECK_INT(close(fd), 0);
}

static long ScoreOf(pid_t pid) {
  char path[64], text[32] = "";
  snprintf(path, sizeof(path), "/proc/%d/oom_score", (int)pid);
  int fd = open(path, O_RDONLY);
  CHECK(fd >= 0);
  CHECK(read(fd, text, sizeof(text) - 1) > 0);
  close(fd);
  return strtol(text, NULL, 10);
}

// Takes memory until killed.
static void Hog(void* arg) {
  if (arg != NULL) SetScore(arg);
  for (int i = 0; !on_a_host || i < kOnAHost; ++i) FillPages(Pages(kStep), kStep, 1);
  raise(SIGKILL);
}

// Holds some pages, then waits; exits with 7 if told so, and finds its pages as they were.
typedef struct {
  size_t pages;
  const char* score;
  Baton ready, leave;
} Holder;

static void Hold(void* arg) {
  Holder* holder = arg;
  if (holder->score != NULL) SetScore(holder->score);
  unsigned char* memory = Pages(holder->pages);
  FillPages(memory, holder->pages, 3);
  Give(&holder->ready);
  Take(&holder->leave);
  _exit(BadPages(memory, holder->pages, 3) == 0 ? 7 : 8);
}

static pid_t StartHolder(Holder* holder, size_t pages, const char* score) {
  *holder = (Holder){pages, score, MakeBaton(), MakeBaton()};
  pid_t pid = Fork(Hold, holder);
  Take(&holder->ready);
  return pid;
}

static int EndHolder(Holder* holder, pid_t pid) {
  Give(&holder->leave);
  int status = WaitShell(pid);
  DropBaton(&holder->ready);
  DropBaton(&holder->leave);
  return status;
}

static void TheLargestGoes(void) {
  Holder small;
  pid_t pid = StartHolder(&small, kSmallPages, NULL);
  CHECK_INT(RunChild(Hog, NULL), 128 + SIGKILL);
  CHECK_INT(EndHolder(&small, pid), 7);
  Ok("the largest goes");
}

// With 1000 a small one is worth all memory, and goes before the hog; later the hog goes as well.
static void TheVolunteerGoesFirst(void) {
  Holder volunteer, small;
  pid_t first = StartHolder(&volunteer, kSmallPages, "1000");
  pid_t second = StartHolder(&small, kSmallPages, NULL);
  CHECK(on_a_host || ScoreOf(first) > ScoreOf(second));
  CHECK_INT(RunChild(Hog, NULL), 128 + SIGKILL);
  if (on_a_host) kill(first, SIGKILL);
  CHECK_INT(EndHolder(&volunteer, first), 128 + SIGKILL);
  CHECK_INT(EndHolder(&small, second), 7);
  Ok("the volunteer goes first");
}

// The hog is exempt: another one goes, then nobody is left but the hog itself.
static void TheExemptIsSpared(void) {
  Holder other;
  SetScore("-1000");  // or this process, which waits, would go
  pid_t pid = StartHolder(&other, kMediumPages, "0");
  CHECK_INT(RunChild(Hog, "-1000"), 128 + SIGKILL);
  if (on_a_host) kill(pid, SIGKILL);
  CHECK_INT(EndHolder(&other, pid), 128 + SIGKILL);
  SetScore("0");
  Ok("the exempt goes last");
}

// Unprivileged, many at once: each is killed or done, this process lives.
static void ManyHogs(void) {
  enum { kHogs = 8 };
  pid_t hogs[kHogs];
  for (int i = 0; i < kHogs; ++i) {
    hogs[i] = fork();
    if (hogs[i] == 0) {
      if (setuid(1000) != 0) _exit(1);
      Hog(NULL);
    }
  }
  for (int i = 0; i < kHogs; ++i) CHECK_INT(WaitShell(hogs[i]), 128 + SIGKILL);
  Ok("many hogs");
}

int main(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  on_a_host = strstr(name.release, "forkvisor") == NULL;
  CHECK(ScoreOf(getpid()) >= 600);
  TheLargestGoes();
  TheVolunteerGoesFirst();
  TheExemptIsSpared();
  ManyHogs();
  TheLargestGoes();
  return Finish();
}
