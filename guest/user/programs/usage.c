// SPDX-License-Identifier: Apache-2.0
//
// getrusage and times: own and children's time apart, children count only when waited for, a
// fresh child starts at zero, faults are counted, maximum resident size grows.
// Rows of docs/fork-features.md: F09.
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static long Micros(const struct rusage* usage) {
  return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000L + usage->ru_utime.tv_usec +
         usage->ru_stime.tv_usec;
}

static long Own(int who) {
  struct rusage usage;
  CHECK_INT(getrusage(who, &usage), 0);
  return Micros(&usage);
}

static void Burn(long micros) {
  long end = Own(RUSAGE_SELF) + micros;
  while (Own(RUSAGE_SELF) < end) {
  }
}

static long Now(void) {
  struct timespec now;
  CHECK_INT(clock_gettime(CLOCK_MONOTONIC, &now), 0);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// What the parent burnt does not count; what a busy host takes of a guest's time may.
static void Child(void* forked) {
  long own = Own(RUSAGE_SELF);
  CHECK(own < Now() - *(long*)forked + 50000);
  CHECK_INT(Own(RUSAGE_CHILDREN), 0);
  Burn(60000);
}

// In a child: the largest size of a process survives its exec, and what it was before is another's.
static void FaultsAndSize(void* arg) {
  (void)arg;
  struct rusage usage;
  CHECK_INT(getrusage(RUSAGE_SELF, &usage), 0);
  long faults = usage.ru_minflt, resident = usage.ru_maxrss;
  unsigned char* memory = Pages(2000);
  FillPages(memory, 2000, 1);
  CHECK_INT(getrusage(RUSAGE_SELF, &usage), 0);
  CHECK(usage.ru_minflt > faults);  // faults around may fill several pages at once
  CHECK(usage.ru_maxrss >= resident + 4000);
}

int main(void) {
  Burn(80000);
  CHECK_INT(Own(RUSAGE_CHILDREN), 0);
  long now = Now();
  pid_t child = Fork(Child, &now);
  siginfo_t info;
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
  CHECK_INT(Own(RUSAGE_CHILDREN), 0);
  int status;
  struct rusage usage;
  CHECK_INT(wait4(child, &status, 0, &usage), child);
  CHECK_INT(status, 0);
  CHECK(Micros(&usage) >= 60000);
  CHECK(Own(RUSAGE_CHILDREN) >= 60000);
  struct tms ticks;
  times(&ticks);
  CHECK(ticks.tms_cutime + ticks.tms_cstime >= 5);
  Ok("time");
  CHECK_INT(RunChild(FaultsAndSize, NULL), 0);
  CHECK_ERR(getrusage(12, &usage), EINVAL);
  Ok("faults and size");
  return Finish();
}
