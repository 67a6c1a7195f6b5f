// SPDX-License-Identifier: Apache-2.0
//
// Anonymous memory: reads as zero, demand-filled, fixed addresses, hints, NOREPLACE, unmapping in
// parts, populate, noreserve; what is refused.
// Rows of docs/fork-features.md: F98.
#include "guest/user/lib/memory.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { kRw = PROT_READ | PROT_WRITE, kAnon = MAP_PRIVATE | MAP_ANONYMOUS };

static int Zero(const unsigned char* start, size_t pages) {
  for (size_t i = 0; i < pages * kPage; i += 64) {
    if (start[i] != 0) return 0;
  }
  return 1;
}

static void Fresh(void) {
  unsigned char* memory = Pages(64);
  CHECK_INT((uintptr_t)memory % kPage, 0);
  CHECK(Zero(memory, 64));
  FillPages(memory, 64, 1);
  CHECK_INT(BadPages(memory, 64, 1), 0);
  CHECK_INT(munmap(memory, 64 * kPage), 0);
  CHECK_INT(ProbeRead(memory), -SIGSEGV);
  CHECK_INT(fv_probe_code, SEGV_MAPERR);
  unsigned char* again = Pages(64);
  CHECK(Zero(again, 64));  // nobody's old data
  CHECK_INT(munmap(again, 64 * kPage), 0);
  unsigned char* populated = mmap(NULL, 16 * kPage, kRw, kAnon | MAP_POPULATE, -1, 0);
  CHECK(populated != MAP_FAILED && Zero(populated, 16));
  CHECK_INT(munmap(populated, 16 * kPage), 0);
  unsigned char* huge = mmap(NULL, 1L << 36, kRw, kAnon | MAP_NORESERVE, -1, 0);
  CHECK(huge != MAP_FAILED);
  CHECK_INT(huge[1L << 35], 0);
  huge[(1L << 36) - 1] = 5;
  CHECK_INT(munmap(huge, 1L << 36), 0);
  Ok("fresh memory");
}

static void Parts(void) {
  unsigned char* memory = Pages(10);
  FillPages(memory, 10, 2);
  CHECK_INT(munmap(memory + 3 * kPage, 2 * kPage), 0);
  CHECK_INT(ProbeRead(memory + 3 * kPage), -SIGSEGV);
  CHECK_INT(ProbeRead(memory + 5 * kPage - 1), -SIGSEGV);
  CHECK_INT(BadPages(memory, 3, 2), 0);
  CHECK_INT(ProbeRead(memory + 5 * kPage) >= 0, 1);
  CHECK_INT(munmap(memory, kPage), 0);
  CHECK_INT(munmap(memory + 9 * kPage, kPage), 0);
  CHECK_INT(ProbeRead(memory), -SIGSEGV);
  CHECK_INT(ProbeRead(memory + 9 * kPage), -SIGSEGV);
  CHECK_INT(munmap(memory, 10 * kPage), 0);  // over holes
  CHECK_INT(munmap(memory, 10 * kPage), 0);  // nothing there: no error
  Ok("unmapped in parts");
}

static void Fixed(void) {
  unsigned char* memory = Pages(8);
  FillPages(memory, 8, 3);
  CHECK(mmap(memory + 2 * kPage, 2 * kPage, kRw, kAnon | MAP_FIXED, -1, 0) == memory + 2 * kPage);
  CHECK(Zero(memory + 2 * kPage, 2));
  CHECK_INT(BadPages(memory, 2, 3), 0);
  errno = 0;
  CHECK_INT((long)mmap(memory + 4 * kPage, kPage, kRw, kAnon | MAP_FIXED_NOREPLACE, -1, 0), -1);
  CHECK_INT(errno, EEXIST);
  CHECK_INT(munmap(memory + 4 * kPage, kPage), 0);
  CHECK(mmap(memory + 4 * kPage, kPage, kRw, kAnon | MAP_FIXED_NOREPLACE, -1, 0) ==
        memory + 4 * kPage);
  CHECK_INT(munmap(memory, 8 * kPage), 0);
  CHECK(mmap(memory, kPage, kRw, kAnon, -1, 0) == memory);  // a hint that is free is taken
  unsigned char* other = mmap(memory, kPage, kRw, kAnon, -1, 0);
  CHECK(other != MAP_FAILED && other != memory);  // one that is not is not
  CHECK_INT(munmap(memory, kPage), 0);
  CHECK_INT(munmap(other, kPage), 0);
  Ok("fixed addresses");
}

static void Refused(void) {
  CHECK_ERR((long)mmap(NULL, 0, kRw, kAnon, -1, 0), EINVAL);
  CHECK_ERR((long)mmap((void*)0x10001, kPage, kRw, kAnon | MAP_FIXED, -1, 0), EINVAL);
  CHECK_ERR((long)mmap(NULL, kPage, kRw, MAP_ANONYMOUS, -1, 0), EINVAL);
  CHECK_ERR((long)mmap(NULL, kPage, kRw, kAnon | MAP_HUGETLB | (63 << 26), -1, 0), EINVAL);
  CHECK_ERR((long)mmap(NULL, 1UL << 47, kRw, kAnon, -1, 0), ENOMEM);
  CHECK_ERR((long)mmap(NULL, ~0UL - 5, kRw, kAnon, -1, 0), ENOMEM);
  CHECK_ERR((long)mmap(NULL, kPage, kRw, MAP_PRIVATE, -1, 0), EBADF);
  CHECK_ERR((long)mmap((void*)-8192L, kPage, kRw, kAnon | MAP_FIXED, -1, 0), ENOMEM);
  CHECK_ERR(munmap((void*)0x10001, kPage), EINVAL);
  CHECK_ERR(munmap((void*)0x10000, 0), EINVAL);
  CHECK_ERR(munmap((void*)0x10000, ~0UL), EINVAL);
  Ok("refused");
}

int main(void) {
  Fresh();
  Parts();
  Fixed();
  Refused();
  return Finish();
}
