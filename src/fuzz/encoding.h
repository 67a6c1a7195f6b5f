// SPDX-License-Identifier: Apache-2.0
//
// A fuzz program as the executor reads it from its standard input, and the results as it writes
// them to its standard output. C and C++; little-endian, no padding. docs/fuzzing.md explains the
// programs.
//
//   program: FvFuzzHeader, `turns` bytes (rounded up to 8), then `steps` times a FvFuzzStep and its
//            FvFuzzArguments
//   results: FvFuzzReport, then for each task, and each of its steps, a FvFuzzResult
#ifndef FV_SRC_FUZZ_ENCODING_H_
#define FV_SRC_FUZZ_ENCODING_H_

#include <stdint.h>

#define FV_FUZZ_MAGIC 0x335A4656u  // "VFZ3"
// No program is larger.
#define FV_FUZZ_TASKS 8
#define FV_FUZZ_STEPS 16  // of one task
#define FV_FUZZ_TURNS 64
#define FV_FUZZ_ARGUMENTS 6
#define FV_FUZZ_MAX_BYTES 16384

// The memory that programs work on: the arena, whose page FV_FUZZ_TABLE_PAGE is the first one of
// another page table. Of its pages some are mapped when a program starts.
#define FV_FUZZ_PAGE 4096ull
#define FV_FUZZ_ARENA_PAGES 64
#define FV_FUZZ_TABLE_PAGE 32
#define FV_FUZZ_ARENA (0x10000000000ull - FV_FUZZ_TABLE_PAGE * FV_FUZZ_PAGE)
#define FV_FUZZ_PRIVATE_FIRST 0  // private anonymous pages; each begins with its number + 1
#define FV_FUZZ_PRIVATE_PAGES 8
#define FV_FUZZ_SHARED_FIRST 8  // shared anonymous pages
#define FV_FUZZ_SHARED_PAGES 4
#define FV_FUZZ_SPAN_FIRST 30  // private pages of two page tables
#define FV_FUZZ_SPAN_PAGES 4

// No program's file grows beyond (RLIMIT_FSIZE).
#define FV_FUZZ_FILE_BYTES (64ull << 20)

// The executor makes this mark, prctl(FV_FUZZ_PR_MARK, FV_FUZZ_READY), before it reads its program:
// nothing before depends on it. Linux knows no such call and refuses it.
#define FV_FUZZ_PR_MARK 0x46560002
#define FV_FUZZ_READY 1

// Calls that are none of Linux's.
#define FV_FUZZ_STORE 0x8000  // store(address, value): 8 bytes; 0 or -EFAULT
#define FV_FUZZ_LOAD 0x8001   // load(address): 8 bytes are the output; 0 or -EFAULT
#define FV_FUZZ_HASH 0x8002   // hash(address, size): the output is FNV-1a of the range
// What a guest alone does (Linux refuses the operations of prctl(2), and nothing comes of them):
#define FV_FUZZ_STRATEGY 0x8003  // strategy(n): how forks copy from now on
#define FV_FUZZ_FAIL 0x8004      // fail(n): the n-th allocation of the task's next call fails
// fail(FV_FUZZ_FAIL_EACH): the next call is made again and again, its first allocation failing,
// then its second, until none fails any more or it has made a task.
#define FV_FUZZ_FAIL_EACH 0xFF
#define FV_FUZZ_MOST_FAILS 64
// What a program does wrong: kills the task, or gives -EFAULT where the signal is caught.
#define FV_FUZZ_FAULT 0x8005  // fault(FvFuzzFault)

// A system call with arguments of other types than those of its row has a row of its own, whose
// number has bits above these ones.
#define FV_FUZZ_CALL_MASK 0xFFFu
#define FV_FUZZ_VARIANT(call, n) ((call) | (n) << 12)  // n: 1 to 7

#define FV_FUZZ_STRATEGIES 4

// What execve is of: the executor, by its path, by two scripts and as the interpreter of another
// file; and what it cannot be of.
#define FV_FUZZ_IMAGES 9

enum FvFuzzFault {
  FV_FUZZ_DIVIDE = 0,
  FV_FUZZ_UNDEFINED = 1,
  FV_FUZZ_BREAKPOINT = 2,
  FV_FUZZ_PRIVILEGED = 3,
  FV_FUZZ_JUMP_NULL = 4,
  FV_FUZZ_JUMP_FAR = 5,   // to an address that is none
  FV_FUZZ_JUMP_DATA = 6,  // to memory that is not executable
  FV_FUZZ_LOAD_FAR = 7,
  FV_FUZZ_X87 = 8,
  FV_FUZZ_SSE = 9,
  FV_FUZZ_OVERFLOW = 10,
  FV_FUZZ_FAULTS = 11,
};

