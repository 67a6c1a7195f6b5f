// SPDX-License-Identifier: Apache-2.0
//
// Beginning and end of a fuzz program: the shared file and the arena, the first task, the report.
// The second half of runtime.h, whose tasks it runs; included once. The including file defines
//
//   static void Report(void);   // when all tasks are dead: what the shared file says
#include "src/fuzz/executor/runtime.h"

static void Report(void);

#include "src/fuzz/executor/monitor.h"

static void MapShared(int flags) {
  const int64_t fd = RAW3(__NR_open, SHARED_FILE, flags | 2, 0600);
  if (fd < 0) RAW1(__NR_exit_group, 100);
  if (flags != 0) RAW3(__NR_ftruncate, fd, sizeof(struct Shared), 0);
  const int64_t address =
      Raw(__NR_mmap, 0, sizeof(struct Shared), PROT_READ | PROT_WRITE, MAP_SHARED, (uint64_t)fd, 0);
  if (address < 0 && address > -4096) RAW1(__NR_exit_group, 101);
  RAW1(__NR_close, fd);
  shared = (struct Shared*)address;
  header = (struct FvFuzzHeader*)shared->program;
  turns = shared->program + sizeof(struct FvFuzzHeader);
}

static void MapPages(unsigned first, unsigned pages, uint64_t sharing) {
  Raw(__NR_mmap, ARENA(first * FV_FUZZ_PAGE), pages * FV_FUZZ_PAGE, PROT_READ | PROT_WRITE,
      sharing | MAP_ANONYMOUS | MAP_FIXED, ~0ull, 0);
}

static void MapArena(void) {
  MapPages(FV_FUZZ_PRIVATE_FIRST, FV_FUZZ_PRIVATE_PAGES, MAP_PRIVATE);
  MapPages(FV_FUZZ_SHARED_FIRST, FV_FUZZ_SHARED_PAGES, MAP_SHARED);
  MapPages(FV_FUZZ_SPAN_FIRST, FV_FUZZ_SPAN_PAGES, MAP_PRIVATE);
  for (uint64_t page = 0; page < FV_FUZZ_PRIVATE_PAGES / 2; ++page) {
    *(volatile uint64_t*)ARENA(page * FV_FUZZ_PAGE) = page + 1;
  }
}

// Mappings that are placed by the kernel come below this one: what a program does behind its own
// meets nothing else.
static void MapGuard(void) {
  Raw(__NR_mmap, 0, 2 * FV_FUZZ_ARENA_PAGES * FV_FUZZ_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
      ~0ull, 0);
}

static void BeginImage(void) {
  image = __atomic_add_fetch(&shared->images, 1, __ATOMIC_SEQ_CST);
  CatchFaults();
  MapArena();
  MapGuard();
  first_break = (uint64_t)RAW1(__NR_brk, 0);
}

static void OnAlarm(int number, void* info, void* context) {
  (void)number;
  (void)info;
  (void)context;
  KillAll(FV_FUZZ_OVERTIME);
}

static void SetAlarm(void) {
  const struct KernelSigaction action = {(uint64_t)OnAlarm, FV_SA_SIGINFO | FV_SA_RESTORER,
                                         (uint64_t)Restorer, 0};
  Raw(__NR_rt_sigaction, 14, (uint64_t)&action, 0, 8, 0, 0);
  // Again and again: a task may be born while the others are killed.
  const uint64_t us = (uint64_t)header->limit_ms * 1000;
  const uint64_t timer[4] = {0, 5000, us / 1000000, us % 1000000};
  RAW3(__NR_setitimer, 0, timer, 0);
}

// Until every task is dead. The dead, orphans too, are reaped when all are: until then a program
// can still name them.
static void Monitor(void) {
  if (header->limit_ms != 0) SetAlarm();
  if (IsTurnwise()) {
    HandTurnsOn();
  } else {
    WatchFreeTasks();
  }
  while (Raw(__NR_wait4, ~0ull, 0, 0x40000000u, 0, 0, 0) != -10) {  // __WALL; until ECHILD
  }
}

