// SPDX-License-Identifier: Apache-2.0
//
// Clocks and sleeping, as relations: monotonic clocks do not go back, sleeps last at least as long
// as asked, CPU time grows with work and not with sleep; resolutions; what is refused.
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static const long long kSecond = 1000000000;

static long long Now(clockid_t clock) {
  struct timespec now = {-1, -1};
  CHECK_INT(clock_gettime(clock, &now), 0);
  CHECK(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
  return now.tv_sec * kSecond + now.tv_nsec;
}

static void Monotonic(void) {
  clockid_t clocks[] = {CLOCK_MONOTONIC,          CLOCK_MONOTONIC_RAW,    CLOCK_MONOTONIC_COARSE,
                        CLOCK_BOOTTIME,           CLOCK_REALTIME,         CLOCK_REALTIME_COARSE,
                        CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
  for (int i = 0; i < 8; ++i) {
    const int may_be_set = clocks[i] == CLOCK_REALTIME || clocks[i] == CLOCK_REALTIME_COARSE;
    long long before = Now(clocks[i]);
    for (int n = 0; n < 1000; ++n) {
      long long now = Now(clocks[i]);
      CHECK(now >= before || may_be_set);
      before = now;
    }
    struct timespec resolution;
    CHECK_INT(clock_getres(clocks[i], &resolution), 0);
    CHECK(resolution.tv_sec == 0 && resolution.tv_nsec > 0 && resolution.tv_nsec <= 20000000);
  }
  const long long before = Now(CLOCK_REALTIME);
  CHECK(before > 1700000000LL * kSecond);
  struct timeval wall;
  CHECK_INT(gettimeofday(&wall, NULL), 0);
  const long seconds = syscall(SYS_time, NULL);  // as of the last tick
  const long long after = Now(CLOCK_REALTIME);
  const long long between = wall.tv_sec * kSecond + wall.tv_usec * 1000LL;
  CHECK(between >= before - 1000 && between <= after);
  CHECK(seconds >= before / kSecond - 1 && seconds <= after / kSecond);
  Ok("clocks");
}

static void Sleeps(void) {
  struct timespec request = {0, 15000000};
  long long before = Now(CLOCK_MONOTONIC);
  CHECK_INT(nanosleep(&request, NULL), 0);
  CHECK(Now(CLOCK_MONOTONIC) - before >= 15000000);
  before = Now(CLOCK_MONOTONIC) + 15000000;
  struct timespec until = {before / 1000000000, before % 1000000000};
  CHECK_INT(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
  CHECK(Now(CLOCK_MONOTONIC) >= before);
  CHECK_INT(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);  // past: at once
  request.tv_nsec = 0;
  CHECK_INT(nanosleep(&request, NULL), 0);
  request.tv_nsec = 1000000000;
  CHECK_ERR(nanosleep(&request, NULL), EINVAL);
  request.tv_nsec = -1;
  CHECK_ERR(nanosleep(&request, NULL), EINVAL);
  CHECK_ERR(syscall(SYS_nanosleep, 8, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_clock_gettime, 77, &request), EINVAL);
  CHECK_ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
  Ok("sleeps");
}

// What a busy host takes of a guest's time may count as CPU time, the sleep itself may not.
static void CpuTime(void) {
  long long start = Now(CLOCK_MONOTONIC), before = Now(CLOCK_PROCESS_CPUTIME_ID);
  struct timespec request = {0, 30000000};
  nanosleep(&request, NULL);
  long long used = Now(CLOCK_PROCESS_CPUTIME_ID) - before;
  CHECK(used < Now(CLOCK_MONOTONIC) - start - 25000000);
  long long end = Now(CLOCK_PROCESS_CPUTIME_ID) + 30000000;
  while (Now(CLOCK_PROCESS_CPUTIME_ID) < end) {
  }
  struct tms ticks;
  CHECK(times(&ticks) != (clock_t)-1);
  CHECK(ticks.tms_utime + ticks.tms_stime >= 2);
  CHECK_INT(ticks.tms_cutime + ticks.tms_cstime, 0);
  Ok("CPU time");
}

int main(void) {
  Monotonic();
  Sleeps();
  CpuTime();
  return Finish();
}
