// SPDX-License-Identifier: Apache-2.0
//
// The monitor: the process that made the first task. It hands the baton (turns.h) on where a task
// cannot: when a step may have moved others, when its holder has died, was stopped or waits. It
// ends a program whose tasks wait for what nobody can do any more.
//
// It has to know when the others are at rest. In a guest whose clock stands still while anybody
// runs it sleeps: it awakes when nobody else can go on. Natively it reads their states in /proc.
//
// Part of lifecycle.h, included there once.

#define LONGEST_SLEEP_NS 300000  // of a program's timeouts
#define LOOK_NS 100000           // natively, between two looks at the baton's holder
#define REST_NS 20000            // natively, between two looks whether all are at rest
#define STUCK_NS 2000000         // natively, before tasks that wait for each other are given up
#define LONG_LOOKS 200           // after which a holder that only sleeps waits for another task

// A process without memory is a dead one: process_vm_readv(2) says ESRCH.
static int HasNoMemory(uint32_t pid) {
  uint8_t byte;
  const uint64_t local[2] = {(uint64_t)&byte, 1};
  const uint64_t remote[2] = {(uint64_t)shared, 1};
  return Raw(__NR_process_vm_readv, pid, (uint64_t)local, 1, (uint64_t)remote, 1, 0) == -3;
}

// A thread that execs loses its number, and has its leader's from then on.
static int IsDead(unsigned task) {
  const uint32_t pid = Load32(&shared->report.pids[task]);
  if (pid == 0 || !HasNoMemory(pid)) return 0;
  return Load32(&shared->state[task]) != kExecing || HasNoMemory(Load32(&shared->group[task]));
}

static void Nap(uint64_t ns) {
  const uint64_t time[2] = {0, ns};
  RAW3(__NR_nanosleep, time, 0, 0);
}

// ---- states, natively ----

// The letter of /proc/PID/stat; 'Z' for whom there is none.
static char StateOf(uint32_t pid) {
  char path[32] = "/proc/";
  char text[64];
  char* at = path + 6;
  uint32_t unit = 1000000000;
  while (unit > 1 && pid / unit == 0) unit /= 10;
  for (; unit != 0; unit /= 10) *at++ = (char)('0' + pid / unit % 10);
  for (const char* rest = "/stat"; *rest != 0;) *at++ = *rest++;
  *at = 0;
  const int64_t fd = RAW3(__NR_open, path, 0, 0);
  if (fd < 0) return 'Z';
  const int64_t size = RAW3(__NR_read, fd, text, sizeof(text));
  RAW1(__NR_close, fd);
  // "PID (NAME) S": a name has up to 15 characters, any.
  for (int64_t i = size - 3; i > 0; --i) {
    if (text[i] == ')' && text[i + 1] == ' ') return text[i + 2];
  }
  return 'Z';
}

enum Rest { kRuns, kAsleep, kStopped, kDead };

static enum Rest RestOf(unsigned task) {
  const uint32_t state = Load32(&shared->state[task]);
  const uint32_t pid = Load32(&shared->report.pids[task]);
  if (pid == 0) return kRuns;  // being born: who waits for it in vfork(2) sleeps already
  char letter = StateOf(pid);
  if (state == kExecing && (letter == 'Z' || letter == 'X')) {
    letter = StateOf(Load32(&shared->group[task]));
  }
  switch (letter) {
    case 'Z':
    case 'X':
      return kDead;
    case 'T':
    case 't':
      return kStopped;
    case 'S':
    case 'I':
      return kAsleep;
    case 'D':
      return state == kVforking ? kAsleep : kRuns;
    default:
      return kRuns;
  }
}

// ---- rest ----

static int IsOver(void) { return Load32(&shared->report.cut) == FV_FUZZ_OVERTIME; }

static int IsThere(unsigned task) {
  const uint32_t state = Load32(&shared->state[task]);
  return state != kUnborn && state != kGone && Load32(&shared->report.pids[task]) != 0;
}

// Natively: whether all are at rest. Takes note of the dead.
static int AllRest(void) {
  for (unsigned task = 0; task < FV_FUZZ_TASKS; ++task) {
    const uint32_t state = Load32(&shared->state[task]);
    if (state == kUnborn || state == kGone) continue;
    const enum Rest rest = RestOf(task);
    if (rest == kRuns) return 0;
    if (rest == kDead) Store32(&shared->state[task], kGone);
  }
  return 1;
}

// A task is seen dead before its parent has been told: who asks for its children waits for that.
static int AllSettled(void) {
  if (!AllRest()) return 0;
  Raw(__NR_waitid, 0, 0, 0, 0x01000005, 0, 0);  // P_ALL; WEXITED | WNOHANG | WNOWAIT
  return AllRest();
}

static void Settle(void) {
  if (SleepsAreLast()) return;  // why the monitor is awake
  for (unsigned look = 0; !AllSettled() && !IsOver(); ++look) {
    if (look < 8) {
      RAW0(__NR_sched_yield);
    } else {
      Nap(REST_NS);
    }
  }
}

