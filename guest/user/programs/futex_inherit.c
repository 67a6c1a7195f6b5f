// SPDX-License-Identifier: Apache-2.0
//
// Priority inheritance (futex(2), FUTEX_LOCK_PI): the owner of a lock has the priority of its
// highest waiter, as /proc shows it, through a chain of locks, and loses it with the waiter or the
// lock; the highest waiter gets the lock first; a circle is refused, and a word that is used as a
// plain futex.
#include "guest/user/lib/futex.h"

static int normal;  // the priority that it is started with: 20 + nice

static uint32_t lock_a, lock_b;
static volatile int order[4], taken;

// The "priority" of /proc/PID/task/TID/stat: 20 + nice, or -1 - priority for real time.
static int PriorityOf(pid_t id) {
  char path[64], text[512];
  snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", getpid(), id);
  int fd = open(path, O_RDONLY);
  ssize_t n = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  const char* at = strrchr(text, ')');
  for (int field = 2; at && field < 18; ++field) at = strchr(at + 1, ' ');
  return at ? atoi(at + 1) : 1000;
}

static int Boosted(int priority) { return -1 - priority; }
static pid_t Self(void) { return (pid_t)syscall(SYS_gettid); }

// Locks and unlocks A, noting its turn.
static void TakesA(void* arg) {
  CHECK_INT(LockPi(&lock_a), 0);
  CHECK_INT(lock_a & FUTEX_TID_MASK, Self());
  order[taken++] = (int)(long)arg;
  CHECK_INT(UnlockPi(&lock_a), 0);
}

static void TakesFifoA(void* arg) {
  SetFifo(0, (int)(long)arg);
  TakesA(arg);
}

static void HoldsBWantsA(void* arg) {
  CHECK_INT(LockPi(&lock_b), 0);
  TakesA(arg);
  CHECK_INT(UnlockPi(&lock_b), 0);
}

static void TakesFifoB(void* arg) {
  SetFifo(0, (int)(long)arg);
  CHECK_INT(LockPi(&lock_b), 0);
  CHECK_INT(UnlockPi(&lock_b), 0);
}

static void Order(void) {
  Sleeper plain, low, high;
  taken = 0;
  CHECK_INT(LockPi(&lock_a), 0);
  StartSleeper(&plain, TakesA, (void*)0L);
  CHECK_INT(PriorityOf(Self()), normal);
  CHECK_INT(lock_a, (uint32_t)Self() | FUTEX_WAITERS);
  StartSleeper(&low, TakesFifoA, (void*)10L);
  CHECK_INT(PriorityOf(Self()), Boosted(10));
  StartSleeper(&high, TakesFifoA, (void*)30L);
  CHECK_INT(PriorityOf(Self()), Boosted(30));
  CHECK_INT(UnlockPi(&lock_a), 0);
  CHECK_INT(PriorityOf(Self()), normal);
  pthread_join(high.thread, NULL);
  pthread_join(low.thread, NULL);
  pthread_join(plain.thread, NULL);
  CHECK_INT(order[0], 30);
  CHECK_INT(order[1], 10);
  CHECK_INT(order[2], 0);
  CHECK_INT(lock_a, 0);
  Ok("the highest waiter lends its priority and comes first");
}

static void Chain(void) {
  Sleeper middle, top;
  taken = 0;
  CHECK_INT(LockPi(&lock_a), 0);
  StartSleeper(&middle, HoldsBWantsA, (void*)1L);
  CHECK_ERR(LockPi(&lock_b), EDEADLK);
  CHECK_INT(PriorityOf(middle.id), normal);
  StartSleeper(&top, TakesFifoB, (void*)20L);
  CHECK_INT(PriorityOf(middle.id), Boosted(20));
  CHECK_INT(PriorityOf(Self()), Boosted(20));
  // What the waiter gains or loses later reaches them too.
  SetFifo(top.id, 40);
  CHECK_INT(PriorityOf(Self()), Boosted(40));
  SetFifo(top.id, 0);
  CHECK_INT(PriorityOf(middle.id), normal);
  CHECK_INT(PriorityOf(Self()), normal);
  SetFifo(Self(), 5);  // its own priority stands below an inherited one
  SetFifo(top.id, 20);
  CHECK_INT(PriorityOf(Self()), Boosted(20));
  SetFifo(Self(), 0);
  CHECK_INT(PriorityOf(Self()), Boosted(20));
  CHECK_INT(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
  CHECK_INT(UnlockPi(&lock_a), 0);
  pthread_join(middle.thread, NULL);
  pthread_join(top.thread, NULL);
  CHECK_INT(PriorityOf(Self()), normal);
  Ok("through a chain of locks");
}

static void* TriesA(void* arg) {
  CHECK_ERR(Futex(&lock_a, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
  CHECK_INT(lock_a & FUTEX_WAITERS, FUTEX_WAITERS);
  SetFifo(0, 12);
  struct timespec past = {1, 0};
  CHECK_ERR(Futex(&lock_a, FUTEX_LOCK_PI, 0, &past, NULL, 0), ETIMEDOUT);
  return arg;
}

static void GivesUp(void) {
  pthread_t thread;
  CHECK_INT(LockPi(&lock_a), 0);
  pthread_create(&thread, NULL, TriesA, NULL);
  pthread_join(thread, NULL);
  CHECK_INT(PriorityOf(Self()), normal);
  CHECK_INT(UnlockPi(&lock_a), 0);
  CHECK_INT(lock_a, 0);
  Ok("given back when the waiter gives up");
}

static void WaitsPlainly(void* arg) {
  (void)arg;
  CHECK_INT(Futex(&lock_b, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
}

static void NotPlain(void) {
  Sleeper plain;
  StartSleeper(&plain, WaitsPlainly, NULL);
  CHECK_ERR(LockPi(&lock_b), EINVAL);
  CHECK_INT(Futex(&lock_b, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
  pthread_join(plain.thread, NULL);
  CHECK_INT(LockPi(&lock_b), 0);
  CHECK_INT(UnlockPi(&lock_b), 0);
  Ok("a word with plain waiters is refused");
}

int main(void) {
  normal = PriorityOf(Self());
  Order();
  Chain();
  GivesUp();
  NotPlain();
  return Finish();
}
