// SPDX-License-Identifier: Apache-2.0
//
// Wrong arguments to the system calls of processes, signals, time and futexes: result and errno of
// each, one line a call. What Linux says to them is what the guest has to say.
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#include "guest/user/lib/check.h"

// A call by number; identical on Linux and in the guest, whatever its result.
#define TRY_CALL(number, ...) Report(#number " " #__VA_ARGS__, syscall(SYS_##number, ##__VA_ARGS__))

static char buf[4096];
static char* const kBad = (char*)8;  // nothing is mapped there
static struct timespec ts = {0, 1000}, neg = {-1, 0}, big = {0, 1000000000};
static uint64_t set;
static uint32_t w = 5, w2 = 6;
static siginfo_t si;
static long lim[2] = {1, 2}, lim2[2] = {3, 2};

static void Report(const char* call, long result) {
  if (result < 0) {
    Say("%s: errno %d", call, errno);
  } else {
    Say("%s: ok", call);
  }
}

static void Sending(void) {
  TRY_CALL(kill, getpid(), 0);
  TRY_CALL(kill, getpid(), 65);
  TRY_CALL(kill, getpid(), -1);
  TRY_CALL(kill, 0x7ffffff, 0);
  TRY_CALL(kill, -0x7ffffff, 0);
  TRY_CALL(kill, 0x80000000u, 0);
  TRY_CALL(tkill, 0, 0);
  TRY_CALL(tkill, -1, 0);
  TRY_CALL(tkill, getpid(), 0);
  TRY_CALL(tkill, getpid(), 99);
  TRY_CALL(tkill, 999999, 0);
  TRY_CALL(tgkill, getpid(), getpid(), 0);
  TRY_CALL(tgkill, 0, getpid(), 0);
  TRY_CALL(tgkill, 1, getpid(), 0);
  TRY_CALL(tgkill, getpid(), getpid(), 65);
  TRY_CALL(tkill, 0x80000000u, 0);
  Ok("signals sent");
}

static void Masks(void) {
  TRY_CALL(rt_sigaction, 0, 0, 0, 8);
  TRY_CALL(rt_sigaction, 65, 0, 0, 8);
  TRY_CALL(rt_sigaction, 9, 0, buf, 8);
  TRY_CALL(rt_sigaction, 9, buf, 0, 8);
  TRY_CALL(rt_sigaction, 10, 0, buf, 4);
  TRY_CALL(rt_sigaction, 10, kBad, 0, 8);
  TRY_CALL(rt_sigaction, 10, 0, kBad, 8);
  TRY_CALL(rt_sigaction, 99, kBad, 0, 8);
  TRY_CALL(rt_sigprocmask, 0, 0, buf, 8);
  TRY_CALL(rt_sigprocmask, 5, &set, 0, 8);
  TRY_CALL(rt_sigprocmask, 5, 0, 0, 8);
  TRY_CALL(rt_sigprocmask, 0, kBad, 0, 8);
  TRY_CALL(rt_sigprocmask, 0, 0, kBad, 8);
  TRY_CALL(rt_sigprocmask, 0, 0, 0, 16);
  TRY_CALL(rt_sigpending, buf, 8);
  TRY_CALL(rt_sigpending, buf, 4);
  TRY_CALL(rt_sigpending, buf, 9);
  TRY_CALL(rt_sigpending, kBad, 8);
  TRY_CALL(rt_sigsuspend, &set, 7);
  TRY_CALL(rt_sigsuspend, kBad, 8);
  TRY_CALL(rt_sigtimedwait, &set, 0, &neg, 8);
  TRY_CALL(rt_sigtimedwait, &set, 0, &big, 8);
  TRY_CALL(sigaltstack, kBad, 0);
  TRY_CALL(sigaltstack, 0, kBad);
  TRY_CALL(sigaltstack, 0, 0);
  Ok("actions and masks");
}

