// SPDX-License-Identifier: Apache-2.0
//
// F85: every allocation of the kernel in fork, clone, execve, pipe and mmap made to fail in turn.
// Each time the call reports it and leaves nothing behind: afterwards it works, and the memory is
// all there. On Linux, which does not know the prctl, nothing fails and the output is the same.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "guest/user/lib/proc.h"

enum { kFailNth = 0x46560001, kMost = 4000 };

static char* program;
static int can_fail;

static long Arm(long n) { return can_fail ? prctl(kFailNth, n, 0, 0, 0) : 0; }

static long FreeMemory(void) {
  struct sysinfo info;
  CHECK_INT(sysinfo(&info), 0);
  return (long)info.freeram;
}

static void ExpectRefusal(int result) {
  CHECK(result < 0);
  CHECK(errno == ENOMEM || errno == EAGAIN);
}

// Calls `attempt` with the first, second, ... allocation failing, until it gets through untouched.
// It returns a descriptor or pid, and `undo` takes that back.
static void FailEach(const char* name, int (*attempt)(void), void (*undo)(int)) {
  undo(attempt());  // caches filled once
  long before = 0;
  for (long n = 1; n < kMost; ++n) {
    long hits = Arm(n);
    int result = attempt();
    int saved = errno;
    int failed = Arm(0) != hits;
    errno = saved;
    if (result >= 0) {
      undo(result);  // an optional allocation may have failed without harm
      if (!failed) break;
    } else {
      ExpectRefusal(result);
    }
    if (!can_fail) continue;
    if (n == 1) before = FreeMemory();
    long lost = before - FreeMemory();
    if (lost > 64 * 1024) {
      Say("FAIL %s: failure %ld lost %ld bytes", name, n, lost);
      ++fv_failures;
      before -= lost;
    }
  }
  Ok(name);
}

static int DoFork(void) {
  int pid = fork();
  if (pid == 0) _exit(0);
  return pid;
}
static int DoVfork(void) {
  int pid = vfork();
  if (pid == 0) _exit(0);
  return pid;
}
static void Reap(int pid) { CHECK_INT(waitpid(pid, NULL, 0), pid); }

// A task of its own with everything shared but memory.
static int DoClone(void) {
  int pid = (int)syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  return pid;
}

static int DoPipe(void) {
  int ends[2];
  if (pipe(ends) < 0) return -1;
  close(ends[1]);
  return ends[0];
}
static void Close(int fd) { CHECK_INT(close(fd), 0); }

static int DoMap(void) {
  char* at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return -1;
  CHECK_INT(munmap(at, 1 << 20), 0);
  return 0;
}
static void Nothing(int unused) { (void)unused; }

// A failed execve returns to a whole program; it reports through the exit status of a child.
static int DoExec(void) {
  int pid = vfork();
  if (pid == 0) {
    char* arguments[] = {program, "child", NULL};
    execv(program, arguments);
    _exit(errno == ENOMEM ? 42 : 43);
  }
  if (pid < 0) return -1;
  int status = WaitShell(pid);
  if (status == 42) {
    errno = ENOMEM;
    return -1;
  }
  // Killed for want of a page after the point of no return, as the OOM killer would.
  CHECK(status == 0 || status == 128 + SIGKILL);
  return 0;
}

int main(int argc, char** argv) {
  if (argc > 1) return 0;
  program = argv[0];
  can_fail = prctl(kFailNth, 0, 0, 0, 0) >= 0;
  char* memory = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 64; ++i) memory[i * 4096] = 1;
  FailEach("fork", DoFork, Reap);
  FailEach("vfork", DoVfork, Reap);
  FailEach("clone", DoClone, Reap);
  FailEach("pipe", DoPipe, Close);
  FailEach("mmap", DoMap, Nothing);
  FailEach("exec", DoExec, Nothing);
  return Finish();
}
