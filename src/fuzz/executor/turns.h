// SPDX-License-Identifier: Apache-2.0
//
// Turns: who makes the next step. One task at a time has the baton; the others wait for it on a
// futex. Its holder makes one step and hands it to the next task that is ready, or to the monitor
// (lifecycle.h) where the step may have moved others: the monitor hands it on when all are at rest.
// So no step meets another one, however fast a kernel is or however busy the machine.
//
// Part of runtime.h, included there once.

#define MONITOR FV_FUZZ_TASKS

enum Go { kNotGiven = 0, kGiven = 1, kTaken = 2 };

static uint32_t Load32(uint32_t* word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static void Store32(uint32_t* word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}
static int Swap32(uint32_t* word, uint32_t from, uint32_t to) {
  return __atomic_compare_exchange_n(word, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static int IsTurnwise(void) { return (header->flags & FV_FUZZ_TURNWISE) != 0; }
// A sleep ends when nobody can go on.
static int SleepsAreLast(void) { return header->limit_ms == 0; }

static unsigned TaskOfTurn(uint32_t turn) { return turns[turn % header->turns]; }

// What happens once the tasks are being killed is no result.
static void ExitIfCut(void) {
  if (Load32(&shared->report.cut) != FV_FUZZ_WHOLE) RAW1(__NR_exit_group, 0);
}

static void Progress(void) { __atomic_add_fetch(&shared->progress, 1, __ATOMIC_SEQ_CST); }

static void Give(unsigned who) {
  Store32(&shared->baton, who);
  Store32(&shared->go[who], kGiven);
  // Where sleeps are last the monitor awakes when all are at rest: not before.
  if (who == MONITOR && SleepsAreLast()) return;
  RAW3(__NR_futex, &shared->go[who], 1, 1);  // FUTEX_WAKE
}

// The turn goes to the next task that is ready and not in `stuck` (a bit each). False: none is.
static int Advance(unsigned self, uint32_t stuck) {
  const uint32_t turn = Load32(&shared->turn);
  for (uint32_t i = 1; i <= header->turns; ++i) {
    const unsigned next = TaskOfTurn(turn + i);
    if (Load32(&shared->state[next]) != kReady || (stuck >> next & 1) != 0) continue;
    Store32(&shared->turn, (turn + i) % header->turns);
    if (next == self) return 1;
    Store32(&shared->go[self], kNotGiven);
    Give(next);
    return 1;
  }
  return 0;
}

static void AwaitTurn(unsigned task) {
  uint32_t* go = &shared->go[task];
  while (Load32(go) != kTaken && !Swap32(go, kGiven, kTaken)) {
    Raw(__NR_futex, (uint64_t)go, 0, kNotGiven, 0, 0, 0);  // FUTEX_WAIT
  }
  ExitIfCut();
}

// The task leaves its turn for a call that may not return.
static void LeaveTurn(unsigned task, enum TaskState state) {
  Progress();
  Store32(&shared->state[task], state);
  if (!IsTurnwise() || Load32(&shared->go[task]) != kTaken) return;
  Store32(&shared->go[task], kNotGiven);
  Give(MONITOR);
}

static int AnyBlocked(void) {
  for (unsigned task = 0; task < FV_FUZZ_TASKS; ++task) {
    const uint32_t state = Load32(&shared->state[task]);
    if (state == kBlocked || state == kVforking) return 1;
  }
  return 0;
}

MAYBE_UNUSED static void BeforeStep(unsigned task, unsigned step, unsigned flags) {
  if (IsTurnwise()) AwaitTurn(task);
  Store32(&shared->results[task][step].state, FV_FUZZ_ENTERED);
  if ((flags & FV_FUZZ_VFORKS) != 0) return;  // leaves its turn when the child is announced: Spawn
  if ((flags & FV_FUZZ_BLOCKS) != 0) {
    LeaveTurn(task, kBlocked);
    return;
  }
  Progress();
  if ((flags & FV_FUZZ_SLEEPS) != 0) Store32(&shared->state[task], kSleeping);
}

static void EndFailing(void);

static void AfterStep(unsigned task, unsigned step, unsigned flags, int64_t result) {
  EndFailing();
  ExitIfCut();
  struct FvFuzzResult* record = &shared->results[task][step];
  record->result = result;
  record->image = image;
  Store32(&record->state, FV_FUZZ_DONE);
  Store32(&shared->state[task], kReady);
  Progress();
  // Without the baton: others have had turns since.
  if (!IsTurnwise() || Load32(&shared->go[task]) != kTaken) return;
  if ((flags & FV_FUZZ_SETTLES) != 0 || AnyBlocked() || !Advance(task, 0)) {
    Store32(&shared->go[task], kNotGiven);
    Give(MONITOR);
  }
}
