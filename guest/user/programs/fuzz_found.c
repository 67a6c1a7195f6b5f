// SPDX-License-Identifier: Apache-2.0
//
// What the fuzzer found by comparing with Linux: which of several faults of a call is told, a wait
// for what cannot come, pipes that wait by the call's flag, exit signals across an exec, whose exit
// code a group of threads has, memory that only runs, files without content, a file written from
// behind its own end.
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "guest/user/lib/proc.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
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
  CHECK_ERR(kill(0x7FFFFFF, 65), ESRCH);
  CHECK_ERR(kill(-0x7FFFFFF, 65), ESRCH);
  CHECK_ERR(kill(0, 65), EINVAL);
  // The place is looked at before the type of the mapping and the file.
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  CHECK_ERR(syscall(SYS_mmap, map, -1L, PROT_READ, MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
  CHECK_ERR(syscall(SYS_mmap, map, -1L, PROT_READ, MAP_PRIVATE, ends[0], 0), ENOMEM);
  CHECK_ERR(syscall(SYS_mmap, map + 1, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, ends[0], 0),
            EINVAL);
  CHECK_INT(syscall(SYS_vmsplice, eventfd(0, 0), NULL, 0, 0), 0);
  Ok("first fault");
}

static void NothingToCopy(void) {
  char byte = 0;
  struct iovec some = {&byte, 1}, none = {&byte, 0};
  CHECK_INT(syscall(SYS_process_vm_readv, 0x7FFFFFF, &some, 1, &none, 1, 0L), 0);
  CHECK_INT(syscall(SYS_process_vm_writev, 0x7FFFFFF, &some, 1, &none, 1, 0L), 0);
  CHECK_ERR(syscall(SYS_process_vm_readv, 0x7FFFFFF, &some, 1, &some, 1, 0L), ESRCH);
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

// Files of the kernel's own do not run; a pidfd cannot be cut.
static void FilesThatDoNotRun(void) {
  const int prot = PROT_READ | PROT_EXEC;
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  CHECK_ERR(syscall(SYS_mmap, 0, page, prot, MAP_PRIVATE, ends[0], 0), EPERM);
  CHECK_ERR(syscall(SYS_mmap, 0, page, prot, MAP_PRIVATE, eventfd(0, 0), 0), EPERM);
  const int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  CHECK_ERR(syscall(SYS_mmap, 0, page, prot, MAP_PRIVATE, pidfd, 0), EPERM);
  CHECK_ERR(syscall(SYS_ftruncate, pidfd, 4096L), EOPNOTSUPP);
  CHECK_ERR(syscall(SYS_ftruncate, ends[0], 4096L), EINVAL);
  Ok("files that do not run");
}

// What has no position: some files say so, some only that they cannot be read or written.
static void FilesWithoutContent(void) {
  char byte = 0;
  char hundred[100] = {0};
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  const int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  CHECK_ERR(pread(pidfd, &byte, 1, 0), EINVAL);
  CHECK_ERR(pwrite(pidfd, &byte, 1, 0), EINVAL);
  CHECK_ERR(fallocate(pidfd, 0, 0, 4096), EOPNOTSUPP);
  CHECK_ERR(fallocate(pidfd, 0, INT64_MAX, 4096), EFBIG);
  CHECK_ERR(lseek(pidfd, 1, SEEK_SET), ESPIPE);
  const int event = eventfd(1, EFD_NONBLOCK);
  CHECK_INT(lseek(event, 1, SEEK_SET), 0);
  CHECK_ERR(pread(event, &byte, 1, 0), ESPIPE);
  CHECK_ERR(fallocate(event, 0, 0, 4096), ENODEV);
  CHECK_INT(lseek(epoll_create1(0), 1, SEEK_END), 0);
  CHECK_ERR(pread(ends[0], &byte, 1, 0), ESPIPE);
  // Eight bytes, not at least eight.
  CHECK_ERR(write(event, hundred, sizeof(hundred)), EINVAL);
  Ok("files without content");
}

// While its memory is read the file has its old end.
static void FileIntoItself(void) {
  const int memory = memfd_create("itself", 0);
  char* behind = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE, memory, page);
  CHECK_INT(ftruncate(memory, page), 0);
  CHECK_ERR(pwrite(memory, behind, 1, page), EFAULT);
  CHECK_INT(lseek(memory, 0, SEEK_END), page);
  CHECK_INT(pwrite(memory, "x", 1, page), 1);
  CHECK_INT(pwrite(memory, behind, 2, 2 * page), 2);
  CHECK_INT(lseek(memory, 0, SEEK_END), 2 * page + 2);
  close(memory);
  Ok("a file into itself");
}

// A pipe that has no room or no reader says so before the other file is looked at.
static void WhatSpliceMoves(void) {
  char page_of[4096] = {0};
  loff_t at = 0;
  int ends[2];
  CHECK_INT(pipe2(ends, O_NONBLOCK), 0);
  const int event = eventfd(1, EFD_NONBLOCK);
  const int memory = memfd_create("empty", 0);
  CHECK_ERR(splice(event, NULL, ends[1], NULL, 8, 0), EINVAL);
  CHECK_ERR(splice(event, &at, ends[1], NULL, 8, 0), EINVAL);
  CHECK_ERR(splice(ends[0], NULL, event, NULL, 8, 0), EINVAL);
  CHECK_ERR(splice(ends[0], NULL, epoll_create1(0), NULL, 8, 0), EINVAL);
  CHECK_ERR(splice(ends[0], NULL, ends[0], &at, 8, 0), ESPIPE);
  CHECK_INT(splice(memory, NULL, ends[1], NULL, 8, 0), 0);
  while (write(ends[1], page_of, sizeof(page_of)) > 0) {
  }
  CHECK_ERR(splice(event, NULL, ends[1], NULL, 8, 0), EAGAIN);
  // Two pages of room take two pages of four.
  CHECK_INT(read(ends[0], page_of, sizeof(page_of)), sizeof(page_of));
  CHECK_INT(read(ends[0], page_of, sizeof(page_of)), sizeof(page_of));
  CHECK_INT(ftruncate(memory, 4 * 4096), 0);
  CHECK_INT(fcntl(ends[1], F_SETFL, 0), 0);
  CHECK_INT(splice(memory, NULL, ends[1], NULL, 4 * 4096, 0), 2 * 4096);
  close(ends[0]);
  signal(SIGPIPE, SIG_IGN);
  CHECK_INT(lseek(memory, 0, SEEK_END), 4 * 4096);
  CHECK_ERR(splice(memory, NULL, ends[1], NULL, 8, 0), EPIPE);
  signal(SIGPIPE, SIG_DFL);
  CHECK_ERR(sendfile(event, memory, &at, 8), EINVAL);
  Ok("what splice moves");
}

// Whom a signal is for is looked up before what signal it is.
static void NobodyBeforeNoSignal(void) {
  siginfo_t info = {.si_code = SI_QUEUE};
  const pid_t child = fork();
  if (child == 0) _exit(0);
  const int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  CHECK_INT(waitpid(child, NULL, 0), child);
  CHECK_ERR(syscall(SYS_rt_sigqueueinfo, child, 65, &info), ESRCH);
  CHECK_ERR(syscall(SYS_pidfd_send_signal, pidfd, 65, NULL, 0), ESRCH);
  CHECK_ERR(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info), EINVAL);
  Ok("nobody before no signal");
}

