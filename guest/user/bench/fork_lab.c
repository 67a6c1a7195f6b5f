// SPDX-License-Identifier: Apache-2.0
//
// The static program behind `forkvisor bench --vary`, in the guest and natively. One cycle:
//   1. --size bytes are mapped anew, spread over --vmas mappings, and touched as --touch says;
//   2. --depth processes are forked, each from the one before, and wait: the last one measures,
//      and its pages are shared with all of them;
//   3. the first fork of it: the series without a suffix;
//   4. --again forks more: the series ending in _again. Between two forks the process has written
//      --dirty percent of the pages, so that many are its own again;
//   5. one process made in each other way that Linux has.
// Series, in cycles of the time-stamp counter:
//   fork           the call as the parent sees it
//   start          from the call to the first instruction of the child
//   child_writes   the child writes its --dirty percent, while the parent waits for it
//   parent_writes  then the parent writes the same pages, while the child waits
//   done           from the call until both have written, and the child was waited for
//   fork_exit_wait, vfork_exit_wait          with _exit in the child and wait4 in the parent
//   fork_exec, vfork_exec, spawn             fork, vfork or posix_spawn of a program that ends at
//                                            once (this one, with --exit), until it was waited for
// Each of 5 after a write of the --dirty percent. Output as fork_bench's; with --thp, which asks
// for huge pages instead of forbidding them, also "huge_bytes N": how much was in huge pages.
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "guest/user/lib/bench.h"

enum { kHugePage = 2 << 20 };
enum Touch { kTouchNone, kTouchRead, kTouchWrite };
enum Age { kFirst, kAgain, kAges };

enum Series {
  kFork,
  kForkAgain,
  kStart,
  kStartAgain,
  kChildWrites,
  kChildWritesAgain,
  kParentWrites,
  kParentWritesAgain,
  kDone,
  kDoneAgain,
  kForkExitWait,
  kVforkExitWait,
  kForkExec,
  kVforkExec,
  kSpawn,
  kSeries
};
static const char* const kNames[kSeries] = {
    "fork",         "fork_again",         "start",          "start_again",
    "child_writes", "child_writes_again", "parent_writes",  "parent_writes_again",
    "done",         "done_again",         "fork_exit_wait", "vfork_exit_wait",
    "fork_exec",    "vfork_exec",         "spawn",
};

// In memory shared by all processes.
typedef struct {
  size_t counts[kSeries];
  uint64_t child_start;
  uint64_t child_writes;
  size_t capacity;     // samples of each series
  uint64_t samples[];  // series by series
} Record;

typedef struct {
  size_t size;
  enum Touch touch;
  size_t vmas;
  size_t depth;
  size_t dirty;  // percent
  size_t cycles;
  size_t again;
  int huge;
  const char* self;
  unsigned char* reserved;  // what was mapped, with gaps and alignment
  size_t reserved_bytes;
  volatile unsigned char* memory;
  Record* record;
} Lab;

static void Note(Lab* lab, enum Series series, uint64_t cycles) {
  Record* record = lab->record;
  size_t* count = &record->counts[series];
  if (*count < record->capacity) {
    record->samples[(size_t)series * record->capacity + (*count)++] = cycles;
  }
}

static size_t PageCount(const Lab* lab) { return lab->size / kPage; }
// Pages of each mapping but the last; a mapping has at least one.
static size_t PagesOfOne(const Lab* lab) {
  size_t pages = (PageCount(lab) + lab->vmas - 1) / lab->vmas;
  return pages == 0 ? 1 : pages;
}

// A page without a mapping follows each mapping, so that no two become one.
static volatile unsigned char* PageAt(const Lab* lab, size_t page) {
  return lab->memory + (page + page / PagesOfOne(lab)) * kPage;
}

