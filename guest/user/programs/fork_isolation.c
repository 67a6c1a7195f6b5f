// SPDX-License-Identifier: Apache-2.0
//
// After fork, parent and child have the same memory and do not see each other's writes: data, bss,
// heap, stack, mapped memory, in both orders of writing. A baton orders the writes; none sleeps.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kHeap = 300000, kMapped = 16 };

static int data_word = 1001;
static char bss[3 * kPage];

typedef struct {
  const char* name;
  volatile unsigned char* bytes;
  size_t size;
} Region;

static Baton to_child, to_parent;

static void Fill(const Region* region, int byte) {
  for (size_t i = 0; i < region->size; i += 997) region->bytes[i] = (unsigned char)byte;
  region->bytes[region->size - 1] = (unsigned char)byte;
}

static int Holds(const Region* region, int byte) {
  for (size_t i = 0; i < region->size; i += 997) {
    if (region->bytes[i] != byte) return 0;
  }
  return region->bytes[region->size - 1] == byte;
}

// The parent writes first, then the child looks, writes, and looks again.
static void Child(void* arg) {
  const Region* region = (const Region*)arg;
  CHECK(Holds(region, 1));
  Give(&to_parent);
  Take(&to_child);  // the parent wrote 2
  CHECK(Holds(region, 1));
  Fill(region, 3);
  CHECK(Holds(region, 3));
  Give(&to_parent);
  Take(&to_child);  // the parent looked and wrote 4
  CHECK(Holds(region, 3));
}

static void ParentFirst(const Region* region) {
  Fill(region, 1);
  pid_t child = Fork(Child, (void*)region);
  Take(&to_parent);
  CHECK(Holds(region, 1));
  Fill(region, 2);
  Give(&to_child);
  Take(&to_parent);
  CHECK(Holds(region, 2));
  Fill(region, 4);
  Give(&to_child);
  CHECK_INT(WaitShell(child), 0);
  CHECK(Holds(region, 4));
}

static void ChildWrites(void* arg) {
  const Region* region = (const Region*)arg;
  Fill(region, 9);
  CHECK(Holds(region, 9));
}

static void ChildFirst(const Region* region) {
  Fill(region, 7);
  CHECK_INT(RunChild(ChildWrites, (void*)region), 0);
  CHECK(Holds(region, 7));
  Fill(region, 8);
  CHECK(Holds(region, 8));
}

int main(void) {
  to_child = MakeBaton();
  to_parent = MakeBaton();
  volatile unsigned char stack[2 * kPage];
  Region regions[] = {
      {"data", (unsigned char*)&data_word, sizeof(data_word)},
      {"bss", (unsigned char*)bss, sizeof(bss)},
      {"heap", (unsigned char*)malloc(kHeap), kHeap},
      {"stack", stack, sizeof(stack)},
      {"mapped", Pages(kMapped), kMapped * kPage},
  };
  for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); ++i) {
    ParentFirst(&regions[i]);
    ChildFirst(&regions[i]);
    Ok(regions[i].name);
  }
  return Finish();
}
