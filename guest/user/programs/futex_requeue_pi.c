// SPDX-License-Identifier: Apache-2.0
//
// Waiters of a plain futex that are moved to a priority-inheritance lock (futex(2),
// FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI): who gets the lock, what is counted, what is
// refused.
#include "guest/user/lib/futex.h"

enum { kWaiters = 3 };

static uint32_t condition, lock, other_lock;
static volatile int held;

static long WaitMoved(uint32_t value, const struct timespec* until, uint32_t* to) {
  return Futex(&condition, FUTEX_WAIT_REQUEUE_PI, value, until, to, 0);
}
static long Move(uint32_t wake, long requeue, uint32_t* to, uint32_t value) {
  return Futex(&condition, FUTEX_CMP_REQUEUE_PI, wake, (void*)requeue, to, value);
}

static void WaitsForLock(void* arg) {
  (void)arg;
  CHECK_INT(WaitMoved(0, NULL, &lock), 0);
  CHECK_INT(lock & FUTEX_TID_MASK, (uint32_t)syscall(SYS_gettid));
  CHECK_INT(held, 0);
  ++held;
  sched_yield();
  --held;
  CHECK_INT(UnlockPi(&lock), 0);
}

static Sleeper sleepers[kWaiters];

static void Start(void) {
  for (int i = 0; i < kWaiters; ++i) StartSleeper(&sleepers[i], WaitsForLock, NULL);
}
static void Join(void) {
  for (int i = 0; i < kWaiters; ++i) pthread_join(sleepers[i].thread, NULL);
  CHECK_INT(lock, 0);
}

static void MovedToHeldLock(void) {
  CHECK_INT(LockPi(&lock), 0);
  Start();
  CHECK_ERR(Move(1, kWaiters, &lock, 5), EAGAIN);
  CHECK_INT(Move(1, 0, &lock, 0), 1);
  CHECK_INT(lock, (uint32_t)syscall(SYS_gettid) | FUTEX_WAITERS);
  CHECK_INT(Move(1, 100, &lock, 0), kWaiters - 1);
  CHECK_INT(Move(1, 100, &lock, 0), 0);
  CHECK_INT(UnlockPi(&lock), 0);
  Join();
  Ok("moved to a lock that is held");
}

static void MovedToFreeLock(void) {
  Start();
  CHECK_INT(Move(1, 100, &lock, 0), kWaiters);
  Join();
  Ok("moved to a lock that is free: the first has it");
}

static void Refused(void) {
  CHECK_ERR(WaitMoved(5, NULL, &lock), EAGAIN);
  CHECK_ERR(WaitMoved(0, NULL, &condition), EINVAL);
  struct timespec past = {1, 0};
  CHECK_ERR(WaitMoved(0, &past, &lock), ETIMEDOUT);
  CHECK_ERR(Move(2, 1, &lock, 0), EINVAL);
  CHECK_ERR(Move(0, 1, &lock, 0), EINVAL);
  CHECK_ERR(Move(1, -1, &lock, 0), EINVAL);
  CHECK_ERR(Move(1, 1, &condition, 0), EINVAL);
  Start();
  CHECK_ERR(Move(1, 100, &other_lock, 0), EINVAL);
  CHECK_ERR(Futex(&condition, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
  CHECK_ERR(Futex(&condition, FUTEX_REQUEUE, 1, (void*)1L, &other_lock, 0), EINVAL);
  CHECK_INT(Move(1, 100, &lock, 0), kWaiters);
  Join();
  Ok("refused");
}

static void WaitsPlainly(void* arg) {
  (void)arg;
  CHECK_INT(Futex(&condition, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
}

static void NotForThem(void) {
  Sleeper plain;
  StartSleeper(&plain, WaitsPlainly, NULL);
  CHECK_ERR(Move(1, 100, &lock, 0), EINVAL);
  CHECK_INT(Futex(&condition, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
  pthread_join(plain.thread, NULL);
  Ok("plain waiters are not moved");
}

int main(void) {
  MovedToHeldLock();
  MovedToFreeLock();
  Refused();
  NotForThem();
  return Finish();
}
