// SPDX-License-Identifier: Apache-2.0
//
// What every fuzz program runs on, natively and in a guest: the tasks, their turns, their memory
// and their results. Freestanding C for x86-64 Linux; included once, by the executor (executor.c)
// and by the C form of a program (forkvisor replay --as=c). The including file defines
//
//   static void RunTask(unsigned task, unsigned from);   // the steps of a task, from one on
//
// Tasks may share memory (CLONE_VM) or not, so what they have in common lies in a shared file; all
// else belongs to one task, by its number. No task uses the stack of another: a child of vfork(2)
// or clone(2) changes to its own at once.
#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>

#include "src/fuzz/encoding.h"
#include "src/fuzz/executor/strings.h"

#define SHARED_FILE "fuzz.shared"  // in the working directory
// A program in C has no use for all of them.
#define MAYBE_UNUSED __attribute__((unused))

#define STACK_BYTES 16384
#define SCRATCH_BYTES 256

// Of a task, for others; turns.h.
enum TaskState {
  kUnborn = 0,
  kReady = 1,     // makes its next step in its turn
  kSleeping = 2,  // in a call that ends by itself: its turn lasts until then
  kBlocked = 3,   // in a call that others may end
  kVforking = 4,  // likewise, until the child is gone
  kExecing = 5,   // in execve(2), where a thread takes over its leader's number
  kEnding = 6,
  kGone = 7,  // dead
};

struct Shared {
  struct FvFuzzReport report;
  struct FvFuzzResult results[FV_FUZZ_TASKS][FV_FUZZ_STEPS];
  uint32_t state[FV_FUZZ_TASKS];
  uint32_t child_tid[FV_FUZZ_TASKS];
  uint32_t group[FV_FUZZ_TASKS];   // kExecing: the process
  uint32_t go[FV_FUZZ_TASKS + 1];  // enum Go, of each task and of the monitor
  uint32_t started;                // enum Start
  uint32_t baton;                  // who it was given to last
  uint32_t turn;                   // counts turns; its task is turns[turn % count]
  uint32_t progress;               // changes when something happens
  uint32_t images;                 // that there have been
  uint32_t fails[FV_FUZZ_TASKS];   // fail(n) came last
  uint32_t is_failing;             // an allocation is going to fail
  uint8_t program[FV_FUZZ_MAX_BYTES];
};

static struct Shared* shared;
static struct FvFuzzHeader* header;
static uint64_t first_break;  // of this image
static uint32_t image;        // its number
static const uint8_t* turns;
// What a task writes lies in one page, unless its stack grows: a page is a fault, and a copy.
static struct {
  uint8_t stack[STACK_BYTES - FV_FUZZ_ARGUMENTS * SCRATCH_BYTES];
  uint8_t scratch[FV_FUZZ_ARGUMENTS][SCRATCH_BYTES];
} places[FV_FUZZ_TASKS] __attribute__((aligned(4096)));

static void RunTask(unsigned task, unsigned from);

// ---- the machine ----

