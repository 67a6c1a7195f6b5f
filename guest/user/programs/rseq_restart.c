// SPDX-License-Identifier: Apache-2.0
//
// F96: restartable sequences (rseq(2)). A critical section that spins for ever is left by its abort
// address when the thread is preempted or takes a signal; threads add to one counter without
// atomic instructions and lose nothing; what is not a proper section is SIGSEGV.
#include <linux/types.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <ucontext.h>

#include "guest/user/lib/proc.h"

enum { kSignature = 0x53053053, kUnregister = 1, kThreads = 4, kAdds = 20000, kNoRestart = 1 };

typedef struct {
  uint32_t cpu_id_start;
  uint32_t cpu_id;
  uint64_t section;
  uint32_t flags;
  uint32_t rest[3];
} __attribute__((aligned(32))) Area;

typedef struct {
  uint32_t version;
  uint32_t flags;
  uint64_t start;
  uint64_t bytes;
  uint64_t abort;
} __attribute__((aligned(32))) Section;

// Both enter the section `*section` by naming it in the area. Spin returns only by a restart, Add
// by its end (0) or a restart (1); the store to the counter is its last instruction.
long Spin(uint64_t* named, const Section* section, volatile long* turns);
long Add(uint64_t* named, const Section* section, volatile long* counter);
extern const char spin_start[], spin_end[], spin_abort[], spin_unsigned[];
extern const char add_start[], add_end[], add_abort[];
__asm__(
    ".text\n"
    "Spin:\n"
    "  movq %rsi, (%rdi)\n"
    "spin_start:\n"
    "  incq (%rdx)\n"
    "  jmp spin_start\n"
    "spin_end:\n"
    "  .byte 0x0f, 0xb9, 0x3d\n"
    "  .long 0x53053053\n"
    "spin_abort:\n"
    "  movl $1, %eax\n"
    "spin_unsigned:\n"
    "  ret\n"
    "Add:\n"
    "  movq %rsi, (%rdi)\n"
    "add_start:\n"
    "  movq (%rdx), %rax\n"
    "  movl $50, %ecx\n"
    "1:\n"
    "  decl %ecx\n"
    "  jnz 1b\n"
    "  incq %rax\n"
    "  movq %rax, (%rdx)\n"
    "add_end:\n"
    "  xorl %eax, %eax\n"
    "  ret\n"
    "  .byte 0x0f, 0xb9, 0x3d\n"
    "  .long 0x53053053\n"
    "add_abort:\n"
    "  movl $1, %eax\n"
    "  ret\n");

static Area area;
static volatile long turns, counter;
static volatile uint64_t seen_rip, seen_section;

static Section MakeSection(const char* start, const char* end, const char* abort) {
  Section section = {0, 0, (uint64_t)start, (uint64_t)(end - start), (uint64_t)abort};
  return section;
}

static long Register(Area* where) {
  return syscall(SYS_rseq, where, sizeof(*where), 0, kSignature);
}

// One CPU for all that compete; in the guest there is only one.
static void StayHere(void) {
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(sched_getcpu(), &here);
  CHECK_INT(sched_setaffinity(0, sizeof(here), &here), 0);
}

