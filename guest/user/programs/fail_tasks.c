// SPDX-License-Identifier: Apache-2.0
//
// New tasks with every allocation of the kernel failing in turn: fork of small and large processes,
// vfork, each clone flag, clone3, threads, unshare, exit (row F85). See guest/user/lib/fail.h.
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "guest/user/lib/fail.h"
#include "guest/user/lib/memory.h"

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

static char stack[64 * 1024] __attribute__((aligned(64)));

static long Reaped(long pid) {
  if (pid > 0) CHECK_INT(waitpid((pid_t)pid, NULL, __WALL), pid);
  return pid;
}

static long SmallFork(void) {
  long pid = FAILING(fork());
  if (pid == 0) _exit(0);
  return Reaped(pid);
}

static long Vfork(void) {
  FailBegin();
  pid_t pid = vfork();
  if (pid == 0) _exit(0);
  return Reaped(FailEnd(pid));
}

// 1,000 mappings: neighbours differ in what they allow, and every second one has a page.
static void ManyMappings(void) {
  enum { kCount = 1000 };
  unsigned char* memory = Pages(kCount);
  for (int i = 0; i < kCount; i += 2) {
    memory[i * kPage] = 1;
    CHECK_INT(mprotect(memory + i * kPage, kPage, PROT_READ), 0);
  }
}

static void ManyDescriptors(void) {
  enum { kCount = 1000 };
  struct rlimit limit;
  CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
  for (int i = 0; i < kCount; ++i) CHECK(dup(1) >= 0);
}

// A process made by clone with `flags`, as fork makes one.
static long CloneLikeFork(unsigned long flags) {
  int parent_tid = 0, child_tid = 0;
  long pid = FAILING(syscall(SYS_clone, flags | SIGCHLD, 0, &parent_tid, &child_tid, 0));
  if (pid == 0) _exit(0);
  if (pid > 0 && (flags & CLONE_PIDFD) != 0) CHECK_INT(close(parent_tid), 0);
  return Reaped(pid);
}
static long CloneFs(void) { return CloneLikeFork(CLONE_FS); }
static long CloneFiles(void) { return CloneLikeFork(CLONE_FILES); }
static long CloneSysvsem(void) { return CloneLikeFork(CLONE_SYSVSEM); }
static long CloneIo(void) { return CloneLikeFork(CLONE_IO); }
static long CloneUntraced(void) { return CloneLikeFork(CLONE_UNTRACED); }
static long ClonePidfd(void) { return CloneLikeFork(CLONE_PIDFD); }
static long CloneParentSettid(void) { return CloneLikeFork(CLONE_PARENT_SETTID); }
static long CloneChildSettid(void) { return CloneLikeFork(CLONE_CHILD_SETTID); }
static long CloneChildCleartid(void) { return CloneLikeFork(CLONE_CHILD_CLEARTID); }

// The sibling is the grandparent's: a process in between waits for nothing, its parent for both.
static long CloneParent(void) {
  int* result = SharedMemory(2 * sizeof(int));
  pid_t between = fork();
  if (between == 0) {
    long pid = FAILING(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0));
    if (pid == 0) _exit(0);
    result[0] = pid < 0 ? -fv_fail_errno : (int)pid;
    result[1] = fv_fail_hit;
    _exit(0);
  }
  Reaped(between);
  long pid = Reaped(result[0]);
  fv_fail_hit = result[1];
  fv_fail_errno = pid < 0 ? (int)-pid : 0;
  CHECK_INT(munmap(result, 2 * sizeof(int)), 0);
  return pid;
}

static int Leave(void* unused) {
  (void)unused;
  syscall(SYS_exit, 0);
  return 0;
}

static long CloneShared(int flags) {
  return Reaped(FAILING(clone(Leave, stack + sizeof(stack), flags | SIGCHLD, NULL)));
}
static long CloneVm(void) { return CloneShared(CLONE_VM); }
static long CloneSighand(void) { return CloneShared(CLONE_VM | CLONE_SIGHAND); }
static long CloneVfork(void) { return CloneShared(CLONE_VM | CLONE_VFORK); }

static long CloneThread(void) {
  pid_t parent_tid = 0;
  long tid = FAILING(clone(Leave, stack + sizeof(stack),
                           CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_PARENT_SETTID, NULL,
                           &parent_tid));
  while (tid > 0 && syscall(SYS_tgkill, getpid(), tid, 0) == 0) sched_yield();
  return tid;
}

