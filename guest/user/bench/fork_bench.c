// SPDX-License-Identifier: Apache-2.0
//
// The static benchmark that `forkvisor bench` runs in the guest and natively. Maps --size bytes
// with 4 KiB pages, touches them as asked, then times what --modes names, --repetitions times:
//   null          one getppid(2) call (mean of 100 back to back)
//   fork          the fork call as the parent sees it; the child leaves at once, reaping not timed
//   forkagain     the same when nothing was written since the last fork: the pages are shared and
//                 write-protected already
//   forkexitwait  fork, _exit in the child, wait4 in the parent
//   vforkexitwait the same with vfork
//   cow           one copy-on-write fault with page copy in the child (mean over 64 touched pages,
//                 fewer if there are fewer); needs --touch=write
//   reuse         the write fault of the parent on a page that it alone holds again
// Before each fork and forkexitwait the memory is mapped and touched anew, so that every page is
// the parent's alone and writable, as in a program that works on its memory. Output, a line a
// sample: "sample MODE SIZE REP CYCLES" (RDTSC differences), then "tsc_khz KHZ" measured against
// CLOCK_MONOTONIC over the whole run, last "done".
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/user/lib/bench.h"

enum { kCowPages = 64, kNullCalls = 100, kMaxModes = 16 };
enum Touch { kTouchNone, kTouchRead, kTouchWrite };

typedef struct {
  size_t size;
  enum Touch touch;
  long repetitions;
  volatile unsigned char* memory;
  volatile uint64_t* result;  // shared with children
} Bench;

static uint64_t TimeNull(const Bench* bench) {
  (void)bench;
  uint64_t start = Now();
  for (int i = 0; i < kNullCalls; ++i) syscall(SYS_getppid);
  return (Now() - start) / kNullCalls;
}

static uint64_t TimeFork(const Bench* bench) {
  (void)bench;
  uint64_t start = Now();
  pid_t pid = RawFork();
  if (pid == 0) _exit(0);
  uint64_t cycles = Now() - start;
  if (pid < 0) Die("fork");
  Reap(pid);
  return cycles;
}

static uint64_t TimeForkExitWait(const Bench* bench) {
  (void)bench;
  uint64_t start = Now();
  pid_t pid = RawFork();
  if (pid == 0) _exit(0);
  if (pid < 0) Die("fork");
  Reap(pid);
  return Now() - start;
}

static uint64_t TimeVforkExitWait(const Bench* bench) {
  (void)bench;
  uint64_t start = Now();
  pid_t pid = vfork();
  if (pid == 0) _exit(0);
  if (pid < 0) Die("vfork");
  Reap(pid);
  return Now() - start;
}

// Mean cycles of a write to each of up to kCowPages pages spread over the mapping.
static uint64_t WriteFaults(const Bench* bench) {
  size_t pages = bench->size / kPage;
  size_t count = pages < kCowPages ? pages : kCowPages;
  if (count == 0) return 0;
  size_t stride = pages / count;
  uint64_t start = Now();
  for (size_t i = 0; i < count; ++i) bench->memory[i * stride * kPage] = 2;
  return (Now() - start) / count;
}

static uint64_t TimeCow(const Bench* bench) {
  pid_t pid = RawFork();
  if (pid == 0) {
    *bench->result = WriteFaults(bench);
    _exit(0);
  }
  if (pid < 0) Die("fork");
  Reap(pid);
  return *bench->result;
}

static uint64_t TimeReuse(const Bench* bench) {
  pid_t pid = RawFork();
  if (pid == 0) _exit(0);
  if (pid < 0) Die("fork");
  Reap(pid);
  return WriteFaults(bench);
}

enum Needs { kAny, kFresh, kPages };

typedef struct {
  const char* name;
  uint64_t (*time)(const Bench*);
  enum Needs needs;
} Mode;

