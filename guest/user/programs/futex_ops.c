// SPDX-License-Identifier: Apache-2.0
//
// The futex system call, private: WAIT that does not match, WAKE counts, BITSET, REQUEUE and
// CMP_REQUEUE, WAKE_OP, time-outs relative and absolute, EINTR, what is refused.
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "guest/user/lib/proc.h"

enum { kThreads = 5 };

static uint32_t first, second;
static volatile int woken;
static volatile pid_t ids[kThreads];
static uint32_t bits[kThreads];

static long Futex(uint32_t* word, int operation, uint32_t value, const void* timeout,
                  uint32_t* word2, uint32_t value3) {
  return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, timeout, word2, value3);
}

static void* Waits(void* arg) {
  long index = (long)arg;
  ids[index] = (pid_t)syscall(SYS_gettid);
  CHECK_INT(Futex(&first, FUTEX_WAIT_BITSET, 0, NULL, NULL, bits[index]), 0);
  __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static pthread_t threads[kThreads];

// Starts the waiters and returns when all of them sleep.
static void StartWaiters(void) {
  woken = 0;
  for (long i = 0; i < kThreads; ++i) {
    ids[i] = 0;
    CHECK_INT(pthread_create(&threads[i], NULL, Waits, (void*)i), 0);
  }
  for (int i = 0; i < kThreads; ++i) {
    while (ids[i] == 0) sched_yield();
  }
  for (int i = 0; i < kThreads; ++i) AwaitSleep(getpid(), ids[i]);
}

static void JoinAll(void) {
  for (int i = 0; i < kThreads; ++i) CHECK_INT(pthread_join(threads[i], NULL), 0);
  CHECK_INT(woken, kThreads);
}

static void Wakes(void) {
  for (int i = 0; i < kThreads; ++i) bits[i] = FUTEX_BITSET_MATCH_ANY;
  StartWaiters();
  CHECK_INT(Futex(&first, FUTEX_WAKE, 2, NULL, NULL, 0), 2);
  CHECK_INT(Futex(&first, FUTEX_WAKE, 0, NULL, NULL, 0), 1);  // zero wakes one
  CHECK_INT(Futex(&first, FUTEX_WAKE, 100, NULL, NULL, 0), kThreads - 3);
  CHECK_INT(Futex(&first, FUTEX_WAKE, 100, NULL, NULL, 0), 0);
  JoinAll();
  Ok("WAKE counts");
}

static void Bitset(void) {
  for (int i = 0; i < kThreads; ++i) bits[i] = 1u << i;
  StartWaiters();
  CHECK_INT(Futex(&first, FUTEX_WAKE_BITSET, 100, NULL, NULL, 0x100), 0);
  CHECK_INT(Futex(&first, FUTEX_WAKE_BITSET, 100, NULL, NULL, 1u << 2), 1);
  CHECK_INT(Futex(&first, FUTEX_WAKE_BITSET, 100, NULL, NULL, 3), 2);
  CHECK_INT(Futex(&first, FUTEX_WAKE, 100, NULL, NULL, 0), kThreads - 3);
  JoinAll();
  Ok("BITSET");
}

static void Requeue(void) {
  for (int i = 0; i < kThreads; ++i) bits[i] = FUTEX_BITSET_MATCH_ANY;
  StartWaiters();
  first = 5;
  CHECK_ERR(Futex(&first, FUTEX_CMP_REQUEUE, 1, (void*)100L, &second, 4), EAGAIN);
  // One woken, three moved: the sum is the result.
  CHECK_INT(Futex(&first, FUTEX_CMP_REQUEUE, 1, (void*)3L, &second, 5), 4);
  CHECK_INT(Futex(&second, FUTEX_WAKE, 100, NULL, NULL, 0), 3);
  CHECK_INT(Futex(&first, FUTEX_WAKE, 100, NULL, NULL, 0), kThreads - 4);
  first = 0;
  JoinAll();
  Ok("CMP_REQUEUE");
}

static void WakeOp(void) {
  StartWaiters();
  second = 7;
  // *second += 3; wakes one on first, and on second if its old value was 7: nobody is there.
  uint32_t operation = FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 7);
  CHECK_INT(Futex(&first, FUTEX_WAKE_OP, 1, (void*)10L, &second, operation), 1);
  CHECK_INT(second, 10);
  // The same word twice: both halves wake.
  operation = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_GE, 0);
  CHECK_INT(Futex(&first, FUTEX_WAKE_OP, 1, (void*)1L, &first, operation), 2);
  operation = FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_NE, 10);
  CHECK_INT(Futex(&first, FUTEX_WAKE_OP, 100, (void*)10L, &second, operation), kThreads - 3);
  CHECK_INT(second, 1);
  JoinAll();
  Ok("WAKE_OP");
}

static void Timeouts(void) {
  struct timespec soon = {0, 10000000}, bad = {0, 1000000000}, now;
  uint32_t word = 3;
  CHECK_ERR(Futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
  CHECK_ERR(Futex(&word, FUTEX_WAIT, 3, &soon, NULL, 0), ETIMEDOUT);
  CHECK_ERR(Futex(&word, FUTEX_WAIT, 3, &bad, NULL, 0), EINVAL);
  clock_gettime(CLOCK_MONOTONIC, &now);
  CHECK_ERR(Futex(&word, FUTEX_WAIT_BITSET, 3, &now, NULL, 1), ETIMEDOUT);
  clock_gettime(CLOCK_REALTIME, &now);
  CHECK_ERR(Futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 3, &now, NULL, 1), ETIMEDOUT);
  Ok("time-outs");
}

static void Refused(void) {
  uint32_t words[2] = {0, 0};
  uint32_t* crooked = (uint32_t*)((char*)words + 1);
  CHECK_ERR(Futex(crooked, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
  CHECK_ERR(Futex(crooked, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
  CHECK_ERR(Futex((uint32_t*)16, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
  CHECK_ERR(Futex(words, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
  CHECK_ERR(Futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
  CHECK_ERR(Futex(words, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS);
  CHECK_ERR(Futex(words, 99, 0, NULL, NULL, 0), ENOSYS);
  Ok("refused");
}

int main(void) {
  Wakes();
  Bitset();
  Requeue();
  WakeOp();
  Timeouts();
  Refused();
  return Finish();
}
