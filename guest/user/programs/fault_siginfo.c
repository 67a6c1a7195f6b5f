// SPDX-License-Identifier: Apache-2.0
//
// Hardware faults as signals, with what siginfo says: SIGSEGV (no mapping, no permission, not
// canonical), SIGBUS, SIGFPE, SIGILL, SIGTRAP; then the same without a handler: the process dies.
// With the argument "without-sse" no floating-point exception of SSE is raised: QEMU has none.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static sigjmp_buf jump;
static volatile int got_signal, got_code;
static void* volatile got_address;

static void OnFault(int signal_number, siginfo_t* info, void* context) {
  (void)context;
  got_signal = signal_number;
  got_code = info->si_code;
  got_address = info->si_addr;
  siglongjmp(jump, 1);
}

typedef struct {
  const char* name;
  void (*run)(void);
  void* address;  // expected si_addr; NULL with check_address 0
  int check_address;
} Case;

static unsigned char* memory;
static unsigned char* beyond_file;

static volatile char* volatile null;  // volatile: the compiler must not know
static void ReadsNull(void) { (void)*null; }
static void WritesNull(void) { null[0x123] = 1; }
static void WritesReadOnly(void) { memory[kPage + 77] = 1; }
static void ReadsNone(void) { (void)*(volatile char*)(memory + 2 * kPage); }
static void ReadsUnmapped(void) { (void)*(volatile char*)(memory + 3 * kPage + 5); }
static void NotCanonical(void) { (void)*(volatile char*)0x8000000000000000; }
static void KernelHalf(void) { (void)*(volatile char*)0xffffffff80000000; }
static void BeyondFile(void) { (void)*(volatile char*)(beyond_file + kPage + 3); }
static void CallsNull(void) { ((void (*)(void))(uintptr_t)null)(); }
static void CallsData(void) { ((void (*)(void))(uintptr_t)memory)(); }
static void Divides(void) {
  __asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax; idiv %%ecx" ::
                       : "eax", "ecx", "edx");
}
static void Illegal(void) { __asm__ volatile("ud2"); }
static void Breakpoint(void) { __asm__ volatile("int3"); }
static void Privileged(void) { __asm__ volatile("hlt"); }
static void OtherInterrupt(void) { __asm__ volatile("int $0x42"); }

static void FloatDivides(void) {
  // Unmask division by zero in MXCSR: an SSE division then traps.
  unsigned saved = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(saved & ~0x200u);
  volatile double zero = 0, one = 1;
  one = one / zero;
}

static void Run(const Case* test) {
  got_signal = 0;
  if (sigsetjmp(jump, 1) == 0) test->run();
  __builtin_ia32_ldmxcsr(0x1f80);
  Say("%s: signal %d code %d", test->name, got_signal, got_code);
  if (test->check_address) CHECK(got_address == test->address);
}

static void WithoutHandler(void* test) {
  int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (int i = 0; i < 5; ++i) signal(signals[i], SIG_DFL);
  ((const Case*)test)->run();
}

static int without_sse;

static int LeftOut(const Case* test) { return without_sse && test->run == FloatDivides; }

int main(int argc, char** argv) {
  without_sse = argc > 1 && strcmp(argv[1], "without-sse") == 0;
  memory = Pages(4);
  CHECK_INT(mprotect(memory + kPage, kPage, PROT_READ), 0);
  CHECK_INT(mprotect(memory + 2 * kPage, kPage, PROT_NONE), 0);
  CHECK_INT(munmap(memory + 3 * kPage, kPage), 0);
  int fd = TempFile(1);
  beyond_file = mmap(NULL, 2 * kPage, PROT_READ, MAP_SHARED, fd, 0);
  const Case cases[] = {
      {"read null", ReadsNull, (void*)0, 1},
      {"write near null", WritesNull, (void*)0x123, 1},
      {"write read-only", WritesReadOnly, memory + kPage + 77, 1},
      {"read PROT_NONE", ReadsNone, memory + 2 * kPage, 1},
      {"read unmapped", ReadsUnmapped, memory + 3 * kPage + 5, 1},
      {"not canonical", NotCanonical, (void*)0, 1},
      {"kernel half", KernelHalf, NULL, 0},
      {"beyond the file", BeyondFile, beyond_file + kPage + 3, 1},
      {"call null", CallsNull, (void*)0, 1},
      {"call data", CallsData, memory, 1},
      {"divide by zero", Divides, NULL, 0},
      {"float divide by zero", FloatDivides, NULL, 0},
      {"illegal instruction", Illegal, NULL, 0},
      {"breakpoint", Breakpoint, NULL, 0},
      {"privileged instruction", Privileged, NULL, 0},
      {"another interrupt", OtherInterrupt, NULL, 0},
  };
  int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (int i = 0; i < 5; ++i) HandleInfo(signals[i], OnFault, 0);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
    if (!LeftOut(&cases[i])) Run(&cases[i]);
  }
  Ok("addresses");
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
    if (LeftOut(&cases[i])) continue;
    Say("%s: status %d", cases[i].name, RunChild(WithoutHandler, (void*)&cases[i]));
  }
  return Finish();
}
