// SPDX-License-Identifier: Apache-2.0
//
// MAP_SHARED anonymous memory: both sides of a fork see each other's writes, also those of
// grandchildren, also in pages first touched after the fork, also by system calls.
#include <fcntl.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static volatile unsigned char* shared;
static Baton to_child, to_parent;

static void Child(void* unused) {
  (void)unused;
  CHECK_INT(shared[0], 1);
  shared[0] = 2;
  shared[5 * kPage] = 50;  // nobody has touched this page before
  Give(&to_parent);
  Take(&to_child);
  CHECK_INT(shared[6 * kPage], 60);
  if (fork() == 0) {
    shared[7 * kPage] = 70;
    _exit(0);
  }
  wait(NULL);
  int zero = open("/dev/zero", O_RDONLY);
  CHECK_INT(read(zero, (void*)(shared + 6 * kPage), 10), 10);  // the kernel writes
  close(zero);
}

static void Counts(void* unused) {
  (void)unused;
  for (int i = 0; i < 5000; ++i) {
    __atomic_add_fetch((volatile int*)(shared + 8 * kPage), 1, __ATOMIC_SEQ_CST);
  }
}

int main(void) {
  shared = (volatile unsigned char*)SharedMemory(10 * kPage);
  to_child = MakeBaton();
  to_parent = MakeBaton();
  shared[0] = 1;
  pid_t child = Fork(Child, NULL);
  Take(&to_parent);
  CHECK_INT(shared[0], 2);
  CHECK_INT(shared[5 * kPage], 50);
  shared[6 * kPage] = 60;
  Give(&to_child);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(shared[6 * kPage], 0);
  CHECK_INT(shared[7 * kPage], 70);
  Ok("seen by all");
  pid_t pids[4];
  for (int i = 0; i < 4; ++i) pids[i] = Fork(Counts, NULL);
  for (int i = 0; i < 4; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  CHECK_INT(*(volatile int*)(shared + 8 * kPage), 20000);
  Ok("counted together");
  CHECK_INT(mprotect((void*)shared, kPage, PROT_READ), 0);
  CHECK_INT(ProbeWrite((void*)shared, 1), -SIGSEGV);
  CHECK_INT(munmap((void*)shared, 10 * kPage), 0);
  CHECK_INT(ProbeRead((void*)shared), -SIGSEGV);
  return Finish();
}