// The CPU lets a program read memory that only runs; the kernel does not read it for one.
static void MemoryThatOnlyRuns(void) {
  char* map = Pages(2);
  char* other = Pages(1);
  struct iovec to = {other, 8}, from = {map, 8};
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  CHECK_INT(mprotect(map, (size_t)page, PROT_EXEC), 0);
  CHECK_ERR(syscall(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0L), EFAULT);
  CHECK_ERR(syscall(SYS_vmsplice, ends[1], &from, 1, 0), EFAULT);
  CHECK_ERR(madvise(map, (size_t)page, MADV_POPULATE_READ), EINVAL);
  // A futex that others can see is one that somebody can write to.
  CHECK_ERR(syscall(SYS_futex, map, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
  CHECK_INT(mprotect(map, (size_t)page, PROT_READ), 0);
  CHECK_ERR(syscall(SYS_futex, map, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
  CHECK_INT(syscall(SYS_futex, map, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
  CHECK_INT(syscall(SYS_futex, map + page, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
  Ok("memory that only runs");
}

// Who may ask for the right to write may remove pages without having it.
static void RemoveWithoutWriting(void) {
  char* map = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  map[0] = 1;
  CHECK_INT(mprotect(map, (size_t)page, PROT_READ), 0);
  CHECK_INT(madvise(map, (size_t)page, MADV_REMOVE), 0);
  CHECK_INT(map[0], 0);
  Ok("remove without writing");
}

// Nothing is read for which there is no place.
static void NoPlaceNoRead(void) {
  char* map = Pages(2);
  unsigned char present = 1;
  struct iovec from = {map, 8}, to = {map + page, 8};
  CHECK_INT(munmap(map + page, (size_t)page), 0);
  CHECK_ERR(syscall(SYS_process_vm_writev, getpid(), &from, 1, &to, 1, 0L), EFAULT);
  CHECK_INT(mincore(map, (size_t)page, &present), 0);
  CHECK_INT(present, 0);
  // The other process's pages come first, all of the range.
  char* other = Pages(2);
  unsigned char both[2] = {0};
  struct iovec far = {other, 2 * (size_t)page};
  CHECK_ERR(syscall(SYS_process_vm_readv, getpid(), &to, 1, &far, 1, 0L), EFAULT);
  CHECK_INT(mincore(other, 2 * (size_t)page, both), 0);
  CHECK_INT(both[0] + both[1], 2);
  Ok("no place, no read");
}

// A move that fails has not cleared its target.
static void FailedMoveClearsNothing(void) {
  char* map = Pages(4);
  char* target = Pages(4);
  CHECK_INT(munmap(map + page, (size_t)page), 0);
  target[0] = 7;
  const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
  CHECK_ERR(syscall(SYS_mremap, map, 3 * page, 2 * page, flags, target), EFAULT);
  CHECK_INT(target[0], 7);
  // What is given up may be a hole.
  map[0] = 8;
  CHECK(syscall(SYS_mremap, map, 3 * page, page, flags, target) == (long)target);
  CHECK_INT(target[0], 8);
  Ok("failed move clears nothing");
}

static char thread_stack[16384] __attribute__((aligned(16)));

// Of threads that leave one by one the last one's code counts, whoever is the leader.
static int LeaderIsDead(void) {
  char text[64] = "", path[64];
  snprintf(path, sizeof(path), "/proc/%d/stat", getpid());
  const int fd = open(path, O_RDONLY);
  const ssize_t size = read(fd, text, sizeof(text) - 1);
  close(fd);
  const char* end = size > 0 ? strrchr(text, ')') : NULL;
  return end != NULL && end[2] == 'Z';
}

static int WaitsForLeader(void* unused) {
  (void)unused;
  while (!LeaderIsDead()) sched_yield();
  syscall(SYS_exit, 4);
  return 0;
}

static void LeaderFirst(void* unused) {
  (void)unused;
  const int flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
  CHECK(clone(WaitsForLeader, thread_stack + sizeof(thread_stack), flags, NULL) > 0);
  syscall(SYS_exit, 3);
}

static void LastCodeCounts(void) {
  CHECK_INT(RunChild(LeaderFirst, NULL), 4);
  Ok("the last thread's code counts");
}

// A wait is over when a child that it is for has news: that there is none any more is none.
static void WaitForGroupThatIsLeft(void) {
  pid_t waiter = fork();
  if (waiter == 0) {
    setpgid(0, 0);
    pid_t child = fork();
    if (child == 0) {
      setsid();
      _exit(5);
    }
    siginfo_t info;
    // By its number the child is seen dead; by the group that it has left it never is.
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    CHECK_ERR(waitid(P_PGID, (id_t)getpid(), &info, WEXITED), ECHILD);
    CHECK_INT(waitpid(child, NULL, 0), child);
    _exit(0);
  }
  int status = 0;
  CHECK_INT(waitpid(waiter, &status, 0), waiter);
  CHECK_INT(status, 0);
  Ok("wait for a group that is left");
}

int main(int argc, char** argv) {
  if (argc > 1) return AfterExec(atoi(argv[1]));
  page = sysconf(_SC_PAGESIZE);
  FirstFault();
  NothingToCopy();
  DeadChildrenDoNotStop();
  SpliceFromPipe();
  ExitSignalAcrossExec(argv[0]);
  FilesThatDoNotRun();
  FilesWithoutContent();
  FileIntoItself();
  WhatSpliceMoves();
  NobodyBeforeNoSignal();
  MemoryThatOnlyRuns();
  RemoveWithoutWriting();
  NoPlaceNoRead();
  FailedMoveClearsNothing();
  LastCodeCounts();
  WaitForGroupThatIsLeft();
  return Finish();
}
