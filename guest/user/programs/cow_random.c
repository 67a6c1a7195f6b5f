// SPDX-License-Identifier: Apache-2.0
//
// Copy-on-write against a model: a family of processes writes, forks and dies at random (a fixed
// seed); each keeps a plain list of what its pages must hold and checks all of them after each
// step. Steps are taken one at a time, so that every order is the same on every run.
// Rows of docs/fork-features.md: F61.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kPages = 24, kSteps = 120, kMaxDepth = 5 };

static unsigned char* memory;
static unsigned char model[kPages];
static uint32_t seed = 99;
static int depth;

static uint32_t Random(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static int Wrong(void) {
  int wrong = 0;
  for (int i = 0; i < kPages; ++i) {
    wrong += memory[i * kPage] != model[i] || memory[i * kPage + 4095] != model[i];
  }
  return wrong;
}

static void Live(int steps);

static void Child(void* steps) {
  ++depth;
  CHECK_INT(Wrong(), 0);
  Live((int)(long)steps);
  CHECK_INT(Wrong(), 0);
}

static void Live(int steps) {
  for (int i = 0; i < steps; ++i) {
    uint32_t page = Random(kPages), what = Random(12);
    if (what < 7) {
      model[page] = (unsigned char)(1 + Random(255));
      memset(memory + page * kPage, model[page], kPage);
    } else if (what == 7) {
      CHECK_INT(madvise(memory + page * kPage, kPage, MADV_DONTNEED), 0);
      model[page] = 0;
    } else if (what == 8) {
      CHECK_INT(mprotect(memory + page * kPage, kPage, PROT_READ), 0);
      CHECK_INT(mprotect(memory + page * kPage, kPage, PROT_READ | PROT_WRITE), 0);
    } else if (depth < kMaxDepth && steps - i > 1) {
      CHECK_INT(RunChild(Child, (void*)(long)((steps - i) / 2)), 0);
      seed += 17;
    }
    if (Wrong()) {
      CHECK_INT(Wrong(), 0);
      return;
    }
  }
}

int main(void) {
  memory = Pages(kPages);
  Live(kSteps);
  CHECK_INT(Wrong(), 0);
  Ok("family of writers");
  return Finish();
}