enum FvFuzzArgumentKind {
  FV_FUZZ_CONST = 0,  // value
  // The result of step `step` of task `task`, plus value; in its place the arena's address if it is
  // an error, or an address outside of the arena in another image.
  FV_FUZZ_RESULT = 1,
  FV_FUZZ_OUTPUT = 2,    // 32 bits of that step's output: the lower ones, or with value 1 the upper
  FV_FUZZ_ARENA_AT = 3,  // the arena's address, plus value
  FV_FUZZ_BREAK_AT = 4,  // the program break at the start of the image, plus value
  FV_FUZZ_PID = 5,       // the thread id of task `task`, times value (1 or -1)
  FV_FUZZ_STRUCTURE =
      6,             // address of a structure: `task` is its FvFuzzStructure, value what it says
  FV_FUZZ_TASK = 7,  // value: the task that the call makes (not handed to the kernel)
  FV_FUZZ_KINDS = 8,
};

enum FvFuzzStructure {
  FV_FUZZ_TIMESPEC = 0,    // value: nanoseconds below a second; or FV_FUZZ_NO_TIME: a null pointer
  FV_FUZZ_SIGSET = 1,      // value: the mask
  FV_FUZZ_SIGACTION = 2,   // value: sa_flags | handler << 32 (FvFuzzHandler) | mask of 1-24 << 40
  FV_FUZZ_OUTBUF = 3,      // zeros, 256 bytes; the first 8 are the step's output
  FV_FUZZ_STACK = 4,       // stack_t; value: arena page | pages << 8 | ss_flags << 32
  FV_FUZZ_IOVEC = 5,       // one iovec; value: offset in the arena | length << 32
  FV_FUZZ_ITIMERSPEC = 6,  // value: nanoseconds, of the interval in the lower half
  FV_FUZZ_ITIMERVAL = 7,   // likewise
  FV_FUZZ_SIGEVENT = 8,    // value: sigev_notify | signal << 8 | task whose thread it is << 16
  FV_FUZZ_SIGINFO = 9,     // value: si_code | si_value << 32
  FV_FUZZ_RLIMIT = 10,     // value: soft | hard << 32; FV_FUZZ_NO_LIMIT
  FV_FUZZ_STRING = 11,     // value: place in FvFuzzStrings | (task + 1) << 8 for what is its
  FV_FUZZ_WORD = 12,       // value: 8 bytes, zeros behind them
  FV_FUZZ_ROBUST = 13,     // value: offset in the arena: a list with one futex, at 48 behind it
  FV_FUZZ_CAPS = 14,       // value: effective | permitted << 32, of the lower 32 capabilities
  FV_FUZZ_SCHED = 15,      // sched_attr; value: policy | priority << 8 | nice << 16 | flags << 24
  FV_FUZZ_STRUCTURES = 16,
};

#define FV_FUZZ_NO_LIMIT 0xFFFFFFFFull

#define FV_FUZZ_NO_TIME (~0ull)

enum FvFuzzHandler { FV_FUZZ_DEFAULT = 0, FV_FUZZ_IGNORE = 1, FV_FUZZ_CATCH = 2 };

// FvFuzzHeader::flags.
#define FV_FUZZ_TURNWISE 1u  // one task at a time, in the order of the turns

struct FvFuzzHeader {
  uint32_t magic;
  uint8_t flags;
  uint8_t tasks;
  uint8_t turns;
  uint8_t steps;
  uint32_t bytes;  // of the whole program
  // After so much time all tasks end. 0: the clock stands still while anybody runs
  // (kBootDeterministic), so that a sleep ends when nobody can go on.
  uint32_t limit_ms;
};

// FvFuzzStep::flags.
#define FV_FUZZ_BLOCKS 1u   // others take their turns while the task is in the call
#define FV_FUZZ_SETTLES 2u  // what the call does to others takes time
#define FV_FUZZ_SLEEPS 4u   // the call ends by itself after a time
#define FV_FUZZ_VFORKS 8u   // with BLOCKS: it ends with the child

struct FvFuzzStep {
  uint16_t call;  // a system call's number, or FV_FUZZ_STORE...
  uint8_t task;
  uint8_t arguments;
  uint32_t flags;
};

struct FvFuzzArgument {
  uint8_t kind;
  uint8_t task;
  uint8_t step;
  uint8_t reserved[5];
  uint64_t value;
};

enum FvFuzzState { FV_FUZZ_NOT_REACHED = 0, FV_FUZZ_ENTERED = 1, FV_FUZZ_DONE = 2 };

struct FvFuzzResult {
  int64_t result;  // as in RAX
  uint64_t output;
  uint32_t state;
  uint32_t image;  // the executor's business: which image of it made the call
};

enum FvFuzzCut {
  FV_FUZZ_WHOLE = 0,     // every task ended by itself
  FV_FUZZ_STUCK = 1,     // those that were left waited for what nobody could do any more
  FV_FUZZ_OVERTIME = 2,  // the time was over
};

// What ends the answer to one program (executor serve); below it the wait status.
#define FV_FUZZ_SERVED 0x80000000u

struct FvFuzzReport {
  uint32_t magic;
  uint32_t cut;                     // FvFuzzCut
  uint32_t pids[FV_FUZZ_TASKS];     // 0: the task never ran
  uint32_t handled[FV_FUZZ_TASKS];  // signal handlers that the task ran
};

#endif  // FV_SRC_FUZZ_ENCODING_H_
