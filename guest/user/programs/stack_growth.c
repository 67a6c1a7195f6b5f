// SPDX-License-Identifier: Apache-2.0
//
// The stack grows on demand, far below the stack pointer's first page, up to RLIMIT_STACK and not
// further; parent and child grow theirs separately; MAP_GROWSDOWN mappings do the same.
// Rows of docs/fork-features.md: F67.
#include <sys/resource.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static volatile int sink;

__attribute__((noinline)) static int Recurse(int depth) {
  volatile char frame[2000];
  frame[0] = (char)depth;
  frame[1999] = (char)(depth + 1);
  int below = depth > 0 ? Recurse(depth - 1) : 0;
  return below + (frame[0] == (char)depth && frame[1999] == (char)(depth + 1));
}

static void Deep(void* depth) { CHECK_INT(Recurse((int)(long)depth), (long)depth + 1); }

static void Overflows(void* unused) {
  (void)unused;
  sink = Recurse(1 << 30);
}

static void SmallLimit(void* unused) {
  (void)unused;
  struct rlimit limit = {256 * 1024, RLIM_INFINITY};
  CHECK_INT(setrlimit(RLIMIT_STACK, &limit), 0);
  sink = Recurse(50);  // 100 KiB fit
  CHECK_INT(fv_failures, 0);
  sink = Recurse(3000);  // 6 MiB do not
}

static void JumpsFar(void* unused) {
  (void)unused;
  // Far below the stack pointer, inside the limit: allowed since Linux 4.20.
  volatile char* here = (volatile char*)__builtin_frame_address(0);
  here[-3 * 1024 * 1024] = 1;
  CHECK_INT(here[-3 * 1024 * 1024], 1);
  CHECK_INT(here[-2 * 1024 * 1024], 0);
}

int main(void) {
  struct rlimit limit;
  CHECK_INT(getrlimit(RLIMIT_STACK, &limit), 0);
  CHECK(limit.rlim_cur >= 8 << 20 || limit.rlim_cur == RLIM_INFINITY);
  limit.rlim_cur = 8 << 20;
  CHECK_INT(setrlimit(RLIMIT_STACK, &limit), 0);
  Deep((void*)500L);
  pid_t one = Fork(Deep, (void*)1500L);
  pid_t two = Fork(Deep, (void*)2500L);
  Deep((void*)1000L);
  CHECK_INT(WaitShell(one), 0);
  CHECK_INT(WaitShell(two), 0);
  Ok("grows");
  CHECK_INT(RunChild(JumpsFar, NULL), 0);
  Ok("jumps");
  CHECK_INT(RunChild(Overflows, NULL), 128 + SIGSEGV);
  CHECK_INT(RunChild(SmallLimit, NULL), 128 + SIGSEGV);
  Ok("ends at the limit");
  unsigned char* area = Pages(300);
  CHECK_INT(munmap(area, 300 * kPage), 0);
  unsigned char* down = mmap(area + 299 * kPage, kPage, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
  CHECK(down == area + 299 * kPage);
  for (int i = 299; i > 280; --i) area[i * kPage] = (unsigned char)i;
  for (int i = 299; i > 280; --i) CHECK_INT(area[i * kPage], i & 255);
  Ok("GROWSDOWN");
  return Finish();
}
