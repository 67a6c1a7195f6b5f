// SPDX-License-Identifier: Apache-2.0
//
// What a mutant of the kernel may get wrong about tasks (proto/mutants.h): what a child inherits,
// shares and starts without; vfork; threads that die; timers; waits that end early; what exec
// keeps; zombies and orphans. Under a mutant the oracle ends the run half-way.
#include <linux/futex.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static volatile sig_atomic_t signals_seen;
static void Count(int signal_number) { signals_seen += signal_number > 0; }

static void Nothing(void* arg) { (void)arg; }

static void CreateTimer(void) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  CHECK_INT(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  struct itimerspec later = {.it_value = {.tv_sec = 1000}};
  CHECK_INT(timer_settime(timer, 0, &later, NULL), 0);
}

// Something of everything that a child copies or must not have.
static void HaveEverything(void) {
  CHECK_INT(fcntl(dup(1), F_SETFD, FD_CLOEXEC), 0);
  CHECK(dup(1) >= 0);
  umask(027);
  struct rlimit limit;
  CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 200;
  CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
  Handle(SIGUSR2, Count, 0);
  Handle(SIGCHLD, Count, SA_RESTART);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGRTMIN);
  CHECK_INT(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
  CHECK_INT(kill(getpid(), SIGUSR1), 0);
  union sigval value = {.sival_int = 1};
  CHECK_INT(sigqueue(getpid(), SIGRTMIN, value), 0);
  struct itimerval alarm = {.it_value = {.tv_sec = 1000}};
  CHECK_INT(setitimer(ITIMER_REAL, &alarm, NULL), 0);
  CreateTimer();
  *Pages(1) = 1;  // memory that no program has after an exec
  signals_seen = 0;
}

// Dies with its timers armed.
static void ArmAndExit(void* arg) {
  (void)arg;
  struct itimerval alarm = {.it_value = {.tv_sec = 1000}};
  CHECK_INT(setitimer(ITIMER_REAL, &alarm, NULL), 0);
}

static void Forks(void) {
  CHECK_INT(RunChild(Nothing, NULL), 0);
  pid_t pid = Fork(ArmAndExit, NULL);
  siginfo_t info;
  CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);  // a zombie for a while
  CHECK_INT(WaitShell(pid), 0);
  CHECK(signals_seen >= 2);
  pid = (pid_t)syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  CHECK_INT(WaitShell(pid), 0);
  pid = vfork();
  if (pid == 0) _exit(3);
  CHECK_INT(WaitShell(pid), 3);
  Ok("forks");
}

static void RunSelf(void* arg) {
  CreateTimer();
  char* argv[] = {(char*)arg, (char*)"again", NULL};
  execv("/proc/self/exe", argv);
}

static void Execs(char* name) {
  CHECK_INT(RunChild(RunSelf, name), 0);
  pid_t pid = vfork();
  if (pid == 0) {
    char* argv[] = {name, (char*)"again", NULL};
    execv("/proc/self/exe", argv);
    _exit(1);
  }
  CHECK_INT(WaitShell(pid), 0);
  Ok("exec");
}

static void LeadSession(void* arg) {
  (void)arg;
  CHECK(setsid() > 0);
  CHECK_INT(RunChild(Nothing, NULL), 0);
}

static void LeaveOrphan(void* arg) {
  const Baton* baton = (const Baton*)arg;
  if (fork() == 0) {
    Take(baton);  // by now an orphan
    Give(&baton[1]);
    _exit(0);
  }
}

static void BecomeOther(void* arg) {
  (void)arg;
  // Not everybody may, and not every namespace has the number.
  CHECK(setuid(12345) == 0 || errno == EPERM || errno == EINVAL);
  CHECK_INT(RunChild(Nothing, NULL), 0);
}

static void Families(void) {
  CHECK_INT(RunChild(LeadSession, NULL), 0);
  Baton batons[2] = {MakeBaton(), MakeBaton()};
  CHECK_INT(RunChild(LeaveOrphan, batons), 0);
  Give(&batons[0]);
  Take(&batons[1]);
  CHECK_INT(RunChild(BecomeOther, NULL), 0);
  Handle(SIGCHLD, SIG_IGN, 0);
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  CHECK_INT(close(ends[1]), 0);
  char nothing;
  CHECK_INT(read(ends[0], &nothing, 1), 0);  // comes back when the child lets go of the other end
  CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
  CHECK_INT(close(ends[0]), 0);
  Handle(SIGCHLD, Count, 0);
  Ok("families");
}

// The parent waits for one child while another ends: the wait is interrupted, as a rule.
static void EndSoon(void* arg) {
  const struct timespec pause = {.tv_nsec = *(const long*)arg};
  nanosleep(&pause, NULL);
}

static void Waits(void) {
  static uint32_t word = 1;
  const struct timespec soon = {.tv_nsec = 200000};
  CHECK_ERR(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &soon, NULL, 0), ETIMEDOUT);
  CHECK_INT(RunChild(Nothing, NULL), 0);
  long slow = 8000000, quick = 2000000;
  pid_t late = Fork(EndSoon, &slow);
  pid_t early = Fork(EndSoon, &quick);
  const pid_t got = waitpid(late, NULL, 0);
  CHECK(got == late || (got < 0 && errno == EINTR));
  void* page = Pages(1);  // the kernel is looked at again
  CHECK_INT(munmap(page, kPage), 0);
  if (got != late) CHECK_INT(WaitShell(late), 0);
  CHECK_INT(WaitShell(early), 0);
  Ok("waits");
}

// A list of one robust futex, as get_robust_list(2) describes it.
static struct {
  void* next;
  long futex_offset;
  void* pending;
  void* entry;
  uint32_t futex;
} robust;
static uint32_t thread_word;
static char thread_stack[16384] __attribute__((aligned(16)));

static int DieWithLock(void* arg) {
  (void)arg;
  robust.entry = &robust;
  robust.next = &robust.entry;
  robust.futex_offset = (char*)&robust.futex - (char*)&robust.entry;
  syscall(SYS_set_robust_list, &robust, 3 * sizeof(long));
  robust.futex = (uint32_t)syscall(SYS_gettid);
  // The kernel is looked at once more, so that the list is known.
  void* page = mmap(NULL, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page, kPage);
  syscall(SYS_exit, 0);
  return 0;
}

static void Threads(void) {
  const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                    CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  // No thread block of its own: it makes raw system calls that do not fail.
  const pid_t tid = clone(DieWithLock, thread_stack + sizeof(thread_stack), flags, NULL,
                          &thread_word, NULL, &thread_word);
  CHECK(tid > 0);
  uint32_t seen;
  while ((seen = __atomic_load_n(&thread_word, __ATOMIC_SEQ_CST)) != 0) {
    syscall(SYS_futex, &thread_word, FUTEX_WAIT, seen, NULL, NULL, 0);
  }
  CHECK_INT(robust.futex, FUTEX_OWNER_DIED);
  Ok("threads");
}

int main(int argc, char** argv) {
  if (argc > 1) return 0;
  HaveEverything();
  Forks();
  Execs(argv[0]);
  Families();
  Waits();
  Threads();
  return Finish();
}
