// SPDX-License-Identifier: Apache-2.0
//
// Mappings by the hundred: random map, unmap, protect and fill over a window, checked against a
// plain table after every round and again in a forked child. A fixed seed: the same each time.
// Rows of docs/fork-features.md: F51.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kWindow = 256, kSteps = 1500 };
enum State { kHole, kReadOnly, kWritable };

static unsigned char* window;
static unsigned char state[kWindow];
static unsigned char value[kWindow];
static uint32_t seed = 12345;

static uint32_t Random(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static void Step(void) {
  size_t from = Random(kWindow), count = 1 + Random(12);
  if (from + count > kWindow) count = kWindow - from;
  unsigned char* at = window + from * kPage;
  switch (Random(4)) {
    case 0:
      CHECK(mmap(at, count * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                 -1, 0) == at);
      memset(state + from, kWritable, count);
      memset(value + from, 0, count);
      break;
    case 1:
      CHECK_INT(munmap(at, count * kPage), 0);
      memset(state + from, kHole, count);
      break;
    case 2: {
      int writable = (int)Random(2), whole = 1;
      for (size_t i = 0; i < count; ++i) whole &= state[from + i] != kHole;
      if (!whole) break;
      CHECK_INT(mprotect(at, count * kPage, writable ? PROT_READ | PROT_WRITE : PROT_READ), 0);
      memset(state + from, writable ? kWritable : kReadOnly, count);
      break;
    }
    default:
      for (size_t i = 0; i < count; ++i) {
        if (state[from + i] != kWritable) continue;
        value[from + i] = (unsigned char)(1 + Random(255));
        at[i * kPage + 11] = value[from + i];
      }
  }
}

static int CountWrong(void) {
  int wrong = 0;
  for (size_t i = 0; i < kWindow; ++i) {
    int want = state[i] == kHole ? -SIGSEGV : value[i];
    wrong += ProbeRead(window + i * kPage + 11) != want;
    if (state[i] != kWritable) wrong += ProbeWrite(window + i * kPage + 12, 1) != -SIGSEGV;
  }
  return wrong;
}

static void Child(void* unused) {
  (void)unused;
  CHECK_INT(CountWrong(), 0);
  for (int i = 0; i < 50; ++i) Step();
  CHECK_INT(CountWrong(), 0);
}

int main(void) {
  window = Pages(kWindow);
  memset(state, kWritable, sizeof(state));
  for (int i = 1; i <= kSteps; ++i) {
    Step();
    if (i % 500 == 0) {
      CHECK_INT(CountWrong(), 0);
      uint32_t seed_before = seed;
      CHECK_INT(RunChild(Child, NULL), 0);
      CHECK_INT(seed, seed_before);
      CHECK_INT(CountWrong(), 0);
    }
  }
  Ok("fifteen hundred steps");
  return Finish();
}
