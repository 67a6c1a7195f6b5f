// SPDX-License-Identifier: Apache-2.0
//
// What each clone flag shares: memory, files, the working directory and umask, signal handlers; who
// is the parent; where the thread id goes; which combinations are refused.
// Rows of docs/fork-features.md: F20 F21 F22 F23 F24 F27 F28 F31 F37.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <sys/stat.h>

#include "guest/user/lib/proc.h"

static char stack[65536] __attribute__((aligned(16)));
static volatile int word;
static int fd;

static long RawClone(unsigned long flags, void* child_tid, void* parent_tid) {
  return syscall(SYS_clone, flags, 0, parent_tid, child_tid, 0);
}

static int Changes(void* unused) {
  (void)unused;
  word = 2;
  close(fd);
  if (chdir("/tmp") != 0) return 1;
  umask(077);
  signal(SIGUSR1, SIG_IGN);
  return 0;
}

static void Shares(const char* name, int flags) {
  word = 1;
  fd = open("/dev/null", O_RDONLY);
  CHECK(chdir("/") == 0);
  umask(022);
  signal(SIGUSR1, SIG_DFL);
  // With CLONE_VM the child needs a stack of its own; clone(3) gives it.
  pid_t pid = clone(Changes, stack + sizeof(stack), flags | SIGCHLD, NULL);
  CHECK(pid > 0);
  CHECK_INT(WaitShell(pid), 0);
  char cwd[64] = "";
  CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
  int fd_open = fcntl(fd, F_GETFD) == 0;
  struct sigaction action;
  CHECK(sigaction(SIGUSR1, NULL, &action) == 0);
  Say("%s: memory %d file %d cwd %s umask %o handler %d", name, word, fd_open, cwd, umask(022),
      action.sa_handler == SIG_IGN);
  if (fd_open) close(fd);
}

static void ThreadIds(void) {
  pid_t parent_tid = -1, child_tid = -1;
  volatile pid_t* seen = (volatile pid_t*)SharedMemory(4096);
  long pid = RawClone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &child_tid, &parent_tid);
  if (pid == 0) {
    seen[0] = child_tid;
    seen[1] = parent_tid;
    _exit(0);
  }
  CHECK_INT(parent_tid, pid);
  CHECK_INT(child_tid, -1);  // set in the child's memory only
  CHECK_INT(WaitShell((pid_t)pid), 0);
  CHECK_INT(seen[0], pid);
  CHECK(seen[1] == pid || seen[1] == -1);
  Ok("PARENT_SETTID, CHILD_SETTID");
}

static void Parent(void) {
  volatile pid_t* seen = (volatile pid_t*)SharedMemory(4096);
  pid_t middle = fork();
  if (middle == 0) {
    long pid = RawClone(CLONE_PARENT | SIGCHLD, NULL, NULL);
    if (pid == 0) {
      seen[0] = getppid();
      _exit(8);
    }
    seen[1] = (pid_t)pid;
    errno = 0;
    _exit(wait(NULL) == -1 && errno == ECHILD ? 0 : 1);
  }
  CHECK_INT(WaitShell(middle), 0);
  CHECK_INT(WaitShell(seen[1]), 8);
  CHECK_INT(seen[0], getpid());
  Ok("CLONE_PARENT makes a sibling");
}

static void ExitSignal(void) {
  long pid = RawClone(0, NULL, NULL);
  if (pid == 0) _exit(3);
  CHECK_ERR(waitpid((pid_t)pid, NULL, 0), ECHILD);
  int status = 0;
  CHECK_INT(waitpid((pid_t)pid, &status, __WCLONE), pid);
  CHECK_INT(WEXITSTATUS(status), 3);
  pid = RawClone(0, NULL, NULL);
  if (pid == 0) _exit(4);
  CHECK_INT(waitpid((pid_t)pid, &status, __WALL), pid);
  CHECK_INT(WEXITSTATUS(status), 4);
  Ok("exit signal 0 and __WCLONE, __WALL");
}

static void Refused(void) {
  CHECK_ERR(RawClone(CLONE_THREAD, NULL, NULL), EINVAL);
  CHECK_ERR(RawClone(CLONE_SIGHAND, NULL, NULL), EINVAL);
  CHECK_ERR(RawClone(CLONE_THREAD | CLONE_VM, NULL, NULL), EINVAL);
  CHECK_ERR(RawClone(CLONE_NEWNS | CLONE_FS, NULL, NULL), EINVAL);
  static const uint64_t kBadTls[] = {0x00007FFFFFFFF000, 0x0000800000000000, ~(uint64_t)0};
  for (unsigned i = 0; i < sizeof(kBadTls) / sizeof(kBadTls[0]); ++i) {
    CHECK_ERR(syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, NULL, NULL, NULL, kBadTls[i]), EPERM);
  }
  CHECK_ERR(RawClone(CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, NULL, NULL), EINVAL);
  Ok("combinations refused");
  struct clone_args args;
  memset(&args, 0, sizeof(args));
  CHECK_ERR(syscall(SYS_clone3, &args, 8), EINVAL);
  CHECK_ERR(syscall(SYS_clone3, &args, 5000), E2BIG);
  CHECK_ERR(syscall(SYS_clone3, NULL, sizeof(args)), EFAULT);
  args.exit_signal = 300;
  CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
  args.exit_signal = SIGCHLD;
  args.stack_size = 4096;
  CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
  args.stack_size = 0;
  args.flags = SIGCHLD;  // the signal has a field of its own
  CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
  args.flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND | CLONE_VM;
  CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
  Ok("clone3 refused");
  memset(&args, 0, sizeof(args));
  args.exit_signal = SIGCHLD;
  long pid = syscall(SYS_clone3, &args, CLONE_ARGS_SIZE_VER0);
  if (pid == 0) _exit(9);
  CHECK_INT(WaitShell((pid_t)pid), 9);
  Ok("clone3 as fork");
}

// The kernel takes any byte for the exit signal; the parent gets none that is not a signal.
static void NoSuchExitSignal(void) {
  long pid = RawClone(131, NULL, NULL);
  if (pid == 0) _exit(5);
  int status = 0;
  CHECK_INT(waitpid((pid_t)pid, &status, __WALL), pid);
  CHECK_INT(status, 5 << 8);
  Ok("exit signal 131");
}

int main(void) {
  Shares("nothing", 0);
  Shares("CLONE_VM", CLONE_VM);
  Shares("CLONE_FILES", CLONE_FILES);
  Shares("CLONE_FS", CLONE_FS);
  Shares("CLONE_SIGHAND", CLONE_SIGHAND | CLONE_VM);
  Shares("CLONE_VM|VFORK", CLONE_VM | CLONE_VFORK);
  Shares("all", CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND);
  ThreadIds();
  Parent();
  ExitSignal();
  NoSuchExitSignal();
  Refused();
  return Finish();
}