static void Waits(void) {
  TRY_CALL(wait4, -1, 0, 0, 0);
  TRY_CALL(wait4, -1, 0, 0x100, 0);
  TRY_CALL(wait4, 0x80000000u, 0, 0, 0);
  TRY_CALL(wait4, 999999, 0, 0, 0);
  TRY_CALL(wait4, -999, 0, 1, 0);
  TRY_CALL(waitid, 0, 0, &si, 4, 0);
  TRY_CALL(waitid, 0, 0, &si, 0, 0);
  TRY_CALL(waitid, 0, 0, &si, 1, 0);
  TRY_CALL(waitid, 7, 0, &si, 4, 0);
  TRY_CALL(waitid, 1, 0, &si, 4, 0);
  TRY_CALL(waitid, 1, -1, &si, 4, 0);
  TRY_CALL(waitid, 2, -1, &si, 4, 0);
  TRY_CALL(waitid, 2, 0, &si, 4, 0);
  TRY_CALL(waitid, 3, -1, &si, 4, 0);
  TRY_CALL(waitid, 3, 77, &si, 4, 0);
  TRY_CALL(waitid, 0, 0, &si, 0x104, 0);
  Ok("waits");
}

static void Groups(void) {
  TRY_CALL(getpgid, -1);
  TRY_CALL(getpgid, 999999);
  TRY_CALL(getsid, -1);
  TRY_CALL(getsid, 999999);
  TRY_CALL(setpgid, -1, 0);
  TRY_CALL(setpgid, 0, -1);
  TRY_CALL(setpgid, 999999, 0);
  TRY_CALL(setpgid, 0, 999999);
  Ok("groups and sessions");
}

static void Clocks(void) {
  TRY_CALL(clock_gettime, 0, kBad);
  TRY_CALL(clock_gettime, 99, buf);
  TRY_CALL(clock_gettime, -1, buf);
  TRY_CALL(clock_gettime, -6, buf);
  TRY_CALL(clock_gettime, 10, buf);
  TRY_CALL(clock_gettime, 11, buf);
  TRY_CALL(clock_gettime, 12, buf);
  TRY_CALL(clock_getres, 0, 0);
  TRY_CALL(clock_getres, 99, buf);
  TRY_CALL(clock_getres, 5, buf);
  TRY_CALL(clock_getres, 2, buf);
  TRY_CALL(clock_nanosleep, 0, 0, &ts, 0);
  TRY_CALL(clock_nanosleep, 3, 0, &ts, 0);
  TRY_CALL(clock_nanosleep, 4, 0, &ts, 0);
  TRY_CALL(clock_nanosleep, 5, 0, &ts, 0);
  TRY_CALL(clock_nanosleep, 99, 0, &ts, 0);
  TRY_CALL(clock_nanosleep, 0, 0, &neg, 0);
  TRY_CALL(clock_nanosleep, 0, 0, &big, 0);
  TRY_CALL(clock_nanosleep, 0, 0, kBad, 0);
  TRY_CALL(nanosleep, &neg, 0);
  TRY_CALL(nanosleep, &big, 0);
  TRY_CALL(nanosleep, kBad, 0);
  TRY_CALL(nanosleep, &ts, 0);
  TRY_CALL(getitimer, 3, buf);
  TRY_CALL(getitimer, 0, kBad);
  TRY_CALL(setitimer, 3, 0, 0);
  TRY_CALL(setitimer, 0, 0, buf);
  TRY_CALL(setitimer, 0, kBad, 0);
  TRY_CALL(getitimer, -1, buf);
  TRY_CALL(time, kBad);
  TRY_CALL(gettimeofday, kBad, 0);
  TRY_CALL(gettimeofday, 0, kBad);
  TRY_CALL(alarm, 0);
  Ok("clocks");
}

static void Timers(void) {
  TRY_CALL(timer_create, 0, 0, kBad);
  TRY_CALL(timer_settime, 99, 0, buf, 0);
  TRY_CALL(timer_gettime, 99, buf);
  TRY_CALL(timer_getoverrun, 99);
  TRY_CALL(timer_delete, 99);
  Ok("timers");
}

