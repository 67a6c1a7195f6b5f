// SPDX-License-Identifier: Apache-2.0
//
// A random process program: a tree of tasks that map, write, unmap, exec, signal, wait and exit as
// a seed says. The seed is a line of standard input (none: 1), read behind a mark, so that a host
// can go back to the mark and give another seed. What it prints depends on the seed alone.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "guest/user/lib/check.h"

enum { kPage = 4096, kAreas = 6, kMaxPages = 40, kMaxDepth = 3, kMark = 0x46560002 };

typedef struct {
  uint64_t state;
  uint64_t sum;
  int depth;
  struct {
    unsigned char* at;
    size_t pages;
  } areas[kAreas];
} Task;

static uint64_t Next(Task* task) {
  task->state ^= task->state << 13;
  task->state ^= task->state >> 7;
  task->state ^= task->state << 17;
  return task->state >> 11;
}

static uint64_t Below(Task* task, uint64_t limit) { return Next(task) % limit; }

static void Add(Task* task, uint64_t value) {
  task->sum = (task->sum ^ value) * 0x100000001b3u + 1;
}

static volatile sig_atomic_t signals;
static void OnSignal(int number) { signals += number; }

static void RunTree(Task* task, int steps);

static void Start(Task* task, uint64_t seed, int depth) {
  memset(task, 0, sizeof(*task));
  task->state = seed * 0x9e3779b97f4a7c15u | 1;
  task->depth = depth;
}

static void MapArea(Task* task) {
  size_t i = Below(task, kAreas);
  if (task->areas[i].at != NULL) munmap(task->areas[i].at, task->areas[i].pages * kPage);
  task->areas[i].pages = 1 + Below(task, kMaxPages);
  int flags = MAP_ANONYMOUS | (Below(task, 4) == 0 ? MAP_SHARED : MAP_PRIVATE);
  task->areas[i].at =
      mmap(NULL, task->areas[i].pages * kPage, PROT_READ | PROT_WRITE, flags, -1, 0);
  CHECK(task->areas[i].at != MAP_FAILED);
}

static void WriteArea(Task* task) {
  size_t i = Below(task, kAreas);
  if (task->areas[i].at == NULL) return;
  for (uint64_t n = Below(task, 8); n > 0; --n) {
    unsigned char* at = task->areas[i].at + Below(task, task->areas[i].pages * kPage);
    Add(task, *at);
    *at = (unsigned char)Next(task);
  }
}

static void ChangeArea(Task* task) {
  size_t i = Below(task, kAreas);
  if (task->areas[i].at == NULL) return;
  unsigned char* at = task->areas[i].at;
  switch (Below(task, 4)) {
    case 0:
      CHECK_INT(mprotect(at, kPage, PROT_READ), 0);
      Add(task, at[0]);
      CHECK_INT(mprotect(at, kPage, PROT_READ | PROT_WRITE), 0);
      break;
    case 1:
      CHECK_INT(madvise(at, kPage, MADV_DONTNEED), 0);
      break;
    case 2: {
      size_t pages = 1 + Below(task, kMaxPages);
      at = mremap(at, task->areas[i].pages * kPage, pages * kPage, MREMAP_MAYMOVE);
      CHECK(at != MAP_FAILED);
      // What a shared mapping has grown by has no memory behind it.
      if (pages < task->areas[i].pages) task->areas[i].pages = pages;
      if (pages > task->areas[i].pages) {
        CHECK_INT(munmap(at + task->areas[i].pages * kPage, (pages - task->areas[i].pages) * kPage),
                  0);
      }
      task->areas[i].at = at;
      break;
    }
    default:
      CHECK_INT(munmap(at, task->areas[i].pages * kPage), 0);
      task->areas[i].at = NULL;
      task->areas[i].pages = 0;
  }
}

static void Wait(Task* task, pid_t pid) {
  int status = 0;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  Add(task, (uint64_t)status);
}

static void ForkOne(Task* task) {
  uint64_t seed = Next(task);
  if (task->depth >= kMaxDepth) return;
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    // It keeps the areas, copied.
    Task child = *task;
    child.state = seed | 1;
    ++child.depth;
    RunTree(&child, (int)Below(&child, 10));
    _exit((int)(child.sum & 127));
  }
  Wait(task, pid);
}

