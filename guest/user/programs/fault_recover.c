// SPDX-License-Identifier: Apache-2.0
//
// A fault handler repairs what was missing and returns: the instruction runs again. Demand paging
// by hand, a write barrier, skipping an instruction by changing the saved registers.
#include <ucontext.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kPages = 32 };

static unsigned char* arena;
static volatile int faults;

static void Pager(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number;
  (void)context;
  unsigned char* page = (unsigned char*)((uintptr_t)info->si_addr & ~(uintptr_t)(kPage - 1));
  if (page < arena || page >= arena + kPages * kPage) _exit(97);
  if (mprotect(page, kPage, PROT_READ | PROT_WRITE) != 0) _exit(96);
  page[8] = (unsigned char)((page - arena) / kPage);
  ++faults;
}

static void Skipper(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number;
  (void)info;
  ucontext_t* user = (ucontext_t*)context;
  user->uc_mcontext.gregs[REG_RIP] += 2;  // over the ud2
  user->uc_mcontext.gregs[REG_RAX] = 0x1234;
  ++faults;
}

static long RunsIllegal(void) {
  long result = 1;
  __asm__ volatile("ud2" : "+a"(result));
  return result;
}

static void Touches(void* unused) {
  (void)unused;
  int before = faults;
  for (int i = 0; i < kPages; ++i) {
    arena[i * kPage] = 1;
    CHECK_INT(arena[i * kPage + 8], i);
  }
  CHECK_INT(faults - before, kPages);
}

int main(void) {
  arena = Pages(kPages);
  CHECK_INT(mprotect(arena, kPages * kPage, PROT_NONE), 0);
  HandleInfo(SIGSEGV, Pager, 0);
  CHECK_INT(RunChild(Touches, NULL), 0);
  Touches(NULL);
  Ok("pager");
  CHECK_INT(mprotect(arena, kPages * kPage, PROT_READ), 0);
  CHECK_INT(arena[5 * kPage + 8], 5);
  CHECK_INT(RunChild(Touches, NULL), 0);
  CHECK_INT(faults, kPages);
  Touches(NULL);
  Ok("write barrier");
  faults = 0;
  HandleInfo(SIGILL, Skipper, 0);
  for (int i = 0; i < 10; ++i) CHECK_INT(RunsIllegal(), 0x1234);
  CHECK_INT(faults, 10);
  Ok("skipped");
  return Finish();
}