static void Futexes(void) {
  TRY_CALL(futex, &w, 0, 4, 0, 0, 0);
  TRY_CALL(futex, &w, 1, 1, 0, 0, 0);
  TRY_CALL(futex, &w, 0x81, 1, 0, 0, 0);
  TRY_CALL(futex, kBad, 1, 1, 0, 0, 0);
  TRY_CALL(futex, kBad, 0x81, 1, 0, 0, 0);
  TRY_CALL(futex, &w, 10, 5, 0, 0, 0);
  TRY_CALL(futex, &w, 3, 1, 1, &w2, 0);
  TRY_CALL(futex, &w, 4, 1, 1, &w2, 4);
  TRY_CALL(futex, &w, 4, 1, 1, &w2, 5);
  TRY_CALL(futex, &w, 4, -1, 1, &w2, 5);
  TRY_CALL(futex, &w, 5, 1, 1, &w2, 0);
  TRY_CALL(futex, &w, 5, 1, 1, &w2, 0x50000000);
  TRY_CALL(futex, &w, 5, 1, 1, &w2, 0x06000000);
  TRY_CALL(futex, &w, 99, 1, 1, &w2, 0);
  TRY_CALL(futex, &w, 0x100 | 1, 1, 0, 0, 0);
  TRY_CALL(futex, &w, 0, 5, &neg, 0, 0);
  TRY_CALL(futex, &w, 0, 5, &big, 0, 0);
  TRY_CALL(futex, &w, 0, 5, kBad, 0, 0);
  TRY_CALL(futex, &w, 2, 0, 0, 0, 0);
  TRY_CALL(futex, ~0ull << 12, 1, 1, 0, 0, 0);
  TRY_CALL(set_robust_list, 0, 24);
  TRY_CALL(set_robust_list, 0, 23);
  TRY_CALL(get_robust_list, 0, buf, buf + 8);
  TRY_CALL(get_robust_list, 999999, buf, buf + 8);
  TRY_CALL(get_robust_list, -1, buf, buf + 8);
  TRY_CALL(get_robust_list, 0, kBad, buf);
  Ok("futexes");
}

static void Limits(void) {
  TRY_CALL(getrlimit, 16, buf);
  TRY_CALL(getrlimit, 0, kBad);
  TRY_CALL(getrlimit, -1, buf);
  TRY_CALL(setrlimit, 16, lim);
  TRY_CALL(setrlimit, 0, kBad);
  TRY_CALL(setrlimit, 4, lim2);
  TRY_CALL(prlimit64, 999999, 0, 0, 0);
  TRY_CALL(prlimit64, -1, 0, 0, 0);
  TRY_CALL(prlimit64, 0, 16, 0, 0);
  TRY_CALL(prlimit64, 0, 4, lim2, 0);
  TRY_CALL(prlimit64, 0, 4, kBad, 0);
  TRY_CALL(prlimit64, 0, 4, 0, kBad);
  TRY_CALL(getrusage, 2, buf);
  TRY_CALL(getrusage, -2, buf);
  TRY_CALL(getrusage, 0, kBad);
  TRY_CALL(getrusage, 1, buf);
  TRY_CALL(getpriority, 3, 0);
  TRY_CALL(getpriority, -1, 0);
  TRY_CALL(getpriority, 0, 999999);
  TRY_CALL(setpriority, 3, 0, 0);
  TRY_CALL(setpriority, 0, 999999, 0);
  Ok("limits");
}

static void Scheduling(void) {
  TRY_CALL(sched_getscheduler, -1);
  TRY_CALL(sched_getscheduler, 999999);
  TRY_CALL(sched_getscheduler, 0);
  TRY_CALL(sched_getparam, 0, 0);
  TRY_CALL(sched_getparam, -1, buf);
  TRY_CALL(sched_getparam, 0, kBad);
  TRY_CALL(sched_getparam, 999999, buf);
  TRY_CALL(sched_get_priority_max, 0);
  TRY_CALL(sched_get_priority_max, 1);
  TRY_CALL(sched_get_priority_max, 6);
  TRY_CALL(sched_get_priority_max, 4);
  TRY_CALL(sched_get_priority_max, 99);
  TRY_CALL(sched_get_priority_min, 2);
  TRY_CALL(sched_get_priority_max, 3);
  TRY_CALL(sched_get_priority_min, 5);
  TRY_CALL(sched_rr_get_interval, -1, buf);
  TRY_CALL(sched_rr_get_interval, 999999, buf);
  TRY_CALL(sched_rr_get_interval, 0, kBad);
  TRY_CALL(sched_getaffinity, 0, 7, buf);
  TRY_CALL(sched_getaffinity, 0, 4, buf);
  TRY_CALL(sched_getaffinity, 0, 128, kBad);
  TRY_CALL(sched_getaffinity, -1, 128, buf);
  TRY_CALL(sched_getaffinity, 999999, 128, buf);
  TRY_CALL(sched_getattr, 0, 0, 48, 0);
  TRY_CALL(sched_getattr, 0, buf, 47, 0);
  TRY_CALL(sched_getattr, 0, buf, 48, 1);
  TRY_CALL(sched_getattr, 0, buf, 48, 0);
  TRY_CALL(sched_getattr, -1, buf, 48, 0);
  TRY_CALL(sched_getattr, 999999, buf, 48, 0);
  Ok("scheduling");
}

