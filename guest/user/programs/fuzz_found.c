// SPDX-License-Identifier: Apache-2.0
//
// What the fuzzer found by comparing with Linux: which of several faults of a call is told, a wait
// for what cannot come, pipes that wait by the call's flag, exit signals across an exec.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "guest/user/lib/proc.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static long page;

static char* Pages(size_t count) {
  return mmap(NULL, count * (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
              0);
}

// The first fault is the one that is told.
static void FirstFault(void) {
  char* map = Pages(4);
  char* other = Pages(4);
  // No type of mapping, but the place is taken.
  CHECK_ERR(syscall(SYS_mmap, map, page, PROT_READ, MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
            EEXIST);
  CHECK_INT(munmap(map + page, (size_t)page), 0);
  CHECK_ERR(
      syscall(SYS_mmap, map + page, page, PROT_READ, MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
      EINVAL);
  // Nothing to move, to a place that is none.
  CHECK_ERR(syscall(SYS_mremap, map + page, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, other + 1),
            EINVAL);
  CHECK_ERR(syscall(SYS_ftruncate, -1, -1L), EINVAL);
  CHECK_ERR(syscall(SYS_tgkill, 0x7FFFFFF, 0x7FFFFFF, 65), ESRCH);
  CHECK_ERR(syscall(SYS_tgkill, getpid(), getpid(), 65), EINVAL);
  CHECK_ERR(syscall(SYS_tkill, 0x7FFFFFF, 65), ESRCH);
  Ok("first fault");
}

static void NothingToCopy(void) {
  char byte = 0;
  struct iovec some = {&byte, 1}, none = {&byte, 0};
  CHECK_INT(syscall(SYS_process_vm_readv, 0x7FFFFFF, &some, 1, &none, 1, 0), 0);
  CHECK_INT(syscall(SYS_process_vm_writev, 0x7FFFFFF, &some, 1, &none, 1, 0), 0);
  CHECK_ERR(syscall(SYS_process_vm_readv, 0x7FFFFFF, &some, 1, &some, 1, 0), ESRCH);
  Ok("nothing to copy");
}

// A dead child stops no more: who waits for that alone has no child.
static void DeadChildrenDoNotStop(void) {
  siginfo_t info;
  pid_t child = fork();
  if (child == 0) _exit(0);
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
  CHECK_ERR(waitid(P_PID, (id_t)child, &info, WSTOPPED), ECHILD);
  CHECK_ERR(waitid(P_ALL, 0, &info, WCONTINUED | WNOHANG), ECHILD);
  CHECK_INT(waitpid(child, NULL, 0), child);
  Ok("dead children do not stop");
}

// vmsplice has a flag of its own; that of the file says nothing.
static void SpliceFromPipe(void) {
  char byte = 0;
  struct iovec to = {&byte, 1};
  int ends[2];
  CHECK_INT(pipe2(ends, O_NONBLOCK), 0);
  CHECK_ERR(syscall(SYS_vmsplice, ends[0], &to, 1, 2), EAGAIN);
  pid_t child = fork();
  if (child == 0) {
    close(ends[1]);
    // The parent holds the other end and will write.
    const long got = syscall(SYS_vmsplice, ends[0], &to, 1, 0);
    _exit(got == 1 && byte == 'x' ? 0 : 1);
  }
  CHECK_INT(write(ends[1], "x", 1), 1);
  int status = 0;
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK_INT(status, 0);
  close(ends[0]);
  close(ends[1]);
  Ok("splice from a pipe");
}

// A child of the program before: it ends with SIGCHLD, whatever that one wanted.
static void ExitSignalAcrossExec(const char* self) {
  pid_t parent = fork();
  if (parent == 0) {
    int ends[2];
    char end[16];
    char* argv[] = {(char*)self, end, NULL};
    CHECK_INT(pipe(ends), 0);
    snprintf(end, sizeof(end), "%d", ends[1]);
    pid_t child = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
    if (child == 0) {
      // Until the parent, now another program, has closed its end.
      char byte;
      close(ends[1]);
      _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ends[0]);
    execv(self, argv);
    _exit(98);
  }
  int status = 0;
  CHECK_INT(waitpid(parent, &status, 0), parent);
  CHECK_INT(status, 0);
  Ok("exit signal across exec");
}

static int AfterExec(int end) {
  close(end);
  int status = 0;
  // By its exit signal it still is a child of clone.
  return waitpid(-1, &status, __WCLONE) > 0 && status == 0 ? 0 : 97;
}

int main(int argc, char** argv) {
  if (argc > 1) return AfterExec(atoi(argv[1]));
  page = sysconf(_SC_PAGESIZE);
  FirstFault();
  NothingToCopy();
  DeadChildrenDoNotStop();
  SpliceFromPipe();
  ExitSignalAcrossExec(argv[0]);
  return Finish();
}