// Whether the program is there; kAwaited: no, and the first task sleeps until it is.
enum Start { kNotYet = 0, kStarted = 1, kAwaited = 2 };

// What comes before the program is known: the first task stands before its first step.
static void BeginProgram(void) {
  BeginImage();
  Raw(__NR_prctl, 36, 1, 0, 0, 0, 0);  // PR_SET_CHILD_SUBREAPER
  const uint64_t none[5] = {0};
  const int64_t first = RawSpawn(__NR_fork, none, StackOf(0), 0);
  if (first < 0) RAW1(__NR_exit_group, 103);
  Store32(&shared->report.pids[0], (uint32_t)first);
  while (Load32(&shared->state[0]) != kReady) RAW0(__NR_sched_yield);
}

// Lets the first task go and waits for the end of all. The shared file holds the program.
static void RunProgram(void) {
  if (!Swap32(&shared->started, kNotYet, kStarted)) {
    Store32(&shared->started, kStarted);
    RAW3(__NR_futex, &shared->started, 1, 1);  // FUTEX_WAKE
  }
  Monitor();
  RAW1(__NR_unlink, SHARED_FILE);
  Report();
  RAW1(__NR_exit_group, 0);
}

// The program is there in a moment, usually. If not, a guest has to come to rest before its host
// gives it more input.
static void AwaitStart(void) {
  for (unsigned yields = 0; yields < 64; ++yields) {
    if (Load32(&shared->started) == kStarted) return;
    RAW0(__NR_sched_yield);
  }
  Swap32(&shared->started, kNotYet, kAwaited);
  while (Load32(&shared->started) != kStarted) {
    Raw(__NR_futex, (uint64_t)&shared->started, 0, kAwaited, 0, 0, 0);  // FUTEX_WAIT
  }
}

// The first task is a group of its own, without descriptors.
static void BeginFirst(void) {
  // Privileges that a user namespace natively does not give: CAP_IPC_LOCK, CAP_SYS_NICE,
  // CAP_SYS_RESOURCE.
  uint32_t head[2] = {0x20080522, 0};
  uint32_t sets[6];
  RAW3(__NR_capget, head, sets, 0);
  for (int i = 0; i < 3; ++i) sets[i] &= ~(1u << 14 | 1u << 23 | 1u << 24);
  RAW3(__NR_capset, head, sets, 0);
  // An exec of root would give them back.
  for (uint64_t one = 14; one <= 24; one += one == 14 ? 9 : 1) RAW3(__NR_prctl, 24, one, 0);
  const uint64_t file_bytes[2] = {FV_FUZZ_FILE_BYTES, FV_FUZZ_FILE_BYTES};
  RAW3(__NR_setrlimit, 1, file_bytes, 0);  // RLIMIT_FSIZE
  RAW3(__NR_setpgid, 0, 0, 0);
  RAW3(__NR_close_range, 0, ~0u, 0);
  Store32(&shared->state[0], kReady);
  AwaitStart();
}

// The next image of a task that has called execve: goes on behind that step.
static void NextImage(const char* word) {
  const unsigned task = (unsigned)(word[0] - '0');
  const unsigned step = (unsigned)(word[1] - 'A');
  const uint32_t self = (uint32_t)RAW0(__NR_gettid);
  MapShared(0);
  EndFailing();
  BeginImage();
  // The exec of a thread: its leader is dead, and the thread has its number.
  for (unsigned other = 0; other < FV_FUZZ_TASKS; ++other) {
    const int same = other != task && Load32(&shared->report.pids[other]) == self;
    if (same) Store32(&shared->state[other], kGone);
  }
  Store32(&shared->report.pids[task], self);
  AfterStep(task, step, FV_FUZZ_SETTLES, 0);
  RunTask(task, step + 1);
  EndTask(task);
}