static void Cloning(void) {
  TRY_CALL(clone, 0x10000, 0, 0, 0, 0);
  TRY_CALL(clone, 0x800, 0, 0, 0, 0);
  TRY_CALL(clone, 0x10800, 0, 0, 0, 0);
  TRY_CALL(clone, 0x101000, 0, 0, 0, 0);
  TRY_CALL(clone, 0x401000, 0, 0, 0, 0);
  TRY_CALL(unshare, 0);
  TRY_CALL(unshare, 1);
  TRY_CALL(unshare, 0x10000);
  TRY_CALL(unshare, 0x800);
  TRY_CALL(unshare, 0x200);
  TRY_CALL(unshare, 0x400);
  TRY_CALL(unshare, 0x100);
  Ok("clone and unshare");
}

static void System(void) {
  TRY_CALL(arch_prctl, 0x1003, kBad);
  TRY_CALL(arch_prctl, 0x9999, 0);
  TRY_CALL(arch_prctl, 0x1002, ~0ul << 47);
  TRY_CALL(arch_prctl, 0x1004, buf);
  TRY_CALL(rseq, 0, 32, 0, 0);
  TRY_CALL(rseq, buf, 31, 0, 0);
  TRY_CALL(rseq, (char*)buf + 1, 32, 0, 0);
  TRY_CALL(rseq, buf, 32, 2, 0);
  TRY_CALL(rseq, buf, 32, 1, 0);
  TRY_CALL(membarrier, 999, 0, 0);
  TRY_CALL(getcpu, 0, 0, 0);
  TRY_CALL(getcpu, kBad, 0, 0);
  TRY_CALL(getrandom, buf, 10, 8);
  TRY_CALL(getrandom, buf, 10, 6);
  TRY_CALL(getrandom, kBad, 10, 0);
  TRY_CALL(getrandom, buf, 0, 0);
  TRY_CALL(uname, kBad);
  Ok("the system");
}

static void Processes(void) {
  TRY_CALL(pidfd_open, 0, 0);
  TRY_CALL(pidfd_open, -1, 0);
  TRY_CALL(pidfd_open, 999999, 0);
  TRY_CALL(pidfd_open, getpid(), 1);
  TRY_CALL(pidfd_send_signal, -1, 0, 0, 0);
  TRY_CALL(pidfd_send_signal, 0, 0, 0, 0);
  TRY_CALL(pidfd_send_signal, 0, 0, 0, 9);
  TRY_CALL(pidfd_getfd, -1, 0, 0);
  TRY_CALL(pidfd_getfd, 0, 0, 0);
  TRY_CALL(pidfd_getfd, 0, 0, 1);
  TRY_CALL(kcmp, getpid(), getpid(), 99, 0, 0);
  TRY_CALL(kcmp, getpid(), getpid(), 0, 0, 99);
  TRY_CALL(execve, kBad, 0, 0);
  TRY_CALL(execve, "", 0, 0);
  TRY_CALL(execve, "/nonexistent", 0, 0);
  TRY_CALL(execve, "/tmp", 0, 0);
  TRY_CALL(execve, "/", 0, 0);
  TRY_CALL(execve, "/dev/null", 0, 0);
  TRY_CALL(execve, "/tmp", kBad, 0);
  TRY_CALL(execveat, -1, "x", 0, 0, 0);
  TRY_CALL(execveat, -100, "/tmp", 0, 0, 0x5);
  TRY_CALL(execveat, -100, "", 0, 0, 0);
  TRY_CALL(execveat, -1, "", 0, 0, 0x1000);
  Ok("other processes");
}

int main(void) {
  Sending();
  Masks();
  Waits();
  Groups();
  Clocks();
  Timers();
  Futexes();
  Limits();
  Scheduling();
  Cloning();
  System();
  Processes();
  return Finish();
}