// SPDX-License-Identifier: Apache-2.0
//
// Processes that share memory without being threads (CLONE_VM alone): one executes and the other
// keeps the memory, whichever began; the word of CLONE_CHILD_CLEARTID is cleared by execve too;
// what a failed execve of a vfork child leaves; vfork in vfork; a parent killed or stopped in
// vfork.
//
// Rows of docs/fork-features.md: F21 F30 F66.
#include <sched.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static const char* self;
static char stacks[2][64 * 1024] __attribute__((aligned(16)));
static volatile int word;
static Baton to_child, to_parent;

static int Executes(void* unused) {
  (void)unused;
  ++word;
  execl(self, self, "7", NULL);
  return 9;
}

static int Stays(void* unused) {
  (void)unused;
  word = 77;
  Give(&to_parent);
  Take(&to_child);
  ++word;
  return 4;
}

static pid_t Share(int (*body)(void*), int stack, int flags) {
  const pid_t pid = clone(body, stacks[stack] + sizeof(stacks[stack]), CLONE_VM | SIGCHLD | flags,
                          NULL, NULL, NULL, &word);
  CHECK(pid > 0);
  return pid;
}

static void OneExecutes(void) {
  word = 0;
  CHECK_INT(WaitShell(Share(Executes, 0, 0)), 7);
  CHECK_INT(word, 1);
  word = 1;
  CHECK_INT(WaitShell(Share(Executes, 0, CLONE_CHILD_CLEARTID)), 7);
  CHECK_INT(word, 0);
  const pid_t stays = Share(Stays, 0, 0);
  Take(&to_parent);
  CHECK_INT(WaitShell(Share(Executes, 1, CLONE_VFORK)), 7);
  CHECK_INT(word, 78);
  Give(&to_child);
  CHECK_INT(WaitShell(stays), 4);
  CHECK_INT(word, 79);
  Ok("one executes");
}

// The process that made the memory leaves it to its child.
static void TheFirstExecutes(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    char fd[12];
    Share(Stays, 0, 0);
    Take(&to_parent);
    snprintf(fd, sizeof(fd), "%d", to_child.write_end);
    execl(self, self, "waits", fd, NULL);
    _exit(98);
  }
  CHECK_INT(WaitShell(pid), 4);  // the status of the one that stayed
  Ok("the first executes");
}

static void FailedExecs(void) {
  static const struct {
    const char* path;
    int error;
  } kBad[] = {{"/nonexistent", ENOENT}, {"/", EACCES}, {"/dev/null", EACCES}, {"", ENOENT}};
  for (volatile size_t i = 0; i < sizeof(kBad) / sizeof(kBad[0]); ++i) {
    volatile int error = 0;
    const pid_t pid = vfork();
    if (pid == 0) {
      execl(kBad[i].path, "x", NULL);
      error = errno;
      _exit(3);
    }
    CHECK_INT(WaitShell(pid), 3);
    CHECK_INT(error, kBad[i].error);
  }
  Ok("failed execs");
}

static void Nested(void) {
  pid_t pid = vfork();
  if (pid == 0) {
    pid_t inner = vfork();
    if (inner == 0) {
      pid_t innermost = vfork();
      if (innermost == 0) _exit(1);
      _exit(WaitShell(innermost) + 10);
    }
    _exit(WaitShell(inner) + 100);
  }
  CHECK_INT(WaitShell(pid), 111);
  Ok("nested");
}

// The child goes on in the memory of a parent that is gone.
static void KilledParent(void) {
  const pid_t parent = fork();
  if (parent == 0) {
    if (vfork() == 0) {
      word = 5;
      Give(&to_parent);
      Take(&to_child);
      CHECK_INT(word, 5);
      Give(&to_parent);
      _exit(0);
    }
    _exit(0);
  }
  Take(&to_parent);
  CHECK_INT(kill(parent, SIGKILL), 0);
  CHECK_INT(WaitShell(parent), 128 + SIGKILL);
  Give(&to_child);
  Take(&to_parent);
  Ok("a killed parent");
}

// It is not stopped before its child lets it go.
static void StoppedParent(void) {
  int status;
  const pid_t parent = fork();
  if (parent == 0) {
    if (vfork() == 0) {
      Give(&to_parent);
      Take(&to_child);
      _exit(0);
    }
    _exit(6);
  }
  Take(&to_parent);
  CHECK_INT(kill(parent, SIGSTOP), 0);
  CHECK_INT(waitpid(parent, &status, WUNTRACED | WNOHANG), 0);
  Give(&to_child);
  CHECK_INT(waitpid(parent, &status, WUNTRACED), parent);
  CHECK(WIFSTOPPED(status));
  CHECK_INT(kill(parent, SIGCONT), 0);
  CHECK_INT(WaitShell(parent), 6);
  Ok("a stopped parent");
}

int main(int argc, char** argv) {
  self = argv[0];
  if (argc == 2) return atoi(argv[1]);
  if (argc == 3) {
    const Baton child = {-1, atoi(argv[2])};
    int status;
    Give(&child);
    return wait(&status) < 0 ? 97 : ShellStatus(status);
  }
  to_child = MakeBaton();
  to_parent = MakeBaton();
  OneExecutes();
  TheFirstExecutes();
  FailedExecs();
  Nested();
  KilledParent();
  StoppedParent();
  return Finish();
}