static inline int64_t Raw(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                          uint64_t e, uint64_t f) {
  register uint64_t r10 __asm__("r10") = d;
  register uint64_t r8 __asm__("r8") = e;
  register uint64_t r9 __asm__("r9") = f;
  int64_t result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#define RAW0(number) Raw(number, 0, 0, 0, 0, 0, 0)
#define RAW1(number, a) Raw(number, (uint64_t)(a), 0, 0, 0, 0, 0)
#define RAW3(number, a, b, c) Raw(number, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0, 0)

#include "src/fuzz/executor/faults.h"

// A call that makes a task. The child changes to `stack` before it touches memory, and runs `task`.
int64_t RawSpawn(uint64_t number, const uint64_t arguments[5], void* stack, uint64_t task);
// The kernel's way back from a handler.
void Restorer(void);
__asm__(
    ".text\n"
    ".globl RawSpawn, Restorer\n"
    "RawSpawn:\n"
    "push %r12\n push %r13\n"
    "mov %rdx, %r12\n mov %rcx, %r13\n mov %rsi, %r11\n mov %rdi, %rax\n"
    "mov 0(%r11), %rdi\n mov 8(%r11), %rsi\n mov 16(%r11), %rdx\n mov 24(%r11), %r10\n"
    "mov 32(%r11), %r8\n"
    "syscall\n"
    "test %rax, %rax\n jz 1f\n"
    "pop %r13\n pop %r12\n ret\n"
    "1: mov %r12, %rsp\n xor %ebp, %ebp\n mov %r13, %rdi\n call BeginTask\n hlt\n"
    "Restorer: mov $15, %eax\n syscall\n");

static void Fill(void* to, int byte, size_t bytes) {
  for (volatile uint8_t* p = to; bytes != 0; --bytes) *p++ = (uint8_t)byte;
}

#include "src/fuzz/executor/turns.h"

// ---- signals ----

struct KernelSigaction {
  uint64_t handler;
  uint64_t flags;
  uint64_t restorer;
  uint64_t mask;
};
#define FV_SA_SIGINFO 4u
#define FV_SA_ONSTACK 0x08000000u
#define FV_SA_RESTORER 0x04000000u
#define FV_SA_RESTART 0x10000000u

// A fault of TryLoad and its kin is the result of that.
static int IsTried(void* context) {
  // ucontext_t: uc_flags, uc_link, uc_stack (3 words), then the registers; RIP is the 17th.
  uint64_t* rip = (uint64_t*)context + 5 + 16;
  const int jumped = *rip == 0 || *rip == (uint64_t)places;
  if (!jumped && (*rip < (uint64_t)try_begin || *rip >= (uint64_t)try_end)) return 0;
  *rip = (uint64_t)try_failed;
  return 1;
}

// The program's own handler.
static void Count(int number, void* info, void* context) {
  (void)info;
  const uint32_t self = (uint32_t)RAW0(__NR_gettid);
  ExitIfCut();
  for (unsigned task = 0; task < FV_FUZZ_TASKS; ++task) {
    if (Load32(&shared->report.pids[task]) != self) continue;
    __atomic_add_fetch(&shared->report.handled[task], 1, __ATOMIC_SEQ_CST);
  }
  // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV.
  if ((1ull << number & (1u << 4 | 1u << 5 | 1u << 7 | 1u << 8 | 1u << 11)) != 0) IsTried(context);
}

// SIGSEGV and SIGBUS, until the program says otherwise: any other fault kills, and so does a signal
// that was sent. Each kills who has it, however many share this action and whoever runs first.
static void OnFault(int number, void* info, void* context) {
  const int sent = ((const int32_t*)info)[2] <= 0;  // si_code
  if (!sent && IsTried(context)) return;
  const struct KernelSigaction action = {0, FV_SA_RESTORER, (uint64_t)Restorer, 0};
  Raw(__NR_rt_sigaction, (uint64_t)number, (uint64_t)&action, 0, 8, 0, 0);
  if (sent) RAW3(__NR_tgkill, RAW0(__NR_getpid), RAW0(__NR_gettid), number);
}

static void CatchFaults(void) {
  const struct KernelSigaction action = {(uint64_t)OnFault, FV_SA_SIGINFO | FV_SA_RESTORER,
                                         (uint64_t)Restorer, 0};
  Raw(__NR_rt_sigaction, 11, (uint64_t)&action, 0, 8, 0, 0);
  Raw(__NR_rt_sigaction, 7, (uint64_t)&action, 0, 8, 0, 0);
}

// ---- arguments ----

#define ARENA(offset) (FV_FUZZ_ARENA + (uint64_t)(offset))
#define BREAK(offset) (first_break + (uint64_t)(offset))
#define RESULT(task, step) ResultOf(&shared->results[task][step])
#define OUTPUT(task, step, half) \
  ((uint64_t)(uint32_t)(shared->results[task][step].output >> (half)*32))
#define PID(task) ((uint64_t)Load32(&shared->report.pids[task]))

// Where an exec puts things is each kernel's business: what lies at an address of the old image is
// chance, unless the program named it.
static int IsElsewhere(const struct FvFuzzResult* from) {
  const uint64_t at = (uint64_t)from->result;
  const int in_arena = at - FV_FUZZ_ARENA < FV_FUZZ_ARENA_PAGES * FV_FUZZ_PAGE;
  return at >> 32 != 0 && !in_arena && from->image != image;
}

MAYBE_UNUSED static uint64_t ResultOf(const struct FvFuzzResult* from) {
  const int usable = from->state == FV_FUZZ_DONE && from->result >= 0 && !IsElsewhere(from);
  return usable ? (uint64_t)from->result : ARENA(0);
}

#include "src/fuzz/executor/structures.h"

// ---- allocations that fail ----

// Forkvisor's own operations of prctl(2).
#define FV_PR_FAIL_NTH 0x46560001
#define FV_PR_FORK_STRATEGY 0x46560003

static const char* const strategies[FV_FUZZ_STRATEGIES] = {"classic", "eager", "ondemand",
                                                           "recent"};

// Which allocation of a call fails.
struct Failing {
  uint32_t nth;    // 0: none
  int64_t before;  // how many had failed until then
  int each;        // one after the other
};

static int64_t FailNth(uint32_t nth) { return RAW3(__NR_prctl, FV_PR_FAIL_NTH, nth, 0); }

// From here on the n-th allocation fails, where the task's step before was fail(n).
static struct Failing BeginFailing(unsigned task) {
  const uint32_t wanted = Load32(&shared->fails[task]);
  struct Failing failing = {wanted, 0, wanted == FV_FUZZ_FAIL_EACH};
  if (wanted == 0) return failing;
  if (failing.each) failing.nth = 1;
  Store32(&shared->fails[task], 0);
  Store32(&shared->is_failing, 1);
  failing.before = FailNth(failing.nth);
  return failing;
}

// Whether a call that has returned is made again, where the next allocation fails: as long as one
// did.
static int FailsAgain(struct Failing* failing) {
  if (!failing->each || failing->nth == FV_FUZZ_MOST_FAILS) return 0;
  const int64_t before = FailNth(++failing->nth);
  if (before == failing->before) return 0;
  failing->before = before;
  return 1;
}

static void EndFailing(void) {
  if (Load32(&shared->is_failing) == 0) return;
  FailNth(0);
  Store32(&shared->is_failing, 0);
}

// ---- calls ----

static void EndTask(unsigned task) {
  if (IsTurnwise()) AwaitTurn(task);
  LeaveTurn(task, kEnding);
  RAW1(__NR_exit, task);
}

static void* StackOf(unsigned task) { return places[task].scratch; }

// The first instructions of a task on its own stack, by RawSpawn. Its parent may have said already
// which number it has.
__attribute__((used)) void BeginTask(unsigned task) {
  EndFailing();
  if (Load32(&shared->report.pids[task]) == 0) {
    Store32(&shared->report.pids[task], (uint32_t)RAW0(__NR_gettid));
  }
  RunTask(task, 0);
  EndTask(task);
}

// The child is announced before it is made: until it has a number nobody is at rest.
static int64_t Spawn(unsigned task, uint64_t number, int vforks, const uint64_t arguments[5],
                     unsigned child) {
  Store32(&shared->state[child], kReady);
  if (vforks) LeaveTurn(task, kVforking);
  struct Failing failing = BeginFailing(task);
  int64_t pid;
  do {
    pid = RawSpawn(number, arguments, StackOf(child), child);
  } while (pid < 0 && FailsAgain(&failing));
  if (pid < 0) {
    Store32(&shared->state[child], kGone);
  } else {
    Store32(&shared->report.pids[child], (uint32_t)pid);
  }
  return pid;
}

// fork, vfork, clone(flags), clone3(flags, exit signal): the pidfd or the parent's copy of the
// thread id is the step's output. clone_at: both thread ids, or the pidfd, are at `place`.
MAYBE_UNUSED static int64_t Clone(unsigned task, unsigned step, uint64_t call, unsigned child,
                                  uint64_t flags, uint64_t exit_signal, uint64_t place) {
  const uint64_t number = call & FV_FUZZ_CALL_MASK;
  const uint64_t output = place != 0 ? place : (uint64_t)&shared->results[task][step].output;
  const uint64_t child_tid = place != 0 ? place : (uint64_t)&shared->child_tid[child];
  const int vforks = number == __NR_vfork || (flags & CLONE_VFORK) != 0;
  if (number == __NR_clone3) {
    uint64_t* words = (uint64_t*)places[task].scratch[0];
    Fill(words, 0, SCRATCH_BYTES);
    words[0] = flags;
    words[1] = output;  // pidfd
    words[2] = child_tid;
    words[3] = (flags & CLONE_PIDFD) != 0 ? child_tid : output;
    words[4] = exit_signal;
    const uint64_t arguments[5] = {(uint64_t)words, 64, 0, 0, 0};
    return Spawn(task, number, vforks, arguments, child);
  }
  const uint64_t arguments[5] = {number == __NR_clone ? flags : 0, 0, output, child_tid, 0};
  return Spawn(task, number, vforks, arguments, child);
}

// What execve may be of: this program; files of the root that the host makes (exec_files.h).
static const char* const exec_paths[FV_FUZZ_IMAGES] = {
    "/proc/self/exe", "/script", "/deep", "/interpreted", "/loop", "/empty", "/short", "/none", "/",
};

// The task goes on with its next step in a fresh image of this program.
MAYBE_UNUSED static int64_t Exec(unsigned task, unsigned step, uint64_t of) {
  char* words = (char*)places[task].scratch[0];
  char** argv = (char**)places[task].scratch[1];
  Store32(&shared->group[task], (uint32_t)RAW0(__NR_getpid));
  Store32(&shared->state[task], kExecing);
  words[0] = (char)('0' + task);
  words[1] = (char)('A' + step);
  words[2] = 0;
  argv[0] = (char*)exec_paths[of];
  argv[1] = words;
  argv[2] = NULL;
  argv[3] = NULL;  // an empty environment
  struct Failing failing = BeginFailing(task);
  int64_t result;
  do {
    result = RAW3(__NR_execve, argv[0], argv, argv + 3);
  } while (FailsAgain(&failing));
  return result;
}

static int64_t Hash(uint64_t address, uint64_t size, uint64_t* output) {
  uint64_t hash = 0xCBF29CE484222325;
  if (size > FV_FUZZ_ARENA_PAGES * FV_FUZZ_PAGE) return -22;
  for (uint64_t i = 0; i < size; ++i) {
    uint64_t byte = 0;
    const int64_t error = TryLoadByte(address + i, &byte);
    if (error != 0) return error;
    hash = (hash ^ byte) * 0x100000001B3;
  }
  *output = hash;
  return 0;
}

static int64_t CallOnce(unsigned task, unsigned step, uint64_t number, const uint64_t a[6],
                        int outbuf) {
  uint64_t* output = &shared->results[task][step].output;
  switch (number) {
    case FV_FUZZ_STORE:
      return TryStore(a[0], a[1]);
    case FV_FUZZ_LOAD: {
      uint64_t value = 0;
      const int64_t error = TryLoad(a[0], &value);
      *output = value;
      return error;
    }
    case FV_FUZZ_HASH:
      return Hash(a[0], a[1], output);
    case FV_FUZZ_STRATEGY:
      RAW3(__NR_prctl, FV_PR_FORK_STRATEGY, strategies[a[0] % FV_FUZZ_STRATEGIES], 0);
      return 0;
    case FV_FUZZ_FAULT:
      return Fault((enum FvFuzzFault)a[0], places);
    case __NR_exit:
    case __NR_exit_group:
      LeaveTurn(task, kEnding);
      break;
    default:
      break;
  }
  const int64_t result = Raw(number & FV_FUZZ_CALL_MASK, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (number == __NR_brk) *output = (uint64_t)result - first_break;
  if (outbuf < 0) return result;
  const uint64_t* words = (const uint64_t*)places[task].scratch[outbuf];
  // siginfo_t of waitid(2): si_status below si_code.
  *output = number == __NR_waitid ? words[1] << 32 | (uint32_t)words[3] : words[0];
  return result;
}

// Any other call. `outbuf` is the scratch place whose beginning is the output, or none (-1).
MAYBE_UNUSED static int64_t Call(unsigned task, unsigned step, uint64_t number, const uint64_t a[6],
                                 int outbuf) {
  if (number == FV_FUZZ_FAIL) {
    Store32(&shared->fails[task], (uint32_t)a[0]);
    return 0;
  }
  struct Failing failing = BeginFailing(task);
  int64_t result;
  do {
    result = CallOnce(task, step, number, a, outbuf);
  } while (FailsAgain(&failing));
  return result;
}
