// SPDX-License-Identifier: Apache-2.0
//
// F38: unshare of files and directory context after a clone that shares them; close_range with
// CLOSE_RANGE_UNSHARE; what unshare refuses. F89: execveat by descriptor. And the small calls of
// start-up code: set_tid_address, robust list, rseq, membarrier.
#include <linux/types.h>
#include <sys/stat.h>

#include "guest/user/lib/proc.h"

enum { kUnshareRange = 2, kEmptyPath = 0x1000, kStack = 65536 };
static char stack[kStack] __attribute__((aligned(16)));

static int Unshared(void* arg) {
  int fd = *(int*)arg;
  CHECK_INT(syscall(SYS_unshare, CLONE_FILES | CLONE_FS), 0);
  CHECK_INT(close(fd), 0);
  umask(0);
  CHECK_INT(chdir("/"), 0);
  return ChildResult();
}

static int RangeUnshared(void* arg) {
  int fd = *(int*)arg;
  CHECK_INT(syscall(SYS_close_range, fd, fd, kUnshareRange), 0);
  CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
  return ChildResult();
}

static void AfterSharing(int (*body)(void*)) {
  int fd = open("/dev/null", O_RDONLY);
  umask(022);
  CHECK_INT(chdir("/tmp"), 0);
  pid_t pid = clone(body, stack + kStack, CLONE_FILES | CLONE_FS | SIGCHLD, &fd);
  CHECK(pid > 0);
  CHECK_INT(WaitShell(pid), 0);
  CHECK(fcntl(fd, F_GETFD) >= 0);
  CHECK_INT(umask(022), 022);
  char cwd[64] = "";
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/tmp") == 0);
  close(fd);
}

static void StartUpCalls(void) {
  int word = 0;
  CHECK_INT(syscall(SYS_set_tid_address, &word), getpid());
  struct {
    void* next;
    long offset;
    void* pending;
  } head = {&head, 0, NULL};
  CHECK_INT(syscall(SYS_set_robust_list, &head, sizeof(head)), 0);
  CHECK_ERR(syscall(SYS_set_robust_list, &head, 7), EINVAL);
  void* got = NULL;
  size_t bytes = 0;
  CHECK_INT(syscall(SYS_get_robust_list, 0, &got, &bytes), 0);
  CHECK(got == &head && bytes == sizeof(head));
  CHECK(syscall(SYS_membarrier, 0, 0, 0) > 0);
  CHECK_ERR(syscall(SYS_membarrier, 0x40000000, 0, 0), EINVAL);
  CHECK_ERR(syscall(SYS_membarrier, 8, 0, 0), EPERM);  // PRIVATE_EXPEDITED wants registering first
  CHECK_INT(syscall(SYS_membarrier, 16, 0, 0), 0);
  CHECK_INT(syscall(SYS_membarrier, 8, 0, 0), 0);
  CHECK_ERR(syscall(SYS_membarrier, 8, 1, 0), EINVAL);
  CHECK_ERR(syscall(SYS_membarrier, 1 << 5, 0, 0), EPERM);  // PRIVATE_EXPEDITED_SYNC_CORE
  CHECK_ERR(syscall(SYS_membarrier, 1 << 7, 1, 0), EPERM);  // PRIVATE_EXPEDITED_RSEQ on CPU 0
  CHECK_INT(syscall(SYS_membarrier, 1 << 8, 0, 0), 0);
  CHECK_INT(syscall(SYS_membarrier, 1 << 7, 1, 0), 0);
  CHECK_INT(syscall(SYS_membarrier, 1 << 9, 0, 0), 16 | 1 << 8);  // what is registered
  static __u32 area[8] __attribute__((aligned(32)));
  CHECK_INT(syscall(SYS_rseq, area, sizeof(area), 0, 0x53053053), 0);
  CHECK_ERR(syscall(SYS_rseq, area, sizeof(area), 0, 0x53053053), EBUSY);
  CHECK_INT(syscall(SYS_rseq, area, sizeof(area), 1, 0x53053053), 0);
}

int main(int argc, char** argv) {
  if (argc > 1) return strcmp(argv[1], "again") ? 1 : 44;
  AfterSharing(Unshared);
  AfterSharing(RangeUnshared);
  CHECK_ERR(syscall(SYS_unshare, 0x1), EINVAL);
  CHECK_INT(syscall(SYS_unshare, 0), 0);
  Ok("F38 unshare, close_range");

  StartUpCalls();
  Ok("F96 rseq, membarrier, robust list");

  int self = open("/proc/self/exe", O_RDONLY);
  pid_t pid = fork();
  if (pid == 0) {
    char* words[] = {argv[0], "again", NULL};
    char* none[] = {NULL};
    syscall(SYS_execveat, self, "", words, none, kEmptyPath);
    _exit(97);
  }
  CHECK_INT(WaitShell(pid), 44);
  CHECK_ERR(syscall(SYS_execveat, 99, "x", argv, argv, 0), EBADF);
  Ok("F89 execveat");
  return Finish();
}
