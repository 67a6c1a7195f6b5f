// SPDX-License-Identifier: Apache-2.0
//
// F33, pid namespaces: ids in them, parents outside, nesting, unshare (F38), clone3's set_tid over
// levels, groups and sessions by number (F81), what is refused, such as a sibling of an init (F27).
// Their init is in pid_namespace_init, files and setns in namespace_files.
#include "guest/user/lib/namespaces.h"

struct Clone3 {
  unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  unsigned long long set_tid, set_tid_size, cgroup;
};

static void Numbered(void* parent) {
  (void)parent;
  CHECK_INT(RawPid(), 2);
  CHECK_INT(RawTid(), 2);
  CHECK_INT(getppid(), 1);
}

static void Third(void* unused) {
  (void)unused;
  CHECK_INT(RawPid(), 3);
  CHECK_INT(getpgid(0), 0);  // the group is the outer parent's
  CHECK_INT(setpgid(0, 0), 0);
  CHECK_INT(getpgid(0), 3);
  CHECK_INT(getsid(0), 0);
  CHECK_INT(getpgid(1), 0);
}

static void Session(void* unused) {
  (void)unused;
  CHECK_INT(setsid(), 4);
  CHECK_INT(getsid(0), 4);
  CHECK_INT(getpgrp(), 4);
}

static void First(void* unused) {
  (void)unused;
  CHECK_INT(RawPid(), 1);
  CHECK_INT(RawTid(), 1);
  CHECK_INT(getppid(), 0);
  CHECK_INT(getpgrp(), 0);
  CHECK_INT(getsid(0), 0);
  CHECK_ERR(getpgid(2), ESRCH);
  pid_t child = Fork(Numbered, NULL);
  CHECK_INT(child, 2);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(RunChild(Third, NULL), 0);
  CHECK_INT(RunChild(Session, NULL), 0);
  CHECK_ERR(kill(2, 0), ESRCH);
  CHECK_INT(kill(1, 0), 0);
  CHECK_INT(setpgid(0, 0), 0);
  CHECK_INT(getpgrp(), 1);
}

static void NewNumbers(void) {
  pid_t child = CloneWith(CLONE_NEWPID, First, NULL);
  CHECK(child > 1);
  CHECK_INT(WaitShell(child), 0);
  Ok("ids in a namespace");
}

// ---- Two words for one child -----------------------------------------------------------------
struct Words {
  int parent, child;
};

static void TidWords(void) {
  struct Words* words = SharedMemory(sizeof(*words));
  pid_t child =
      (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD,
                     NULL, &words->parent, &words->child, 0);
  if (child == 0) _exit(words->child == 1 ? 0 : 1);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(words->parent, child);
  CHECK_INT(words->child, 1);
  Ok("tid words");
}

// ---- unshare -----------------------------------------------------------------------------------
static void ExitsWithPid(void* unused) {
  (void)unused;
  _exit(RawPid());
}

static void WaitsForBaton(void* baton) { Take(baton); }

static int NeverRuns(void* unused) {
  (void)unused;
  return 0;
}
static char thread_stack[16384] __attribute__((aligned(16)));

static void Unshares(void* unused) {
  (void)unused;
  pid_t before = RawPid();
  Baton end = MakeBaton();
  CHECK_INT(unshare(CLONE_NEWPID), 0);
  CHECK_INT(RawPid(), before);
  CHECK_ERR(unshare(CLONE_NEWPID), EINVAL);
  CHECK_ERR(CloneWith(CLONE_NEWPID, ExitsWithPid, NULL), EINVAL);
  const int kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  CHECK_ERR(clone(NeverRuns, thread_stack + sizeof(thread_stack), kThread, NULL), EINVAL);
  pid_t init = Fork(WaitsForBaton, &end);
  CHECK(init > 1);
  CHECK_INT(RunChild(ExitsWithPid, NULL), 2);
  CHECK_INT(RunChild(ExitsWithPid, NULL), 3);
  Give(&end);
  CHECK_INT(WaitShell(init), 0);
  // The namespace has lost its init: nobody comes in any more.
  CHECK_ERR(fork(), ENOMEM);
  CHECK_ERR(vfork(), ENOMEM);
}

// ---- Nesting --------------------------------------------------------------------------------
static void Deeper(void* levels_) {
  int* levels = levels_;
  ++*levels;
  CHECK_INT(RawPid(), 1);
  pid_t child = CloneWith(CLONE_NEWPID, Deeper, levels);
  if (child > 0) {
    CHECK_INT(child, 2);
    CHECK_INT(WaitShell(child), 0);
    return;
  }
  CHECK_INT(errno, ENOSPC);
  CHECK_ERR(unshare(CLONE_NEWPID), ENOSPC);
  CHECK_INT(RunChild(ExitsWithPid, NULL), 2);
}

