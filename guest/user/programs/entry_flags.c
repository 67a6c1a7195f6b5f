// SPDX-License-Identifier: Apache-2.0
//
// What user code may hold when it enters the kernel, and gets back: flags (AC, DF, ID, NT) at
// system calls and page faults, any stack pointer at a system call, RCX and R11 as SYSCALL leaves
// them, a single step over a system call, a return to an address that is none.
#include <stdint.h>
#include <ucontext.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kTrap = 0x100, kDirection = 0x400, kNested = 0x4000, kAlign = 0x40000, kId = 0x200000 };
static const uint64_t kFlags[] = {0,   kDirection, kAlign,
                                  kId, kNested,    kDirection | kAlign | kId | kNested};
#define FLAG_COUNT (int)(sizeof(kFlags) / sizeof(kFlags[0]))
// NT is an oddity of its own: whether it comes back is not compared.
static const uint64_t kCompared = kDirection | kAlign | kId;

#define CLEAR_FLAGS "pushq $0x202\n\tpopfq\n\t"

// getpid with `flags` set; the flags after it.
static uint64_t SyscallWith(uint64_t flags, long* result) {
  uint64_t after;
  __asm__ volatile(
      "sub $128, %%rsp\n\t"  // past the red zone
      "push %[flags]\n\tpopfq\n\t"
      "syscall\n\t"
      "pushfq\n\tpop %[after]\n\t" CLEAR_FLAGS "add $128, %%rsp\n\t"
      : "=a"(*result), [after] "=&r"(after)
      : "0"((long)SYS_getpid), [flags] "r"(flags | 0x202)
      : "rcx", "r11", "memory", "cc");
  return after;
}

// A write to `page` with `flags` set; the flags after it.
static uint64_t WriteWith(uint64_t flags, volatile char* page) {
  uint64_t after;
  __asm__ volatile(
      "sub $128, %%rsp\n\t"
      "push %[flags]\n\tpopfq\n\t"
      "movb $7, (%[page])\n\t"
      "pushfq\n\tpop %[after]\n\t" CLEAR_FLAGS "add $128, %%rsp\n\t"
      : [after] "=&r"(after)
      : [flags] "r"(flags | 0x202), [page] "r"(page)
      : "memory", "cc");
  return after;
}

static void Flags(void) {
  const long page_bytes = 4096;
  char* pages = mmap(NULL, page_bytes * FLAG_COUNT, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(pages != MAP_FAILED);
  for (int i = 0; i < FLAG_COUNT; ++i) {
    long pid = 0;
    CHECK_INT((long)(SyscallWith(kFlags[i], &pid) & kCompared), (long)(kFlags[i] & kCompared));
    CHECK_INT(pid, getpid());
    char* page = pages + i * page_bytes;
    CHECK_INT((long)(WriteWith(kFlags[i], page) & kCompared), (long)(kFlags[i] & kCompared));
    CHECK_INT(*page, 7);
  }
  Ok("flags");
}

// A system call uses no user stack: any RSP will do.
static void StackPointers(void) {
  static const uint64_t kStacks[] = {0,
                                     1,
                                     0x1000,
                                     0x00007FFFFFFFFFFF,
                                     0x0000800000000000,
                                     0xFFFF7FFFFFFFFFFF,
                                     0xFFFFFFFFFFFFFFFF,
                                     0x0000700000103000};
  for (unsigned i = 0; i < sizeof(kStacks) / sizeof(kStacks[0]); ++i) {
    long pid;
    uint64_t stack = kStacks[i], after;
    __asm__ volatile(
        "mov %%rsp, %%r12\n\t"
        "mov %[stack], %%rsp\n\t"
        "syscall\n\t"
        "mov %%rsp, %[after]\n\t"
        "mov %%r12, %%rsp\n\t"
        : "=a"(pid), [after] "=&r"(after)
        : "0"((long)SYS_getpid), [stack] "r"(stack)
        : "rcx", "r11", "r12", "memory");
    CHECK_INT(pid, getpid());
    CHECK(after == stack);
  }
  Ok("any stack pointer");
}

static void RcxAndR11(void) {
  long pid;
  uint64_t rcx, r11, next;
  __asm__ volatile(
      "sub $128, %%rsp\n\t"
      "pushq $0x202\n\tpopfq\n\t"
      "syscall\n\t"
      "1: lea 1b(%%rip), %[next]\n\t"
      "mov %%rcx, %[rcx]\n\t"
      "mov %%r11, %[r11]\n\t"
      "add $128, %%rsp\n\t"
      : "=a"(pid), [rcx] "=&r"(rcx), [r11] "=&r"(r11), [next] "=&r"(next)
      : "0"((long)SYS_getpid)
      : "rcx", "r11", "memory", "cc");
  CHECK(rcx == next);
  CHECK_INT((long)(r11 & 0x202), 0x202);
  Ok("RCX and R11");
}

static volatile sig_atomic_t traps;

static void OnTrap(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)info;
  (void)context;
  ++traps;
}

static void SingleStep(void) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = OnTrap;
  action.sa_flags = SA_SIGINFO;
  CHECK_INT(sigaction(SIGTRAP, &action, NULL), 0);
  long pid = 0;
  (void)SyscallWith(kTrap, &pid);
  CHECK_INT(pid, getpid());
  CHECK(traps >= 3);
  Ok("single step over a system call");
}

static volatile uint64_t fault_address;
static uint64_t good_rip;

// Sends the task to `fault_address`, and when that faults, back.
static void OnUser(int number, siginfo_t* info, void* context) {
  (void)info;
  ucontext_t* user = context;
  if (number == SIGUSR1) {
    good_rip = (uint64_t)user->uc_mcontext.gregs[REG_RIP];
    user->uc_mcontext.gregs[REG_RIP] = (long long)fault_address;
  } else {
    ++traps;
    user->uc_mcontext.gregs[REG_RIP] = (long long)good_rip;
  }
}

// sigreturn to an address that no code has: a signal, whatever the address.
static void BadReturns(void) {
  static const uint64_t kAddresses[] = {0,
                                        0x00007FFFFFFFF000,
                                        0x00007FFFFFFFFFFF,
                                        0x0000800000000000,
                                        0xFFFF800000000000,
                                        0xFFFFFFFFFFFFFFFF};
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = OnUser;
  action.sa_flags = SA_SIGINFO;
  CHECK_INT(sigaction(SIGUSR1, &action, NULL), 0);
  CHECK_INT(sigaction(SIGSEGV, &action, NULL), 0);
  for (unsigned i = 0; i < sizeof(kAddresses) / sizeof(kAddresses[0]); ++i) {
    traps = 0;
    fault_address = kAddresses[i];
    CHECK_INT(kill(getpid(), SIGUSR1), 0);
    CHECK_INT(traps, 1);
  }
  Ok("returns to nowhere");
}

int main(void) {
  Flags();
  StackPointers();
  RcxAndR11();
  SingleStep();
  BadReturns();
  return Finish();
}
