// SPDX-License-Identifier: Apache-2.0
//
// Waiting on several futexes at once (futex_waitv): which one woke the caller, what is left of the
// others, time-outs, what is refused.
#include "guest/user/lib/futex.h"

enum { kWaitv = 449, kCount = 4, kPrivate32 = 0x82, kMost = 128 };

typedef struct {
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
} Entry;

static uint32_t words[kCount];
static volatile long result;

static void Fill(Entry* entries, int count) {
  for (int i = 0; i < count; ++i) {
    Entry entry = {0, (uint64_t)&words[i % kCount], kPrivate32, 0};
    entries[i] = entry;
  }
}

static long Waitv(Entry* entries, unsigned count, const struct timespec* until, int clock) {
  return syscall(kWaitv, entries, count, 0, until, clock);
}

static void Waits(void* arg) {
  (void)arg;
  Entry entries[kCount];
  Fill(entries, kCount);
  result = Waitv(entries, kCount, NULL, 0);
}

static void WokenByEach(void) {
  for (int i = 0; i < kCount; ++i) {
    Sleeper sleeper;
    StartSleeper(&sleeper, Waits, NULL);
    // It counts as asleep before it stands in the last queue.
    long woken;
    while ((woken = Futex(&words[i], FUTEX_WAKE, 100, NULL, NULL, 0)) == 0) sched_yield();
    CHECK_INT(woken, 1);
    pthread_join(sleeper.thread, NULL);
    CHECK_INT(result, i);
    for (int j = 0; j < kCount; ++j) {
      CHECK_INT(Futex(&words[j], FUTEX_WAKE, 100, NULL, NULL, 0), 0);
    }
  }
  Ok("woken by each");
}

static void Refused(void) {
  static Entry entries[kMost + 1];
  struct timespec past = {1, 0}, bad = {0, -1};
  Fill(entries, kMost);
  CHECK_ERR(Waitv(entries, kMost, &past, CLOCK_MONOTONIC), ETIMEDOUT);
  CHECK_ERR(Waitv(entries, 2, &past, CLOCK_REALTIME), ETIMEDOUT);
  CHECK_ERR(Waitv(entries, 2, &past, CLOCK_BOOTTIME), EINVAL);
  CHECK_ERR(Waitv(entries, 2, &bad, CLOCK_MONOTONIC), EINVAL);
  CHECK_ERR(Waitv(entries, 0, &past, CLOCK_MONOTONIC), EINVAL);
  CHECK_ERR(Waitv(entries, kMost + 1, &past, CLOCK_MONOTONIC), EINVAL);
  CHECK_ERR(Waitv(NULL, 1, &past, CLOCK_MONOTONIC), EINVAL);
  CHECK_ERR(Waitv((Entry*)16, 1, &past, CLOCK_MONOTONIC), EFAULT);
  CHECK_ERR(syscall(kWaitv, entries, 1, 1, &past, CLOCK_MONOTONIC), EINVAL);
  entries[1].value = 1;
  CHECK_ERR(Waitv(entries, 2, NULL, 0), EAGAIN);
  entries[1].value = 1ull << 32;
  CHECK_ERR(Waitv(entries, 2, NULL, 0), EINVAL);
  entries[1].value = 0;
  entries[1].flags = 0x80;  // one byte
  CHECK_ERR(Waitv(entries, 2, NULL, 0), EINVAL);
  entries[1].flags = kPrivate32 | 0x100;
  CHECK_ERR(Waitv(entries, 2, NULL, 0), EINVAL);
  entries[1].flags = kPrivate32;
  entries[1].reserved = 1;
  CHECK_ERR(Waitv(entries, 2, NULL, 0), EINVAL);
  entries[1].reserved = 0;
  entries[1].address += 1;
  CHECK_ERR(Waitv(entries, 2, NULL, 0), EINVAL);
  entries[1].address = 16;
  CHECK_ERR(Waitv(entries, 2, NULL, 0), EFAULT);
  Ok("refused");
}

int main(void) {
  WokenByEach();
  Refused();
  return Finish();
}
