// SPDX-License-Identifier: Apache-2.0
//
// Processes made and ended in every way, in mixed order by a fixed seed: fork and exit, exec,
// vfork, threads, killed, stopped and killed, orphans that come here as to a subreaper, waited for
// by pid, by group, by any, with waitid looking first. Up to kAtOnce live side by side. At the end
// nobody is left and every status was right; that nothing else is left is for the oracle to say.
//
//   soak [processes]
#include <pthread.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kDefault = 2000, kAtOnce = 24, kExecStatus = 29 };

enum Kind { kExits, kExecutes, kVforks, kThreads, kKilled, kStopped, kOrphan, kKinds };

typedef struct {
  pid_t pid;  // 0: free
  int want;   // as a shell sees it
} Child;

static char* program;
static Child children[kAtOnce];
static unsigned char* heap;  // written by everybody
enum { kHeapPages = 16 };
static long made, reaped, orphans;

static uint32_t Random(uint32_t below) {
  static uint32_t seed = 12345;
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static void Touch(uint32_t from) {
  for (uint32_t i = 0; i < 4; ++i) heap[((from + i * 5) % kHeapPages) * kPage] = (unsigned char)i;
}

static void* Nothing(void* arg) {
  Touch(3);
  return arg;
}

static void Execute(int status) {
  char text[8];
  snprintf(text, sizeof(text), "%d", status);
  char* args[] = {program, "child", text, NULL};
  execv("/proc/self/exe", args);
  _exit(98);
}

static void ThreadsThenExit(int status) {
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) {
    if (pthread_create(&threads[i], NULL, Nothing, NULL) != 0) _exit(97);
  }
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  pthread_t left;
  if (pthread_create(&left, NULL, Nothing, NULL) != 0) _exit(97);
  _exit(status);  // with a thread that may still run
}

static void Body(enum Kind kind, int status, uint32_t from) {
  Touch(from);
  switch (kind) {
    case kExecutes:
      Execute(status);
      break;
    case kThreads:
      ThreadsThenExit(status);
      break;
    case kKilled:
    case kStopped:
      for (;;) pause();
    case kOrphan:
      // The grandchild is reaped by the first process.
      if (fork() == 0) _exit(0);
      break;
    default:
      break;
  }
  _exit(status);
}

static pid_t VforkAndExecute(int status) {
  pid_t pid = vfork();
  if (pid == 0) Execute(status);
  return pid;
}

static void Start(Child* child) {
  const enum Kind kind = Random(kKinds);
  const int status = (int)Random(90);
  const uint32_t from = Random(kHeapPages);
  child->want = status;
  pid_t pid = kind == kVforks ? VforkAndExecute(status) : fork();
  if (pid == 0) Body(kind, status, from);
  CHECK(pid > 0);
  child->pid = pid;
  ++made;
  if (kind == kKilled || kind == kStopped) {
    if (kind == kStopped) {
      CHECK_INT(kill(pid, SIGSTOP), 0);
      CHECK_INT(waitpid(pid, NULL, WUNTRACED), pid);
    }
    const int signal_number = Random(2) == 0 ? SIGKILL : SIGTERM;
    CHECK_INT(kill(pid, signal_number), 0);
    if (kind == kStopped) CHECK_INT(kill(pid, SIGCONT), 0);
    child->want = 128 + signal_number;
  }
  if (kind == kOrphan) {
    ++orphans;
    ++made;
  }
  Touch(from);
}

// One child that has been reaped: mine with the right status, or somebody's orphan.
static void Count(pid_t pid, int status) {
  ++reaped;
  for (int i = 0; i < kAtOnce; ++i) {
    if (children[i].pid == pid) {
      CHECK_INT(ShellStatus(status), children[i].want);
      children[i].pid = 0;
      return;
    }
  }
  CHECK_INT(ShellStatus(status), 0);
  CHECK(--orphans >= 0);
}

static void WaitForOne(void) {
  int status = 0;
  pid_t pid = 0;
  const Child* named = &children[Random(kAtOnce)];
  switch (Random(4)) {
    case 0:
      if (named->pid != 0) pid = waitpid(named->pid, &status, 0);
      break;
    case 1:
      pid = waitpid(-1, &status, WNOHANG);
      break;
    case 2: {
      siginfo_t info;
      CHECK_INT(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
      pid = waitpid(info.si_pid, &status, 0);
      CHECK_INT(pid, info.si_pid);
      break;
    }
    default:
      pid = waitpid(0, &status, 0);
  }
  CHECK(pid >= 0);
  if (pid > 0) Count(pid, status);
}

int main(int argc, char** argv) {
  if (argc > 2) return atoi(argv[2]);
  program = argv[0];
  const long wanted = argc > 1 ? atol(argv[1]) : kDefault;
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
  heap = Pages(kHeapPages);
  FillPages(heap, kHeapPages, 1);
  while (made < wanted && fv_failures == 0) {
    Child* free_one = NULL;
    for (int i = 0; i < kAtOnce; ++i) free_one = children[i].pid == 0 ? &children[i] : free_one;
    if (free_one != NULL && Random(3) != 0) {
      Start(free_one);
    } else if (made > reaped) {
      WaitForOne();
    }
  }
  int status = 0;
  for (pid_t pid; (pid = wait(&status)) > 0;) Count(pid, status);
  CHECK_INT(made, reaped);
  CHECK_INT(orphans, 0);
  CHECK_ERR(wait(NULL), ECHILD);
  Ok("processes in every way");
  return Finish();
}
