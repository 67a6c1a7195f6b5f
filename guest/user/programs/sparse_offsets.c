// SPDX-License-Identifier: Apache-2.0
//
// A file of holes with pages near the largest offset: read, mapped, copied by fork, cut off again;
// SEEK_DATA and SEEK_HOLE.
#include <sys/mman.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static const off_t kFar = (off_t)1 << 62;

static void ChildReadsAndWrites(void* arg) {
  char* shared = arg;
  CHECK_INT(shared[0], 'f');
  shared[1] = 'c';
}

static void Holes(void) {
  int fd = memfd_create("holes", 0);
  char text[3 * kPage];
  CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
  CHECK_ERR(lseek(fd, 0, SEEK_HOLE), ENXIO);
  CHECK_INT(pwrite(fd, "x", 1, 2 * kPage + 5), 1);
  CHECK_INT(pwrite(fd, "x", 1, 3 * kPage), 1);
  CHECK_INT(ftruncate(fd, kFar), 0);
  CHECK_INT(pread(fd, text, sizeof(text), 0), sizeof(text));  // reading makes no data of a hole
  CHECK(text[0] == 0 && text[2 * kPage + 5] == 'x');
  CHECK_INT(lseek(fd, 0, SEEK_DATA), 2 * kPage);
  CHECK_INT(lseek(fd, 2 * kPage + 7, SEEK_DATA), 2 * kPage + 7);
  CHECK_INT(lseek(fd, 0, SEEK_CUR), 2 * kPage + 7);
  CHECK_INT(lseek(fd, 7, SEEK_HOLE), 7);
  CHECK_INT(lseek(fd, 2 * kPage, SEEK_HOLE), 4 * kPage);
  CHECK_ERR(lseek(fd, 4 * kPage, SEEK_DATA), ENXIO);
  CHECK_INT(pwrite(fd, "x", 1, kFar - 1), 1);
  CHECK(lseek(fd, 4 * kPage, SEEK_DATA) == kFar - kPage);
  CHECK(lseek(fd, kFar - 1, SEEK_HOLE) == kFar);
  CHECK_ERR(lseek(fd, kFar, SEEK_HOLE), ENXIO);
  CHECK_ERR(lseek(fd, -1, SEEK_DATA), ENXIO);
  CHECK_INT(ftruncate(fd, 2 * kPage + 6), 0);
  CHECK_INT(lseek(fd, 2 * kPage, SEEK_HOLE), 2 * kPage + 6);
  close(fd);
  Ok("holes");
}

int main(void) {
  int fd = memfd_create("sparse", 0);
  CHECK(fd >= 0);
  CHECK_INT(pwrite(fd, "near", 4, 0), 4);
  for (int shift = 12; shift < 62; shift += 9) {
    CHECK_INT(pwrite(fd, "x", 1, (off_t)1 << shift), 1);
  }
  CHECK_INT(pwrite(fd, "far", 3, kFar), 3);
  CHECK(lseek(fd, 0, SEEK_END) == kFar + 3);
  char* shared = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, kFar);
  CHECK(shared != MAP_FAILED);
  CHECK_INT(RunChild(ChildReadsAndWrites, shared), 0);
  char text[8];
  CHECK_INT(pread(fd, text, sizeof(text), kFar), 3);
  CHECK(memcmp(text, "fcr", 3) == 0);
  Ok("far");
  CHECK_INT(ftruncate(fd, 4), 0);
  CHECK_INT(pread(fd, text, sizeof(text), 0), 4);
  CHECK_INT(pread(fd, text, sizeof(text), kFar), 0);
  Ok("cut");
  Holes();
  return Finish();
}