static void MapMemory(Lab* lab) {
  if (lab->reserved) munmap(lab->reserved, lab->reserved_bytes);
  lab->reserved = NULL;
  if (lab->size == 0 && lab->vmas <= 1) return;
  size_t each = (PagesOfOne(lab) + 1) * kPage;
  size_t whole = each * lab->vmas;
  lab->reserved_bytes = whole + kHugePage;
  lab->reserved = mmap(NULL, lab->reserved_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (lab->reserved == MAP_FAILED) Die("mmap");
  size_t lead = (size_t)(-(uintptr_t)lab->reserved) % kHugePage;
  lab->memory = lab->reserved + lead;
  if (lead > 0) munmap(lab->reserved, lead);
  munmap((void*)(lab->memory + whole - kPage), kHugePage - lead + kPage);
  for (size_t i = 1; i < lab->vmas; ++i) munmap((void*)(lab->memory + i * each - kPage), kPage);
  for (size_t i = 0; i < lab->vmas; ++i) {
    void* start = (void*)(lab->memory + i * each);
    madvise(start, each - kPage, lab->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    // Quicker than a fault for each page, and refused by kernels before Linux 5.14: the loop below
    // faults the pages in there. A last mapping that is not full brings pages that nobody counts.
    if (lab->touch == kTouchWrite && lab->size > 0)
      madvise(start, each - kPage, MADV_POPULATE_WRITE);
  }
  for (size_t page = 0; page < PageCount(lab); ++page) {
    if (lab->touch == kTouchWrite) *PageAt(lab, page) = 1;
    if (lab->touch == kTouchRead) (void)*PageAt(lab, page);
  }
}

static size_t DirtyBefore(const Lab* lab, size_t page) { return page * lab->dirty / 100; }

// Writes the dirty percentage, spread evenly. Cycles.
static uint64_t WriteDirty(const Lab* lab) {
  uint64_t start = Now();
  for (size_t page = 0; page < PageCount(lab); ++page) {
    if (DirtyBefore(lab, page) != DirtyBefore(lab, page + 1)) *PageAt(lab, page) = 2;
  }
  return Now() - start;
}

static void Signal(int fd) {
  if (write(fd, "", 1) != 1) Die("write");
}
static void Await(int fd) {
  char byte;
  if (read(fd, &byte, 1) != 1) Die("read");
}

// One fork, with what comes after it.
static void Fork(Lab* lab, enum Age age) {
  int from_child[2], to_child[2];
  int writes = DirtyBefore(lab, PageCount(lab)) > 0;
  if (writes && (pipe(from_child) != 0 || pipe(to_child) != 0)) Die("pipe");
  uint64_t start = Now();
  pid_t pid = RawFork();
  if (pid == 0) {
    lab->record->child_start = Now();
    if (writes) {
      lab->record->child_writes = WriteDirty(lab);
      Signal(from_child[1]);
      Await(to_child[0]);
    }
    _exit(0);
  }
  uint64_t returned = Now();
  if (pid < 0) Die("fork");
  uint64_t parent_writes = 0;
  if (writes) {
    Await(from_child[0]);
    parent_writes = WriteDirty(lab);
    Signal(to_child[1]);
  }
  Reap(pid);
  uint64_t done = Now();
  Note(lab, kFork + age, returned - start);
  Note(lab, kStart + age, lab->record->child_start - start);
  Note(lab, kDone + age, done - start);
  if (!writes) return;
  Note(lab, kChildWrites + age, lab->record->child_writes);
  Note(lab, kParentWrites + age, parent_writes);
  for (int i = 0; i < 2; ++i) {
    close(from_child[i]);
    close(to_child[i]);
  }
}

static pid_t MakeChild(const Lab* lab, enum Series how) {
  char* arguments[] = {(char*)lab->self, "--exit", NULL};
  char* environment[] = {NULL};
  pid_t pid = -1;
  if (how == kSpawn) {
    if (posix_spawn(&pid, lab->self, NULL, NULL, arguments, environment) != 0) return -1;
    return pid;
  }
  pid = how == kVforkExitWait || how == kVforkExec ? vfork() : RawFork();
  if (pid == 0) {
    if (how == kForkExec || how == kVforkExec) execve(lab->self, arguments, environment);
    _exit(how == kForkExec || how == kVforkExec ? 127 : 0);
  }
  return pid;
}

static void TimeOtherWays(Lab* lab) {
  for (enum Series how = kForkExitWait; how <= kSpawn; ++how) {
    WriteDirty(lab);
    uint64_t start = Now();
    pid_t pid = MakeChild(lab, how);
    if (pid < 0) Die(kNames[how]);
    Reap(pid);
    Note(lab, how, Now() - start);
  }
}

static void Measure(Lab* lab) {
  Fork(lab, kFirst);
  for (size_t i = 0; i < lab->again; ++i) Fork(lab, kAgain);
  TimeOtherWays(lab);
}

static void MeasureAtDepth(Lab* lab, size_t depth) {
  if (depth == 0) {
    Measure(lab);
    return;
  }
  pid_t pid = RawFork();
  if (pid == 0) {
    MeasureAtDepth(lab, depth - 1);
    _exit(0);
  }
  if (pid < 0) Die("fork");
  Reap(pid);
}

// Bytes of this process that are in huge pages, as /proc/self/smaps_rollup has them.
static size_t HugeBytes(void) {
  FILE* file = fopen("/proc/self/smaps_rollup", "r");
  char line[256];
  size_t kib = 0;
  while (file && fgets(line, sizeof(line), file)) {
    if (sscanf(line, "AnonHugePages: %zu kB", &kib) == 1) break;
  }
  if (file) fclose(file);
  return kib * 1024;
}

static void ParseFlags(int argc, char** argv, Lab* lab) {
  static const struct option kFlags[] = {
      {"size", required_argument, NULL, 's'},
      {"touch", required_argument, NULL, 't'},
      {"vmas", required_argument, NULL, 'v'},
      {"depth", required_argument, NULL, 'd'},
      {"dirty", required_argument, NULL, 'w'},
      {"cycles", required_argument, NULL, 'c'},
      {"again", required_argument, NULL, 'a'},
      {"thp", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0},
  };
  int flag;
  while ((flag = getopt_long(argc, argv, "", kFlags, NULL)) != -1) {
    size_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
    if (flag == 's') lab->size = number & ~(size_t)(kPage - 1);
    if (flag == 't') {
      lab->touch = strcmp(optarg, "write") == 0  ? kTouchWrite
                   : strcmp(optarg, "read") == 0 ? kTouchRead
                                                 : kTouchNone;
    }
    if (flag == 'v') lab->vmas = number > 0 ? number : 1;
    if (flag == 'd') lab->depth = number;
    if (flag == 'w') lab->dirty = number < 100 ? number : 100;
    if (flag == 'c') lab->cycles = number;
    if (flag == 'a') lab->again = number;
    if (flag == 'h') lab->huge = 1;
    if (flag == '?') exit(2);
  }
}

static Record* MakeRecord(const Lab* lab) {
  size_t capacity = lab->cycles * (lab->again > 1 ? lab->again : 1);
  size_t bytes = sizeof(Record) + capacity * kSeries * sizeof(uint64_t);
  Record* record =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (record == MAP_FAILED) Die("mmap");
  record->capacity = capacity;
  return record;
}

static void Print(const Lab* lab) {
  const Record* record = lab->record;
  for (size_t series = 0; series < kSeries; ++series) {
    for (size_t i = 0; i < record->counts[series]; ++i) {
      printf("sample %s %zu %zu %llu\n", kNames[series], lab->size, i,
             (unsigned long long)record->samples[series * record->capacity + i]);
    }
  }
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--exit") == 0) _exit(0);
  Lab lab = {.touch = kTouchWrite, .vmas = 1, .cycles = 3, .again = 4, .self = argv[0]};
  ParseFlags(argc, argv, &lab);
  // Neither side may make huge pages of what did not ask for them.
  if (!lab.huge) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  lab.record = MakeRecord(&lab);
  Clocks start = ReadClocks();
  size_t huge_bytes = 0;
  for (size_t cycle = 0; cycle < lab.cycles; ++cycle) {
    MapMemory(&lab);
    if (lab.huge && cycle == 0) huge_bytes = HugeBytes();
    MeasureAtDepth(&lab, lab.depth);
  }
  Print(&lab);
  if (lab.huge) printf("huge_bytes %zu\n", huge_bytes);
  PrintFrequency(start);
  printf("done\n");
  return 0;
}
