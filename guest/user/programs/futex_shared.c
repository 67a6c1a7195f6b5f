// SPDX-License-Identifier: Apache-2.0
//
// Futexes between processes: shared anonymous memory and a shared file mapped at different
// addresses are one futex; the same private address in two processes is two.
#include <linux/futex.h>
#include <stdint.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static volatile uint32_t* shared;
static uint32_t private_word;

static long Futex(volatile uint32_t* word, int operation, uint32_t value) {
  return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void Wait2(volatile uint32_t* word) {
  while (*word == 0) {
    long result = Futex(word, FUTEX_WAIT, 0);
    CHECK(result == 0 || errno == EAGAIN || errno == EINTR);
  }
}

static void WaitsShared(void* word) { Wait2((volatile uint32_t*)word); }

static void PingPongs(void* unused) {
  (void)unused;
  for (uint32_t i = 0; i < 300; ++i) {
    while (shared[4] != 2 * i + 1) Futex(&shared[4], FUTEX_WAIT, 2 * i);
    shared[4] = 2 * i + 2;
    Futex(&shared[4], FUTEX_WAKE, 1);
  }
}

static void PrivateDoesNotWake(void* unused) {
  (void)unused;
  // The parent waits nowhere on this: the child's own copy of the page has nobody.
  CHECK_INT(Futex(&private_word, FUTEX_WAKE, 100), 0);
  CHECK_INT(syscall(SYS_futex, shared, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0), 0);
}

static int file;

static void WaitsMappedElsewhere(void* unused) {
  (void)unused;
  Pages(3);  // moves the next mapping
  volatile uint32_t* word = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  Wait2(word);
}

int main(void) {
  shared = (volatile uint32_t*)SharedMemory(4096);
  pid_t pids[3];
  for (int i = 0; i < 3; ++i) pids[i] = Fork(WaitsShared, (void*)shared);
  shared[0] = 1;
  Futex(shared, FUTEX_WAKE, 100);
  for (int i = 0; i < 3; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  Ok("shared anonymous memory");
  pid_t child = Fork(PingPongs, NULL);
  for (uint32_t i = 0; i < 300; ++i) {
    shared[4] = 2 * i + 1;
    Futex(&shared[4], FUTEX_WAKE, 1);
    while (shared[4] != 2 * i + 2) Futex(&shared[4], FUTEX_WAIT, 2 * i + 1);
  }
  CHECK_INT(WaitShell(child), 0);
  Ok("ping-pong");
  CHECK_INT(RunChild(PrivateDoesNotWake, NULL), 0);
  Ok("private words are apart");
  file = TempFile(0);
  CHECK_INT(ftruncate(file, kPage), 0);
  volatile uint32_t* word = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  child = Fork(WaitsMappedElsewhere, NULL);
  *word = 1;
  Futex(word, FUTEX_WAKE, 100);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(mprotect((void*)word, kPage, PROT_NONE), 0);
  CHECK_ERR(Futex(word, FUTEX_WAKE, 1), EFAULT);  // no page, no key
  CHECK_INT(munmap((void*)word, kPage), 0);
  CHECK_ERR(Futex(word, FUTEX_WAKE, 1), EFAULT);
  Ok("a shared file");
  return Finish();
}
