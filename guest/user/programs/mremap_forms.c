// SPDX-License-Identifier: Apache-2.0
//
// mremap: shrink, grow in place, grow with a move, move to a fixed place, DONTUNMAP; contents move
// with the pages, also while they are shared copy-on-write; what is refused.
// Rows of docs/fork-features.md: F98.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static void ShrinkAndGrow(void) {
  unsigned char* memory = Pages(11);
  CHECK_INT(mprotect(memory + 10 * kPage, kPage, PROT_READ), 0);  // in the way of growth, later
  FillPages(memory, 10, 1);
  CHECK(mremap(memory, 10 * kPage, 4 * kPage, 0) == memory);
  CHECK_INT(BadPages(memory, 4, 1), 0);
  CHECK_INT(ProbeRead(memory + 4 * kPage), -SIGSEGV);
  CHECK(mremap(memory, 4 * kPage, 10 * kPage, 0) == memory);  // there is room again
  CHECK_INT(BadPages(memory, 4, 1), 0);
  CHECK_INT(memory[9 * kPage], 0);
  CHECK(mremap(memory, 10 * kPage, 10 * kPage, 0) == memory);
  Ok("shrink, grow in place");
  FillPages(memory, 10, 2);
  CHECK_ERR((long)mremap(memory, 10 * kPage, 20 * kPage, 0), ENOMEM);
  unsigned char* moved = mremap(memory, 10 * kPage, 20 * kPage, MREMAP_MAYMOVE);
  CHECK(moved != MAP_FAILED && moved != memory);
  CHECK_INT(BadPages(moved, 10, 2), 0);
  CHECK_INT(moved[19 * kPage], 0);
  CHECK_INT(ProbeRead(memory), -SIGSEGV);
  CHECK_INT(munmap(moved, 20 * kPage), 0);
  CHECK_INT(munmap(memory + 10 * kPage, kPage), 0);
  Ok("grow with a move");
}

static void Fixed(void) {
  unsigned char* memory = Pages(30);
  FillPages(memory, 4, 3);
  unsigned char* target = memory + 20 * kPage;
  FillPages(target, 4, 4);
  CHECK(mremap(memory, 4 * kPage, 4 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
  CHECK_INT(BadPages(target, 4, 3), 0);
  CHECK_INT(ProbeRead(memory), -SIGSEGV);
  CHECK_INT(ProbeRead(memory + 4 * kPage), 0);
  // Out of the middle of a mapping.
  FillPages(memory + 8 * kPage, 2, 5);
  unsigned char* middle = mremap(memory + 8 * kPage, 2 * kPage, 3 * kPage, MREMAP_MAYMOVE);
  CHECK(middle != MAP_FAILED);
  CHECK_INT(BadPages(middle, 2, 5), 0);
  CHECK_INT(ProbeRead(memory + 8 * kPage), -SIGSEGV);
  CHECK_INT(ProbeRead(memory + 10 * kPage), 0);
  Ok("fixed, from the middle");
  unsigned char* kept = Pages(3);
  FillPages(kept, 3, 6);
  unsigned char* copy = mremap(kept, 3 * kPage, 3 * kPage, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  CHECK(copy != MAP_FAILED && copy != kept);
  CHECK_INT(BadPages(copy, 3, 6), 0);
  CHECK_INT(kept[0], 0);  // still mapped, empty
  kept[0] = 1;
  CHECK_INT(BadPages(copy, 3, 6), 0);
  Ok("DONTUNMAP");
}

static unsigned char* shared_cow;

static void MovesInChild(void* unused) {
  (void)unused;
  unsigned char* moved = mremap(shared_cow, 4 * kPage, 8 * kPage, MREMAP_MAYMOVE);
  CHECK(moved != MAP_FAILED);
  CHECK_INT(BadPages(moved, 4, 7), 0);
  FillPages(moved, 8, 8);
  CHECK_INT(BadPages(moved, 8, 8), 0);
}

static void OverFork(void) {
  shared_cow = Pages(5);
  FillPages(shared_cow, 4, 7);
  CHECK_INT(RunChild(MovesInChild, NULL), 0);
  CHECK_INT(BadPages(shared_cow, 4, 7), 0);
  Ok("moved in a child");
}

static void Refused(void) {
  unsigned char* memory = Pages(4);
  CHECK_ERR((long)mremap(memory + 1, kPage, kPage, 0), EINVAL);
  CHECK_ERR((long)mremap(memory, kPage, 0, 0), EINVAL);
  CHECK_ERR((long)mremap(memory, kPage, kPage, 64), EINVAL);
  CHECK_ERR((long)mremap(memory, kPage, kPage, MREMAP_FIXED, memory + 2 * kPage), EINVAL);
  CHECK_ERR(
      (long)mremap(memory, 2 * kPage, 2 * kPage, MREMAP_FIXED | MREMAP_MAYMOVE, memory + kPage),
      EINVAL);
  CHECK_INT(munmap(memory + 2 * kPage, kPage), 0);
  CHECK_ERR((long)mremap(memory, 4 * kPage, 8 * kPage, MREMAP_MAYMOVE), EFAULT);
  CHECK_ERR((long)mremap(memory + 2 * kPage, kPage, 2 * kPage, MREMAP_MAYMOVE), EFAULT);
  Ok("refused");
}

// Lengths that reach past the end of user space, or around the end of all addresses.
static void AbsurdLengths(void) {
  unsigned char* memory = Pages(4);
  const size_t past = (size_t)1 << 47, far = (size_t)1 << 62, around = ~(size_t)0 - 0x100000;
  CHECK_ERR((long)mremap(memory, past, kPage, MREMAP_MAYMOVE), EINVAL);
  CHECK_ERR((long)mremap(memory, around, kPage, MREMAP_MAYMOVE), EINVAL);
  CHECK_ERR((long)mremap(memory, around, kPage, 0), EINVAL);
  CHECK_ERR((long)mremap(memory, kPage, past, MREMAP_MAYMOVE), EINVAL);
  CHECK_ERR((long)mremap(memory, kPage, far, MREMAP_MAYMOVE), EINVAL);
  CHECK_ERR((long)mremap(memory, kPage, far, 0), EINVAL);
  unsigned char* target = Pages(1);
  CHECK_ERR((long)mremap(memory, around, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, target), EINVAL);
  CHECK_ERR((long)mremap(memory, kPage, past, MREMAP_MAYMOVE | MREMAP_FIXED, target), EINVAL);
  FillPages(memory, 4, 1);
  CHECK_INT(BadPages(memory, 4, 1), 0);
  // The mapping is a part of what has to give way to itself.
  CHECK_ERR((long)mremap(memory + kPage, around, 2 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, memory),
            EFAULT);
  CHECK_INT(ProbeRead(memory + kPage), -SIGSEGV);
  Ok("absurd lengths");
}

int main(void) {
  ShrinkAndGrow();
  Fixed();
  OverFork();
  Refused();
  AbsurdLengths();
  return Finish();
}