// Below the initial namespace there may be 32; this program may be some levels down already.
static void Nested(void) {
  int* levels = SharedMemory(sizeof(*levels));
  CHECK_INT(RunCloned(CLONE_NEWPID, Deeper, levels), 0);
  CHECK(*levels <= 32 && *levels > 16);
  Ok("the deepest level");
}

// ---- set_tid ----------------------------------------------------------------------------------
static pid_t WithNumbers(unsigned long long flags, const pid_t* numbers, size_t count) {
  struct Clone3 args;
  memset(&args, 0, sizeof(args));
  args.flags = flags;
  args.exit_signal = SIGCHLD;
  args.set_tid = (unsigned long)numbers;
  args.set_tid_size = count;
  pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
  if (pid == 0) _exit(RawPid());
  return pid;
}

static void InnerSetTid(void* outer_) {
  pid_t outer = *(pid_t*)outer_;
  pid_t both[] = {42, outer, 1};
  pid_t child = WithNumbers(0, both, 2);
  CHECK_INT(child, 42);
  CHECK_INT(WaitShell(child), 42);
  pid_t one[] = {17};
  CHECK_INT(WaitShell(WithNumbers(0, one, 1)), 17);
  pid_t taken[] = {1};
  CHECK_ERR(WithNumbers(0, taken, 1), EEXIST);
  CHECK_ERR(WithNumbers(0, both, 4), EINVAL);  // more numbers than levels
  pid_t zero[] = {0};
  CHECK_ERR(WithNumbers(0, zero, 1), EINVAL);
  CHECK_ERR(WithNumbers(0, NULL, 1), EINVAL);
  CHECK_ERR(WithNumbers(0, one, 0), EINVAL);
  CHECK_ERR(WithNumbers(0, one, 33), EINVAL);
  CHECK_ERR(WithNumbers(0, (const pid_t*)8, 1), EFAULT);
  // A new namespace begins with 1.
  pid_t second[] = {2, 30};
  CHECK_ERR(WithNumbers(CLONE_NEWPID, second, 2), EINVAL);
  pid_t first[] = {1, 31};
  child = WithNumbers(CLONE_NEWPID, first, 2);
  CHECK_INT(child, 31);
  CHECK_INT(WaitShell(child), 1);
  if (setuid(1000) == 0) CHECK_ERR(WithNumbers(0, one, 1), EPERM);
}

static void SetTid(void) {
  // A number that nobody has had here lately.
  pid_t free_number = 31999;
  while (kill(free_number, 0) == 0) --free_number;
  CHECK_INT(RunCloned(CLONE_NEWPID, InnerSetTid, &free_number), 0);
  Ok("set_tid over levels");
}

// ---- Refusals -----------------------------------------------------------------------------------
static void Unprivileged(void* unused) {
  (void)unused;
  CHECK_INT(setuid(1000), 0);
  CHECK_ERR(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0), EPERM);
  CHECK_ERR(syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, NULL, NULL, NULL, 0), EPERM);
  CHECK_ERR(unshare(CLONE_NEWPID), EPERM);
  CHECK_ERR(unshare(CLONE_NEWUTS), EPERM);
}

static void ByInit(void* unused) {
  (void)unused;
  CHECK_ERR(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0), EINVAL);
}

static void Refused(void) {
  const int kThread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
  CHECK_ERR(clone(NeverRuns, thread_stack + sizeof(thread_stack), kThread | CLONE_NEWPID, NULL),
            EINVAL);
  CHECK_INT(RunCloned(CLONE_NEWPID, ByInit, NULL), 0);
  CHECK_INT(RunChild(Unprivileged, NULL), 0);
  Ok("refused");
}

// ---- Waiting ------------------------------------------------------------------------------------
static void MakesGrandchildren(void* unused) {
  (void)unused;
  pid_t child = CloneWith(CLONE_NEWPID, ExitsWithPid, NULL);
  CHECK_INT(child, 2);
  siginfo_t info;
  memset(&info, 0, sizeof(info));
  CHECK_INT(waitid(P_PID, 2, &info, WEXITED | WNOWAIT), 0);
  CHECK_INT(info.si_pid, 2);
  CHECK_INT(info.si_status, 1);
  CHECK_ERR(waitpid(1, NULL, 0), ECHILD);
  CHECK_ERR(waitpid(77, NULL, 0), ECHILD);
  int status;
  CHECK_INT(waitpid(-1, &status, 0), 2);
  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    _exit(5);
  }
  setpgid(child, child);
  CHECK_INT(child, 3);
  CHECK_INT(waitid(P_PGID, 3, &info, WEXITED | WNOWAIT), 0);
  CHECK_INT(info.si_pid, 3);
  CHECK_INT(waitpid(-3, &status, 0), 3);
}

int main(void) {
  NewNumbers();
  TidWords();
  CHECK_INT(RunChild(Unshares, NULL), 0);
  Ok("unshare");
  Nested();
  SetTid();
  Refused();
  CHECK_INT(RunCloned(CLONE_NEWPID, MakesGrandchildren, NULL), 0);
  Ok("waiting");
  return Finish();
}
