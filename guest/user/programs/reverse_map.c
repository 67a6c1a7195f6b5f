// SPDX-License-Identifier: Apache-2.0
//
// F57: how many processes map a page, as /proc/kpagecount says for its frame number out of
// /proc/self/pagemap: over generations of forks, for private and for shared pages. Idle pages:
// the reverse map of the accessed bits. A host moves pages as it likes, and whoever reads in /proc
// keeps those of a process past its end: there nothing is checked and the same printed.
#include <fcntl.h>

#include "guest/user/lib/guest.h"
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static int count_fd, idle_fd;

// The frame number behind the address, 0 if it is absent or a host's.
static uint64_t FrameOf(const void* address) {
  if (count_fd < 0) return 0;
  uint64_t entry = 0;
  int fd = open("/proc/self/pagemap", O_RDONLY);
  CHECK(fd >= 0);
  CHECK_INT(pread(fd, &entry, 8, (off_t)((uintptr_t)address / kPage * 8)), 8);
  close(fd);
  return (entry >> 63) ? entry & ((1ull << 55) - 1) : 0;
}

static long Mappers(uint64_t frame, long expected) {
  uint64_t count = 0;
  if (count_fd < 0 || frame == 0) return expected;
  CHECK_INT(pread(count_fd, &count, 8, (off_t)(frame * 8)), 8);
  return (long)count;
}

static unsigned char* page;
static uint64_t frame;
static Baton ready, go;

static void Grandchild(void* unused) {
  (void)unused;
  CHECK_INT(Mappers(frame, 3), 3);
  page[0] = 3;
  CHECK_INT(Mappers(frame, 2), 2);
  CHECK_INT(Mappers(FrameOf(page), 1), 1);
}

static void Child(void* unused) {
  (void)unused;
  CHECK_INT(Mappers(frame, 2), 2);
  CHECK_INT(RunChild(Grandchild, NULL), 0);
  CHECK_INT(Mappers(frame, 2), 2);
  // At another address it is the same page.
  unsigned char* to = Pages(1);
  CHECK(mremap(page, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
  CHECK(FrameOf(to) == frame);
  CHECK_INT(Mappers(frame, 2), 2);
  Give(&ready);
  Take(&go);
}

static void Generations(void) {
  page = Pages(1);
  page[0] = 1;
  frame = FrameOf(page);
  CHECK_INT(Mappers(frame, 1), 1);
  ready = MakeBaton();
  go = MakeBaton();
  pid_t child = Fork(Child, NULL);
  Take(&ready);
  CHECK_INT(Mappers(frame, 2), 2);
  CHECK_INT(munmap(page, kPage), 0);
  CHECK_INT(Mappers(frame, 1), 1);
  Give(&go);
  CHECK_INT(WaitShell(child), 0);
  Ok("F57 generations");
}

static void MapsTwice(void* fd) {
  unsigned char* again = mmap(NULL, kPage, PROT_READ, MAP_SHARED, (int)(intptr_t)fd, 0);
  CHECK_INT(again[0], 9);
  CHECK_INT(Mappers(frame, 3), 3);
}

static void SharedPages(void) {
  int fd = memfd_create("shared", 0);
  CHECK_INT(ftruncate(fd, kPage), 0);
  page = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  page[0] = 9;
  frame = FrameOf(page);
  CHECK_INT(Mappers(frame, 1), 1);
  // The child has the parent's mapping, touched, and one of its own.
  pid_t child = fork();
  if (child == 0) {
    fv_failures = 0;
    CHECK_INT(page[0], 9);
    MapsTwice((void*)(intptr_t)fd);
    _exit(ChildResult());
  }
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(Mappers(frame, 1), 1);
  CHECK_INT(munmap(page, kPage), 0);
  close(fd);
  Ok("F57 F58 shared pages");
}

static int IsIdle(uint64_t number) {
  uint64_t word = 0;
  CHECK_INT(pread(idle_fd, &word, 8, (off_t)(number / 64 * 8)), 8);
  return (int)(word >> number % 64 & 1);
}

static void Touches(void* unused) {
  (void)unused;
  CHECK_INT(page[0], 1);
}

static void IdlePages(void) {
  page = Pages(1);
  page[0] = 1;
  frame = FrameOf(page);
  if (idle_fd >= 0 && frame != 0) {
    uint64_t word = 1ull << frame % 64;
    CHECK_INT(IsIdle(frame), 0);
    CHECK_INT(pwrite(idle_fd, &word, 8, (off_t)(frame / 64 * 8)), 8);
    CHECK_INT(IsIdle(frame), 1);
    CHECK_INT(RunChild(Touches, NULL), 0);
    page[0] = 2;
    CHECK_INT(IsIdle(frame), 0);
  }
  Ok("F57 idle pages");
}

int main(void) {
  count_fd = idle_fd = -1;
  if (InGuest()) {
    count_fd = open("/proc/kpagecount", O_RDONLY);
    idle_fd = open("/sys/kernel/mm/page_idle/bitmap", O_RDWR);
    CHECK(count_fd >= 0 && idle_fd >= 0);
  }
  Generations();
  SharedPages();
  IdlePages();
  return Finish();
}