static const Mode kModes[] = {
    {"null", TimeNull, kAny},
    {"fork", TimeFork, kFresh},
    {"forkagain", TimeFork, kAny},
    {"forkexitwait", TimeForkExitWait, kFresh},
    {"vforkexitwait", TimeVforkExitWait, kAny},
    {"cow", TimeCow, kPages},
    {"reuse", TimeReuse, kPages},
};

static const Mode* FindMode(const char* name) {
  for (size_t i = 0; i < sizeof(kModes) / sizeof(kModes[0]); ++i) {
    if (strcmp(kModes[i].name, name) == 0) return &kModes[i];
  }
  fprintf(stderr, "fork_bench: unknown mode %s\n", name);
  exit(2);
}

static void MapMemory(Bench* bench) {
  if (bench->size == 0) return;
  if (bench->memory) munmap((void*)bench->memory, bench->size);
  void* memory = mmap(NULL, bench->size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) Die("mmap");
  madvise(memory, bench->size, MADV_NOHUGEPAGE);
  bench->memory = memory;
  // One call instead of a fault for each page: only how the pages come is quicker, not what they
  // are. Kernels without it (before Linux 5.14) refuse, and the loop below faults them in.
  if (bench->touch == kTouchWrite) madvise(memory, bench->size, MADV_POPULATE_WRITE);
  for (size_t at = 0; at < bench->size; at += kPage) {
    if (bench->touch == kTouchWrite) bench->memory[at] = 1;
    if (bench->touch == kTouchRead) (void)bench->memory[at];
  }
}

static void RunMode(Bench* bench, const Mode* mode) {
  if (mode->needs == kPages && (bench->size < kPage || bench->touch != kTouchWrite)) return;
  for (long rep = 0; rep < bench->repetitions; ++rep) {
    if (mode->needs == kFresh) MapMemory(bench);
    uint64_t cycles = mode->time(bench);
    printf("sample %s %zu %ld %llu\n", mode->name, bench->size, rep, (unsigned long long)cycles);
  }
}

static const char* ParseFlags(int argc, char** argv, Bench* bench) {
  static const struct option kFlags[] = {
      {"size", required_argument, NULL, 's'},        {"touch", required_argument, NULL, 't'},
      {"repetitions", required_argument, NULL, 'r'}, {"mode", required_argument, NULL, 'm'},
      {"modes", required_argument, NULL, 'm'},       {NULL, 0, NULL, 0},
  };
  const char* modes = "fork";
  int flag;
  while ((flag = getopt_long(argc, argv, "", kFlags, NULL)) != -1) {
    if (flag == 's') {
      bench->size = strtoull(optarg, NULL, 10) & ~(size_t)(kPage - 1);
    } else if (flag == 't') {
      bench->touch = strcmp(optarg, "write") == 0  ? kTouchWrite
                     : strcmp(optarg, "read") == 0 ? kTouchRead
                                                   : kTouchNone;
    } else if (flag == 'r') {
      bench->repetitions = strtol(optarg, NULL, 10);
    } else if (flag == 'm') {
      modes = optarg;
    } else {
      exit(2);
    }
  }
  return modes;
}

int main(int argc, char** argv) {
  Bench bench = {.size = 0, .touch = kTouchWrite, .repetitions = 10, .memory = NULL};
  char* modes = strdup(ParseFlags(argc, argv, &bench));
  // Output waits in one buffer until the end: a write inside a repetition would disturb the next.
  // Children leave by _exit and never flush it.
  static char output[1 << 20];
  setvbuf(stdout, output, _IOFBF, sizeof(output));
  bench.result = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (bench.result == MAP_FAILED) Die("mmap");
  *bench.result = 0;
  Clocks start = ReadClocks();
  MapMemory(&bench);
  for (char* name = strtok(modes, ","); name; name = strtok(NULL, ",")) {
    RunMode(&bench, FindMode(name));
  }
  PrintFrequency(start);
  printf("done\n");
  return 0;
}
