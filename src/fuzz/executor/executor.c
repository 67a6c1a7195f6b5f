// SPDX-License-Identifier: Apache-2.0
//
// The executor: interprets a fuzz program (src/fuzz/encoding.h) from standard input and writes the
// results to standard output. The same static file runs natively and in a guest. It trusts its
// input, which the host has validated.
#include "src/fuzz/executor/lifecycle.h"

static const struct FvFuzzStep* Next(const struct FvFuzzStep* step) {
  return (const struct FvFuzzStep*)((const uint8_t*)(step + 1) +
                                    step->arguments * sizeof(struct FvFuzzArgument));
}

static const struct FvFuzzStep* First(void) {
  return (const struct FvFuzzStep*)(turns + (header->turns + 7u) / 8 * 8);
}

static unsigned StepsOf(unsigned task) {
  unsigned count = 0;
  const struct FvFuzzStep* step = First();
  for (unsigned i = 0; i < header->steps; ++i, step = Next(step)) count += step->task == task;
  return count;
}

static uint64_t Value(unsigned task, unsigned place, const struct FvFuzzArgument* argument) {
  switch (argument->kind) {
    case FV_FUZZ_RESULT:
      return RESULT(argument->task, argument->step) + argument->value;
    case FV_FUZZ_OUTPUT:
      return OUTPUT(argument->task, argument->step, argument->value);
    case FV_FUZZ_ARENA_AT:
      return ARENA(argument->value);
    case FV_FUZZ_BREAK_AT:
      return BREAK(argument->value);
    case FV_FUZZ_PID:
      return PID(argument->task) * argument->value;
    case FV_FUZZ_STRUCTURE:
      return Structure(task, place, argument->task, argument->value);
    default:
      return argument->value;
  }
}

static void RunStep(unsigned task, unsigned index, const struct FvFuzzStep* step) {
  const struct FvFuzzArgument* arguments = (const struct FvFuzzArgument*)(step + 1);
  uint64_t values[FV_FUZZ_ARGUMENTS] = {0};
  int outbuf = -1;
  BeforeStep(task, index, step->flags);
  for (unsigned i = 0; i < step->arguments; ++i) {
    values[i] = Value(task, i, &arguments[i]);
    if (arguments[i].kind == FV_FUZZ_STRUCTURE && arguments[i].task == FV_FUZZ_OUTBUF) {
      outbuf = (int)i;
    }
  }
  int64_t result;
  if (step->arguments != 0 && arguments[0].kind == FV_FUZZ_TASK) {
    result = Clone(task, index, step->call, (unsigned)values[0], values[1], values[2]);
  } else if (step->call == __NR_execve) {
    result = ExecSelf(task, index);
  } else {
    result = Call(task, index, step->call, values, outbuf);
  }
  AfterStep(task, index, step->flags, result);
}

static void RunTask(unsigned task, unsigned from) {
  if (task == 0 && from == 0) BeginFirst();
  unsigned index = 0;
  const struct FvFuzzStep* step = First();
  for (unsigned i = 0; i < header->steps; ++i, step = Next(step)) {
    if (step->task != task) continue;
    if (index >= from) RunStep(task, index, step);
    ++index;
  }
}

static void ReadProgram(void) {
  uint64_t size = 0;
  while (size < FV_FUZZ_MAX_BYTES) {
    const int64_t got = RAW3(__NR_read, 0, shared->program + size, FV_FUZZ_MAX_BYTES - size);
    if (got < 0) RAW1(__NR_exit_group, 104);
    if (got == 0) break;
    size += (uint64_t)got;
  }
  if (header->magic != FV_FUZZ_MAGIC) RAW1(__NR_exit_group, 105);
}

// `stack` is what the kernel gives a program: argc, argv.
__attribute__((used)) void Begin(uint64_t* stack) {
  if (stack[0] < 2) {
    MapShared(0x40 | 0x200);  // O_CREAT | O_TRUNC
    BeginProgram();
    RAW3(__NR_prctl, FV_FUZZ_PR_MARK, FV_FUZZ_READY, 0);
    ReadProgram();
    RunProgram();
  }
  // The next image of a task that has called execve.
  const char* word = (const char*)stack[2];
  const unsigned task = (unsigned)(word[0] - '0');
  const unsigned step = (unsigned)(word[1] - 'A');
  MapShared(0);
  BeginImage();
  Store32(&shared->report.pids[task], (uint32_t)RAW0(__NR_gettid));
  AfterStep(task, step, 0, 0);
  RunTask(task, step + 1);
  EndTask(task);
}
