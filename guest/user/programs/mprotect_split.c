// SPDX-License-Identifier: Apache-2.0
//
// mprotect: splits and joins mappings, takes effect at once, keeps contents, works on pages that
// are shared copy-on-write, and is not undone or widened by fork.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static unsigned char* memory;

static void Basic(void) {
  memory = Pages(9);
  FillPages(memory, 9, 5);
  CHECK_INT(mprotect(memory + 3 * kPage, 3 * kPage, PROT_READ), 0);
  CHECK_INT(ProbeWrite(memory + 3 * kPage, 1), -SIGSEGV);
  CHECK_INT(fv_probe_code, SEGV_ACCERR);
  CHECK_INT(ProbeWrite(memory + 6 * kPage, memory[6 * kPage]), 0);
  CHECK_INT(mprotect(memory + 4 * kPage, kPage, PROT_NONE), 0);
  CHECK_INT(ProbeRead(memory + 4 * kPage), -SIGSEGV);
  CHECK_INT(fv_probe_code, SEGV_ACCERR);
  CHECK_INT(ProbeRead(memory + 5 * kPage) >= 0, 1);
  CHECK_INT(mprotect(memory, 9 * kPage, PROT_READ | PROT_WRITE), 0);
  CHECK_INT(BadPages(memory, 9, 5), 0);
  FillPages(memory, 9, 6);
  CHECK_INT(BadPages(memory, 9, 6), 0);
  Ok("splits and joins");
}

static void Fine(void) {
  unsigned char* many = Pages(200);
  FillPages(many, 200, 1);
  for (int i = 0; i < 200; i += 2) CHECK_INT(mprotect(many + i * kPage, kPage, PROT_READ), 0);
  for (int i = 0; i < 200; i += 17) {
    CHECK_INT(ProbeWrite(many + i * kPage + 8, 1), i % 2 ? 0 : -SIGSEGV);
  }
  CHECK_INT(mprotect(many, 200 * kPage, PROT_READ | PROT_WRITE), 0);
  CHECK_INT(BadPages(many, 200, 1), 0);
  CHECK_INT(munmap(many, 200 * kPage), 0);
  Ok("every other page");
}

static void Child(void* unused) {
  (void)unused;
  CHECK_INT(ProbeWrite(memory + kPage, 1), -SIGSEGV);  // read-only before the fork
  CHECK_INT(mprotect(memory + kPage, kPage, PROT_READ | PROT_WRITE), 0);
  memory[kPage] = 77;
  CHECK_INT(mprotect(memory, kPage, PROT_READ), 0);  // still shared with the parent
  CHECK_INT(ProbeWrite(memory, 1), -SIGSEGV);
  CHECK_INT(mprotect(memory, kPage, PROT_READ | PROT_WRITE), 0);
  memory[0] = 78;
}

static void OverFork(void) {
  memory[0] = 10;
  memory[kPage] = 11;
  CHECK_INT(mprotect(memory + kPage, kPage, PROT_READ), 0);
  CHECK_INT(RunChild(Child, NULL), 0);
  CHECK_INT(memory[0], 10);
  CHECK_INT(memory[kPage], 11);
  CHECK_INT(ProbeWrite(memory + kPage, 1), -SIGSEGV);
  CHECK_INT(mprotect(memory + kPage, kPage, PROT_READ | PROT_WRITE), 0);
  CHECK_INT(ProbeWrite(memory + kPage, 12), 0);
  Ok("over fork");
}

static void Refused(void) {
  CHECK_ERR(syscall(SYS_mprotect, memory + 1, kPage, PROT_READ), EINVAL);
  CHECK_INT(mprotect(memory, 0, PROT_READ), 0);
  CHECK_ERR(mprotect(memory, kPage, 0x40), EINVAL);
  CHECK_ERR(mprotect(memory + kPage, 0 - (size_t)kPage, 0x40), ENOMEM);  // ends at address 0
  CHECK_ERR(mprotect(memory, kPage, PROT_READ | PROT_GROWSUP), EINVAL);
  CHECK_ERR(mprotect(memory, kPage, PROT_READ | PROT_GROWSDOWN), EINVAL);
  CHECK_INT(munmap(memory + 2 * kPage, kPage), 0);
  CHECK_ERR(mprotect(memory, 4 * kPage, PROT_READ), ENOMEM);
  CHECK_ERR(mprotect(memory + 2 * kPage, 2 * kPage, PROT_READ | PROT_GROWSUP), ENOMEM);
  CHECK_ERR(mprotect(memory + 2 * kPage, kPage, PROT_READ | PROT_GROWSDOWN), ENOMEM);
  CHECK_INT(ProbeWrite(memory + kPage, 1), -SIGSEGV);  // the part before the hole was done
  CHECK_INT(ProbeWrite(memory + 3 * kPage, 1), 0);
  Ok("refused");
}

int main(void) {
  Basic();
  Fine();
  OverFork();
  Refused();
  return Finish();
}