// The tasks alone, whose numbers are known, and the groups that they lead: nothing else that may
// run beside them. A child of vfork that was stopped before its first instruction is known by its
// group only.
static void KillAll(enum FvFuzzCut why) {
  Swap32(&shared->report.cut, FV_FUZZ_WHOLE, why);
  for (unsigned task = 0; task < FV_FUZZ_TASKS; ++task) {
    const uint32_t pid = Load32(&shared->report.pids[task]);
    if (pid == 0) continue;
    RAW3(__NR_kill, pid, 9, 0);
    RAW3(__NR_kill, -(uint64_t)pid, 9, 0);
  }
}

// ---- the baton ----

static uint32_t stuck;  // tasks that had their turn since the last progress, and did not use it

// Where sleeps are last all are at rest now; natively the holder may run.
static enum Rest HolderRests(unsigned holder) {
  if (!SleepsAreLast()) return RestOf(holder);
  return IsDead(holder) ? kDead : kStopped;
}

// Takes the baton from a holder that does not go on. True: the monitor has it.
static int TakeBaton(unsigned* sleeps) {
  const unsigned holder = Load32(&shared->baton);
  if (holder == MONITOR) {
    EndFailing();  // whom it was for may be dead
    return 1;
  }
  const int sleeps_by_call = Load32(&shared->state[holder]) == kSleeping && !IsDead(holder);
  const enum Rest rest = sleeps_by_call ? kAsleep : HolderRests(holder);
  if (rest == kRuns) return 0;
  // Natively a task may sleep for a moment in any call.
  if (rest == kAsleep && ++*sleeps < LONG_LOOKS) return 0;
  if (Load32(&shared->baton) != holder) return 0;
  if (rest == kDead) {
    Store32(&shared->state[holder], kGone);
  } else if (!Swap32(&shared->go[holder], kGiven, kNotGiven)) {
    if (!Swap32(&shared->go[holder], kTaken, kNotGiven)) return 0;
    Store32(&shared->state[holder], kBlocked);  // within a step: others have their turns
  }
  EndFailing();
  stuck |= 1u << holder;
  Store32(&shared->baton, MONITOR);
  return 1;
}

// What ends is dead when all are at rest; what is not waits.
static void NoteEnds(void) {
  for (unsigned task = 0; task < FV_FUZZ_TASKS; ++task) {
    const uint32_t state = Load32(&shared->state[task]);
    if (state == kEnding) Store32(&shared->state[task], IsDead(task) ? kGone : kBlocked);
  }
}

static int AnyThere(void) {
  for (unsigned task = 0; task < FV_FUZZ_TASKS; ++task) {
    if (IsThere(task) && !IsDead(task)) return 1;
  }
  return 0;
}

// Natively: nothing has happened since `seen`, and does not for a while.
static int StaysSo(uint32_t seen) {
  if (SleepsAreLast()) return 1;
  Nap(STUCK_NS);
  return AllSettled() && Load32(&shared->progress) == seen;
}

// Waits until the monitor is asked for the baton, or for a while.
static void AwaitRequest(void) {
  const uint64_t time[2] = {0, LOOK_NS};
  if (SleepsAreLast()) {
    Nap(2 * LONGEST_SLEEP_NS);
  } else if (!Swap32(&shared->go[MONITOR], kGiven, kNotGiven)) {
    Raw(__NR_futex, (uint64_t)&shared->go[MONITOR], 0, kNotGiven, (uint64_t)time, 0, 0);
    Swap32(&shared->go[MONITOR], kGiven, kNotGiven);
  }
}

// Until every task is dead or being killed.
static void HandTurnsOn(void) {
  uint32_t seen = 0;
  unsigned sleeps = 0;
  Store32(&shared->turn, header->turns - 1u);
  Store32(&shared->baton, MONITOR);
  for (;;) {
    const uint32_t progress = Load32(&shared->progress);
    if (progress != seen) {
      stuck = 0;
      sleeps = 0;
    }
    seen = progress;
    if (TakeBaton(&sleeps)) {
      Settle();
      if (IsOver()) return;
      NoteEnds();
      if (Load32(&shared->progress) != seen) continue;
      if (!Advance(MONITOR, stuck)) {
        if (AnyThere() && !StaysSo(seen)) continue;
        if (AnyThere()) KillAll(FV_FUZZ_STUCK);
        return;
      }
    }
    if (IsOver()) return;
    AwaitRequest();
  }
}

// Tasks in no order: until all are dead, or nothing happens any more.
static void WatchFreeTasks(void) {
  uint32_t seen = ~0u;
  while (AnyThere() && !IsOver()) {
    const uint32_t progress = Load32(&shared->progress);
    if (progress == seen && SleepsAreLast()) {
      KillAll(FV_FUZZ_STUCK);
      return;
    }
    seen = progress;
    AwaitRequest();
  }
}
