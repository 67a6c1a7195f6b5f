// SPDX-License-Identifier: Apache-2.0
//
// The executor: interprets a fuzz program (src/fuzz/encoding.h) from standard input and writes the
// results to standard output. The same static file runs natively and in a guest. It trusts its
// input, which the host has validated.
//
//   executor          one program
//   executor serve    one after the other, each in a process of its own: reads the size (4 bytes)
//                     and the program; writes the size and the results, then how that process
//                     ended (wait status | FV_FUZZ_SERVED). Ends with its input.
//   executor TS       the next image of task T, which has called execve in its step S
#include "src/fuzz/executor/lifecycle.h"

static int is_served;  // one program of several: the results follow their size

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
    result = Clone(task, index, step->call, (unsigned)values[0], values[1], values[2], values[3]);
  } else if (step->call == __NR_execve) {
    result = Exec(task, index, values[0]);
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

static void WriteAll(const void* bytes, uint64_t size) {
  const uint8_t* from = bytes;
  while (size != 0) {
    const int64_t written = RAW3(__NR_write, 1, from, size);
    if (written <= 0) RAW1(__NR_exit_group, 102);
    from += written;
    size -= (uint64_t)written;
  }
}

static void Report(void) {
  shared->report.magic = FV_FUZZ_MAGIC;
  // One piece: what has been counted stands at the front of the shared file.
  struct FvFuzzResult* to = &shared->results[0][0];
  for (unsigned task = 0; task < FV_FUZZ_TASKS; ++task) {
    for (unsigned step = 0; step < StepsOf(task); ++step) *to++ = shared->results[task][step];
  }
  const uint32_t size = (uint32_t)((uint8_t*)to - (uint8_t*)shared);
  if (is_served) WriteAll(&size, sizeof(size));
  WriteAll(shared, size);
}

// False at the end of the input.
static int ReadAll(void* to, uint64_t size) {
  for (uint64_t done = 0; done < size;) {
    const int64_t got = RAW3(__NR_read, 0, (uint8_t*)to + done, size - done);
    if (got < 0) RAW1(__NR_exit_group, 104);
    if (got == 0) return 0;
    done += (uint64_t)got;
  }
  return 1;
}

// Of at most `most` bytes.
static void ReadProgram(uint64_t most) {
  uint64_t done = 0;
  while (done < sizeof(*header) || done < header->bytes) {
    const int64_t got = RAW3(__NR_read, 0, shared->program + done, most - done);
    if (got <= 0) RAW1(__NR_exit_group, 104);
    done += (uint64_t)got;
  }
  if (header->magic != FV_FUZZ_MAGIC) RAW1(__NR_exit_group, 105);
}

static void RunOne(uint64_t most) {
  MapShared(0x40 | 0x200);  // O_CREAT | O_TRUNC
  BeginProgram();
  if (!is_served) RAW3(__NR_prctl, FV_FUZZ_PR_MARK, FV_FUZZ_READY, 0);
  ReadProgram(most);
  RunProgram();
}

static void Serve(void) {
  uint32_t size = 0;
  is_served = 1;
  while (ReadAll(&size, sizeof(size))) {
    if (size > FV_FUZZ_MAX_BYTES) RAW1(__NR_exit_group, 105);
    const int64_t child = RAW0(__NR_fork);
    if (child < 0) RAW1(__NR_exit_group, 106);
    if (child == 0) RunOne(size);
    uint32_t status = 0;
    RAW3(__NR_wait4, child, &status, 0);
    status |= FV_FUZZ_SERVED;
    WriteAll(&status, sizeof(status));
  }
  RAW1(__NR_exit_group, 0);
}

// `stack` is what the kernel gives a program: argc, argv.
__attribute__((used)) void Begin(uint64_t* stack) {
  if (stack[0] < 2) RunOne(FV_FUZZ_MAX_BYTES);
  const char* word = (const char*)stack[2];
  if (word[0] == 's') Serve();
  // Scripts have put their own names before it.
  for (uint64_t i = 2; i <= stack[0] && (word[0] < '0' || word[0] > '9'); ++i) {
    word = (const char*)stack[i];
  }
  NextImage(word);
}

void _start(void);
__asm__(
    ".text\n"
    ".globl _start\n"
    "_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call Begin\n hlt\n");