static void ForkAndKill(Task* task) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    for (;;) pause();
  }
  CHECK_INT(kill(pid, SIGKILL), 0);
  Wait(task, pid);
}

static void Exec(Task* task) {
  char seed[32];
  snprintf(seed, sizeof(seed), "%lu", (unsigned long)Next(task));
  if (task->depth >= kMaxDepth) return;
  char* const argv[] = {"random_tree", "again", seed, NULL};
  pid_t pid = vfork();
  CHECK(pid >= 0);
  if (pid == 0) {
    execv("/proc/self/exe", argv);
    _exit(99);
  }
  Wait(task, pid);
}

static void UsePipe(Task* task) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof(bytes); ++i) bytes[i] = (unsigned char)Next(task);
    _exit(write(ends[1], bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) ? 0 : 1);
  }
  close(ends[1]);
  unsigned char byte;
  while (read(ends[0], &byte, 1) == 1) Add(task, byte);
  close(ends[0]);
  Wait(task, pid);
}

static void* InThread(void* at) {
  unsigned char* bytes = at;
  for (int i = 0; i < 64; ++i) bytes[i] ^= (unsigned char)i;
  return NULL;
}

static void UseThread(Task* task) {
  unsigned char bytes[64];
  for (int i = 0; i < 64; ++i) bytes[i] = (unsigned char)Next(task);
  pthread_t thread;
  CHECK_INT(pthread_create(&thread, NULL, InThread, bytes), 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  for (int i = 0; i < 64; ++i) Add(task, bytes[i]);
}

static void UseFile(Task* task) {
  char name[64];
  snprintf(name, sizeof(name), "/tmp/random_tree.%d", getpid());
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) return;
  char bytes[2000];
  memset(bytes, (int)Below(task, 256), sizeof(bytes));
  for (uint64_t n = Below(task, 6); n > 0; --n) CHECK_INT(write(fd, bytes, sizeof(bytes)), 2000);
  Add(task, (uint64_t)lseek(fd, 0, SEEK_END));
  close(fd);
  CHECK_INT(unlink(name), 0);
}

static void Sleep(Task* task) {
  struct timespec time = {0, (long)Below(task, 20000)};
  CHECK_INT(nanosleep(&time, NULL), 0);
  sched_yield();
}

// The vector unit holds state of its own.
static void Compute(Task* task) {
  double value = (double)Below(task, 1000) + 0.5;
  for (int i = 0; i < 20; ++i) value = value * 1.0001 + 0.25;
  Add(task, (uint64_t)value);
}

static void RunTree(Task* task, int steps) {
  for (; steps > 0; --steps) {
    switch (Below(task, 14)) {
      case 0:
      case 1:
      case 2:
        MapArea(task);
        break;
      case 3:
      case 4:
      case 5:
        WriteArea(task);
        break;
      case 6:
        ChangeArea(task);
        break;
      case 7:
        ForkOne(task);
        break;
      case 8:
        ForkAndKill(task);
        break;
      case 9:
        Exec(task);
        break;
      case 10:
        UsePipe(task);
        break;
      case 11:
        Below(task, 2) ? UseThread(task) : UseFile(task);
        break;
      case 12:
        Sleep(task);
        break;
      default:
        Compute(task);
        CHECK_INT(raise(SIGUSR1), 0);
    }
  }
}

int main(int argc, char** argv) {
  signal(SIGUSR1, OnSignal);
  Task task;
  if (argc == 3) {
    Start(&task, strtoul(argv[2], NULL, 10), kMaxDepth);
    RunTree(&task, (int)Below(&task, 6));
    _exit((int)(task.sum & 127));
  }
  prctl(kMark, 1, 0, 0, 0);
  char line[64] = "";
  ssize_t length = read(STDIN_FILENO, line, sizeof(line) - 1);
  Start(&task, length > 0 ? strtoul(line, NULL, 10) : 1, 0);
  RunTree(&task, 4 + (int)Below(&task, 16));
  Say("sum %lu, signals %d", (unsigned long)task.sum, (int)signals);
  Ok("random tree");
  return Finish();
}