// Again and again, since on a busy host the first alarm may be over before anybody spins; 0: never.
static void Arm(long microseconds) {
  struct itimerval timer = {{0, microseconds}, {0, microseconds}};
  CHECK_INT(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void Competes(void* arg) {
  (void)arg;
  for (;;) {
  }
}

static void Preempted(void) {
  Section section = MakeSection(spin_start, spin_end, spin_abort);
  pid_t other = Fork(Competes, NULL);
  CHECK_INT(Spin(&area.section, &section, &turns), 1);
  CHECK_INT(area.section, 0);
  kill(other, SIGKILL);
  CHECK_INT(WaitShell(other), 128 + SIGKILL);
}

static void OnAlarm(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  seen_rip = (uint64_t)((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP];
  seen_section = area.section;
}

static void Signalled(void) {
  Section section = MakeSection(spin_start, spin_end, spin_abort);
  HandleInfo(SIGALRM, OnAlarm, 0);
  Arm(20000);
  CHECK_INT(Spin(&area.section, &section, &turns), 1);
  // Whoever restarted it, the handler never saw the inside of the section.
  while (seen_rip == 0) {
  }
  Arm(0);
  CHECK(seen_rip < (uint64_t)spin_start || seen_rip >= (uint64_t)spin_end);
  CHECK_INT(seen_section, 0);
}

static void* Adds(void* arg) {
  (void)arg;
  Area mine = {0};
  Section section = MakeSection(add_start, add_end, add_abort);
  CHECK_INT(Register(&mine), 0);
  for (int i = 0; i < kAdds; ++i) {
    while (Add(&mine.section, &section, &counter) != 0) {
    }
  }
  CHECK_INT(syscall(SYS_rseq, &mine, sizeof(mine), kUnregister, kSignature), 0);
  return NULL;
}

static void CountersAddUp(void) {
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) CHECK_INT(pthread_create(&threads[i], NULL, Adds, NULL), 0);
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  CHECK_INT(counter, (long)kThreads * kAdds);
}

// Interrupted with this section named, the child dies.
static void SpinsIn(void* arg) {
  HandleInfo(SIGALRM, OnAlarm, 0);
  Arm(1000);
  Spin(&area.section, (const Section*)arg, &turns);
}

static int Fate(Section* section) { return RunChild(SpinsIn, section); }

static void BadSections(void) {
  Section section = MakeSection(spin_start, spin_end, spin_unsigned);
  CHECK_INT(Fate(&section), 128 + SIGSEGV);
  section = MakeSection(spin_start, spin_end, spin_abort);
  section.version = 1;
  CHECK_INT(Fate(&section), 128 + SIGSEGV);
  section.version = 0;
  section.flags = kNoRestart;
  CHECK_INT(Fate(&section), 128 + SIGSEGV);
  section.flags = 0;
  section.abort = section.start;  // inside
  CHECK_INT(Fate(&section), 128 + SIGSEGV);
  section.abort = ~0ull;
  CHECK_INT(Fate(&section), 128 + SIGSEGV);
  CHECK_INT(RunChild(SpinsIn, (void*)8), 128 + SIGSEGV);
  CHECK_INT(RunChild(SpinsIn, (void*)(1ull << 63)), 128 + SIGSEGV);
}

static void OnSegv(int signal) { (void)signal; }

// The way to the handler of SIGSEGV needs the area too.
static void SpinsWithHandler(void* section) {
  Handle(SIGSEGV, OnSegv, 0);
  SpinsIn(section);
}

static void NoHandlerHelps(void) { CHECK_INT(RunChild(SpinsWithHandler, (void*)8), 128 + SIGSEGV); }

static void Arguments(void) {
  CHECK_ERR(syscall(SYS_rseq, (char*)&area + 8, sizeof(area), 0, kSignature), EINVAL);
  CHECK_ERR(syscall(SYS_rseq, &area, 16, 0, kSignature), EINVAL);
  CHECK_ERR(syscall(SYS_rseq, &area, sizeof(area), 2, kSignature), EINVAL);
  CHECK_ERR(syscall(SYS_rseq, &area, sizeof(area), kUnregister, kSignature), EINVAL);
  CHECK_ERR(syscall(SYS_rseq, 1ull << 63, sizeof(area), 0, kSignature), EFAULT);
  area.section = 1;  // left over: taken away
  area.cpu_id = ~0u;
  CHECK_INT(Register(&area), 0);
  CHECK_INT(area.section, 0);
  CHECK_INT(area.cpu_id, area.cpu_id_start);
  CHECK(area.cpu_id < 4096);
  CHECK_ERR(Register(&area), EBUSY);
  CHECK_ERR(syscall(SYS_rseq, &area, sizeof(area), 0, 7), EPERM);
  CHECK_ERR(syscall(SYS_rseq, &area + 1, sizeof(area), 0, kSignature), EINVAL);
  CHECK_ERR(syscall(SYS_rseq, &area, sizeof(area), kUnregister, 7), EPERM);
}

int main(void) {
  StayHere();
  Arguments();
  Ok("registered");
  Preempted();
  Ok("a preempted section restarts");
  Signalled();
  Ok("a signal restarts the section");
  CountersAddUp();
  Ok("no addition is lost");
  BadSections();
  Ok("improper sections");
  NoHandlerHelps();
  Ok("improper sections with a handler of SIGSEGV");
  CHECK_INT(syscall(SYS_rseq, &area, sizeof(area), kUnregister, kSignature), 0);
  CHECK_INT((int)area.cpu_id, -1);
  Ok("unregistered");
  return Finish();
}