static long Clone3(struct clone_args* arguments) {
  arguments->exit_signal = SIGCHLD;
  long pid = FAILING(syscall(SYS_clone3, arguments, sizeof(*arguments)));
  if (pid == 0) _exit(0);
  return Reaped(pid);
}

static long Clone3Plain(void) {
  struct clone_args arguments = {0};
  return Clone3(&arguments);
}

static long Clone3Pidfd(void) {
  int pidfd = -1;
  struct clone_args arguments = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd};
  long pid = Clone3(&arguments);
  if (pid > 0) CHECK_INT(close(pidfd), 0);
  return pid;
}

static long Clone3ClearSighand(void) {
  struct clone_args arguments = {.flags = CLONE_CLEAR_SIGHAND};
  return Clone3(&arguments);
}

static void* Nothing(void* unused) { return unused; }

static long PthreadCreate(void) {
  pthread_t thread;
  errno = FAILING(pthread_create(&thread, NULL, Nothing, NULL));
  if (errno != 0) {
    fv_fail_errno = errno;
    return -1;
  }
  CHECK_INT(pthread_join(thread, NULL), 0);
  return 0;
}

static long UnshareShared(void) {
  // A sibling shares table and directory, so there is something to part from.
  Baton end = MakeBaton();
  pid_t other = (pid_t)syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0);
  if (other == 0) {
    Take(&end);
    _exit(0);
  }
  long result = FAILING(unshare(CLONE_FILES | CLONE_FS));
  Give(&end);
  Reaped(other);
  return result;
}
static long Unshare(void) { return InChild(UnshareShared); }

// Nothing that a process needs for its end may be missing: its status arrives.
static long Exit(void) {
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) {
    FailBegin();
    _exit(7);
  }
  CHECK_INT(FailEnd(WaitShell(pid)), 7);
  return 0;
}

enum { kIoOfProcess = 1, kBestEffort = 2 << 13 };
static void HaveIoPriority(void) {
  CHECK_INT(syscall(SYS_ioprio_set, kIoOfProcess, 0, kBestEffort | 5), 0);
}
static long SetIoPriorityOnce(void) {
  return FAILING(syscall(SYS_ioprio_set, kIoOfProcess, 0, kBestEffort | 5));
}
static long SetIoPriority(void) { return InChild(SetIoPriorityOnce); }

static const FailCase kCases[] = {
    {"fork", SmallFork, NULL, {ENOMEM}},
    {"fork_1000_mappings", SmallFork, ManyMappings, {ENOMEM}},
    {"fork_1000_descriptors", SmallFork, ManyDescriptors, {ENOMEM}},
    {"vfork", Vfork, NULL, {ENOMEM}},
    {"clone_vm", CloneVm, NULL, {ENOMEM}},
    {"clone_fs", CloneFs, NULL, {ENOMEM}},
    {"clone_files", CloneFiles, NULL, {ENOMEM}},
    {"clone_sighand", CloneSighand, NULL, {ENOMEM}},
    {"clone_pidfd", ClonePidfd, NULL, {ENOMEM}},
    {"clone_vfork", CloneVfork, NULL, {ENOMEM}},
    {"clone_parent", CloneParent, NULL, {ENOMEM}},
    {"clone_thread", CloneThread, NULL, {ENOMEM}},
    {"clone_sysvsem", CloneSysvsem, NULL, {ENOMEM}},
    {"clone_io", CloneIo, HaveIoPriority, {ENOMEM}},
    {"fork_io_priority", SmallFork, HaveIoPriority, {ENOMEM}},
    {"ioprio_set", SetIoPriority, NULL, {ENOMEM}},
    {"clone_untraced", CloneUntraced, NULL, {ENOMEM}},
    {"clone_parent_settid", CloneParentSettid, NULL, {ENOMEM}},
    {"clone_child_settid", CloneChildSettid, NULL, {ENOMEM}},
    {"clone_child_cleartid", CloneChildCleartid, NULL, {ENOMEM}},
    {"clone3", Clone3Plain, NULL, {ENOMEM}},
    {"clone3_pidfd", Clone3Pidfd, NULL, {ENOMEM}},
    {"clone3_clear_sighand", Clone3ClearSighand, NULL, {ENOMEM}},
    {"pthread_create", PthreadCreate, NULL, {EAGAIN}},
    {"unshare", Unshare, NULL, {ENOMEM}},
    {"exit", Exit, NULL, {0}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
