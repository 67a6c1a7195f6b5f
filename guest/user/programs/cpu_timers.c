// SPDX-License-Identifier: Apache-2.0
//
// Timers and sleeping on CPU-time clocks (timer_create(2), clock_nanosleep(2)): they count the time
// that the process or thread runs, not the time that passes.
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "guest/user/lib/proc.h"

enum { kMillisecond = 1000000, kSecond = 1000000000 };

static volatile sig_atomic_t fired;
static volatile int stop;

static void OnTimer(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  CHECK_INT(info->si_code, SI_TIMER);
  CHECK_INT(info->si_value.sival_int, 77);
  ++fired;
}

static int64_t Now(clockid_t clock) {
  struct timespec now;
  CHECK_INT(clock_gettime(clock, &now), 0);
  return now.tv_sec * (int64_t)kSecond + now.tv_nsec;
}

static struct itimerspec In(long ns, long interval) {
  struct itimerspec spec = {{0, interval}, {ns / kSecond, ns % kSecond}};
  return spec;
}

static timer_t Create(clockid_t clock) {
  struct sigevent event = {0};
  timer_t timer;
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  event.sigev_value.sival_int = 77;
  CHECK_INT(timer_create(clock, &event, &timer), 0);
  return timer;
}

// Runs, without a system call, until the timer has fired `count` times.
static void RunUntil(int count) {
  while (fired < count) {
  }
}

static void Fires(clockid_t clock) {
  fired = 0;
  timer_t timer = Create(clock);
  struct itimerspec spec = In(50 * (long)kSecond, 0), left;
  CHECK_INT(timer_settime(timer, 0, &spec, NULL), 0);
  CHECK_INT(timer_gettime(timer, &left), 0);
  // All of it, if the clock's step is longer than the two calls.
  const int whole = left.it_value.tv_sec == 50 && left.it_value.tv_nsec == 0;
  CHECK(whole || (left.it_value.tv_sec >= 40 && left.it_value.tv_sec < 50));
  spec = In(20 * kMillisecond, 0);
  int64_t start = Now(clock);
  CHECK_INT(timer_settime(timer, 0, &spec, NULL), 0);
  RunUntil(1);
  CHECK(Now(clock) - start >= 20 * kMillisecond);
  CHECK_INT(timer_gettime(timer, &left), 0);
  CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
  spec = In(5 * kMillisecond, 5 * kMillisecond);
  CHECK_INT(timer_settime(timer, 0, &spec, NULL), 0);
  RunUntil(4);
  spec = In(0, 0);
  CHECK_INT(timer_settime(timer, 0, &spec, &left), 0);
  CHECK_INT(left.it_interval.tv_nsec, 5 * kMillisecond);
  // Absolute, and long past.
  fired = 0;
  spec = In(1, 0);
  CHECK_INT(timer_settime(timer, TIMER_ABSTIME, &spec, NULL), 0);
  RunUntil(1);
  CHECK_INT(timer_delete(timer), 0);
}

// A process that sleeps uses none of its time. What a busy host takes of a guest's time may count.
static void StandsStill(void) {
  fired = 0;
  timer_t timer = Create(CLOCK_PROCESS_CPUTIME_ID);
  struct itimerspec spec = In(15 * (long)kMillisecond, 0);
  int64_t wall = Now(CLOCK_MONOTONIC), start = Now(CLOCK_PROCESS_CPUTIME_ID);
  CHECK_INT(timer_settime(timer, 0, &spec, NULL), 0);
  struct timespec while_asleep = {0, 30 * kMillisecond};
  int error = nanosleep(&while_asleep, NULL) == 0 ? 0 : errno;
  int64_t used = Now(CLOCK_PROCESS_CPUTIME_ID) - start;
  if (error == 0) CHECK(used < Now(CLOCK_MONOTONIC) - wall - 25 * kMillisecond);
  if (used < 15 * kMillisecond) CHECK_INT(error, 0);
  CHECK(fired == 0 || used >= 15 * kMillisecond);
  CHECK_INT(timer_delete(timer), 0);
}

static void* Spins(void* arg) {
  while (!stop) {
  }
  return arg;
}

static void OnAlarm(int signal) { (void)signal; }

// clock_nanosleep as the system call: the error as a negative number.
static long Sleep(clockid_t clock, int flags, long ns, struct timespec* left) {
  struct timespec request = {ns / kSecond, ns % kSecond};
  return syscall(SYS_clock_nanosleep, clock, flags, &request, left);
}

static void Sleeps(void) {
  pthread_t spinner;
  clockid_t thread_clock;
  stop = 0;
  CHECK_INT(pthread_create(&spinner, NULL, Spins, NULL), 0);
  CHECK_INT(pthread_getcpuclockid(spinner, &thread_clock), 0);
  int64_t start = Now(CLOCK_PROCESS_CPUTIME_ID);
  CHECK_INT(Sleep(CLOCK_PROCESS_CPUTIME_ID, 0, 20 * kMillisecond, NULL), 0);
  CHECK(Now(CLOCK_PROCESS_CPUTIME_ID) - start >= 20 * kMillisecond);
  int64_t until = Now(thread_clock) + 10 * kMillisecond;
  CHECK_INT(Sleep(thread_clock, TIMER_ABSTIME, (long)until, NULL), 0);
  CHECK(Now(thread_clock) >= until);
  stop = 1;
  pthread_join(spinner, NULL);
  CHECK_ERR(Sleep(CLOCK_THREAD_CPUTIME_ID, 0, 1, NULL), EOPNOTSUPP);
  CHECK_ERR(Sleep(-2, 0, 1, NULL), EINVAL);  // the caller's own thread by number
  CHECK_ERR(Sleep((clockid_t)(~0x7FFFFFu << 3 | 2), 0, 1, NULL), EINVAL);  // nobody's
}

// Nobody runs, so only a signal ends the sleep; what was left is told.
static void IsInterrupted(void) {
  Handle(SIGALRM, OnAlarm, 0);
  struct timespec left = {0, 0};
  struct itimerspec soon = In(10 * kMillisecond, 10 * kMillisecond);  // one of them is in time
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  timer_t timer;
  CHECK_INT(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  CHECK_INT(timer_settime(timer, 0, &soon, NULL), 0);
  CHECK_ERR(Sleep(CLOCK_PROCESS_CPUTIME_ID, 0, 50 * (long)kSecond, &left), EINTR);
  CHECK(left.tv_sec >= 45 && left.tv_sec <= 50);
  CHECK_INT(timer_delete(timer), 0);
}

int main(void) {
  HandleInfo(SIGUSR1, OnTimer, 0);
  Fires(CLOCK_PROCESS_CPUTIME_ID);
  Ok("process clock");
  Fires(CLOCK_THREAD_CPUTIME_ID);
  Ok("thread clock");
  StandsStill();
  Ok("sleeping takes no CPU time");
  Sleeps();
  Ok("sleeping on others' time");
  IsInterrupted();
  Ok("interrupted");
  return Finish();
}
