// SPDX-License-Identifier: Apache-2.0
//
// Execute permission: code written into memory runs after mprotect, data pages do not run (NX),
// changed code is seen, and a fork's child may patch its own copy.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

typedef int (*Function)(void);

static unsigned char* code;

static void WriteCode(unsigned char* where, unsigned char result) {
  const unsigned char bytes[] = {0xb8, result, 0, 0, 0, 0xc3};  // mov eax, result; ret
  memcpy(where, bytes, sizeof(bytes));
}

static void RunsData(void* unused) {
  (void)unused;
  ((Function)(uintptr_t)code)();
}

static void Patches(void* unused) {
  (void)unused;
  CHECK_INT(((Function)(uintptr_t)code)(), 2);
  CHECK_INT(mprotect(code, kPage, PROT_READ | PROT_WRITE), 0);
  WriteCode(code, 3);
  CHECK_INT(mprotect(code, kPage, PROT_READ | PROT_EXEC), 0);
  CHECK_INT(((Function)(uintptr_t)code)(), 3);
}

int main(void) {
  code = Pages(2);
  WriteCode(code, 1);
  CHECK_INT(RunChild(RunsData, NULL), 128 + SIGSEGV);
  Ok("data does not run");
  CHECK_INT(mprotect(code, kPage, PROT_READ | PROT_EXEC), 0);
  CHECK_INT(((Function)(uintptr_t)code)(), 1);
  CHECK_INT(ProbeWrite(code, 0xc3), -SIGSEGV);
  CHECK_INT(mprotect(code, kPage, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
  WriteCode(code, 2);
  CHECK_INT(((Function)(uintptr_t)code)(), 2);
  Ok("written code runs");
  CHECK_INT(RunChild(Patches, NULL), 0);
  CHECK_INT(((Function)(uintptr_t)code)(), 2);
  Ok("patched in a child");
  return Finish();
}
