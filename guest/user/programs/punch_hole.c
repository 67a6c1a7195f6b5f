// SPDX-License-Identifier: Apache-2.0
//
// Holes in files of memory: fallocate with PUNCH_HOLE and MADV_REMOVE give whole pages back, in
// every process that maps them; they read as zero from then on and come back when they are written.
// Copies that a private mapping has stay. Tables that a fork may have shared are among them.
#include <linux/falloc.h>
#include <sys/stat.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static const int kHole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

// Pages that the file has.
static long PagesOf(int fd) {
  struct stat status;
  CHECK_INT(fstat(fd, &status), 0);
  return (long)(status.st_blocks * 512 / kPage);
}

// A file of memory in which page i is filled with the byte 'a' + i % 26.
static int MakeFile(size_t pages) {
  int fd = memfd_create("holes", 0);
  CHECK(fd >= 0);
  unsigned char page[kPage];
  for (size_t i = 0; i < pages; ++i) {
    memset(page, (int)('a' + i % 26), sizeof(page));
    CHECK_INT(pwrite(fd, page, sizeof(page), (off_t)i * kPage), kPage);
  }
  return fd;
}

static unsigned char* Map(int fd, size_t pages, int kind) {
  unsigned char* at = mmap(NULL, pages * kPage, PROT_READ | PROT_WRITE, kind, fd, 0);
  CHECK(at != MAP_FAILED);
  return at;
}

static void Sizes(void) {
  const int fd = MakeFile(8);
  CHECK_INT(PagesOf(fd), 8);
  CHECK_INT(fallocate(fd, kHole, 2 * kPage, 3 * kPage), 0);
  CHECK_INT(PagesOf(fd), 5);
  CHECK_INT(lseek(fd, 0, SEEK_END), 8 * kPage);
  CHECK_INT(lseek(fd, 0, SEEK_HOLE), 2 * kPage);
  CHECK_INT(lseek(fd, 2 * kPage, SEEK_DATA), 5 * kPage);
  CHECK_INT(fallocate(fd, kHole, 2 * kPage, 3 * kPage), 0);
  CHECK_INT(PagesOf(fd), 5);
  // Within a page, and over the edges of two: bytes become zero, pages stay.
  CHECK_INT(fallocate(fd, kHole, 10, 20), 0);
  CHECK_INT(fallocate(fd, kHole, 6 * kPage - 1, 2), 0);
  CHECK_INT(PagesOf(fd), 5);
  unsigned char bytes[32];
  CHECK_INT(pread(fd, bytes, 32, 0), 32);
  CHECK(bytes[9] == 'a' && bytes[10] == 0 && bytes[29] == 0 && bytes[30] == 'a');
  CHECK_INT(pread(fd, bytes, 4, 6 * kPage - 2), 4);
  CHECK(bytes[0] == 'f' && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 'g');
  // Parts of two pages and the whole one between them.
  CHECK_INT(fallocate(fd, kHole, 5 * kPage + 100, 2 * kPage), 0);
  CHECK_INT(PagesOf(fd), 4);
  CHECK_INT(pread(fd, bytes, 2, 7 * kPage + 99), 2);
  CHECK(bytes[0] == 0 && bytes[1] == 'h');
  // Beyond the end: of the last page, and of nothing.
  CHECK_INT(ftruncate(fd, 7 * kPage + 500), 0);
  CHECK_INT(fallocate(fd, kHole, 7 * kPage, kPage), 0);
  CHECK_INT(PagesOf(fd), 3);
  CHECK_INT(fallocate(fd, kHole, 100 * kPage, kPage), 0);
  CHECK_INT(lseek(fd, 0, SEEK_END), 7 * kPage + 500);
  close(fd);
  Ok("sizes");
}

static void Sparse(void) {
  const int fd = memfd_create("sparse", 0);
  const off_t far = (off_t)1 << 50;
  CHECK_INT(pwrite(fd, "near", 4, 0), 4);
  CHECK_INT(pwrite(fd, "between", 7, far / 2), 7);
  CHECK_INT(pwrite(fd, "far", 3, far), 3);
  CHECK_INT(fallocate(fd, kHole, kPage, far - kPage), 0);
  CHECK_INT(PagesOf(fd), 2);
  CHECK(lseek(fd, kPage, SEEK_DATA) == far);
  CHECK_INT(fallocate(fd, kHole, 0, far + kPage), 0);
  CHECK_INT(PagesOf(fd), 0);
  CHECK(lseek(fd, 0, SEEK_END) == far + 3);
  close(fd);
  Ok("sparse");
}

typedef struct {
  unsigned char *shared, *private;
  Baton to_child, to_parent;
} Both;

static void ChildSeesTheHole(void* arg) {
  Both* both = arg;
  both->private[3 * kPage] = 'C';
  CHECK_INT(both->shared[kPage], 'b');
  CHECK_INT(both->private[2 * kPage], 'c');
  Give(&both->to_parent);
  Take(&both->to_child);  // pages 0 to 3 went
  CHECK_INT(both->shared[kPage], 0);
  CHECK_INT(both->private[0], 'P');          // copied before the fork
  CHECK_INT(both->private[2 * kPage], 0);    // only read
  CHECK_INT(both->private[3 * kPage], 'C');  // copied since
  both->shared[2 * kPage + 1] = 'n';
  CHECK_INT(both->private[2 * kPage + 1], 'n');
}

static void Mappers(void) {
  const int fd = MakeFile(6);
  Both both = {Map(fd, 6, MAP_SHARED), Map(fd, 6, MAP_PRIVATE), MakeBaton(), MakeBaton()};
  both.private[0] = 'P';
  CHECK_INT(both.private[kPage], 'b');
  CHECK_INT(both.shared[0], 'a');
  const pid_t child = Fork(ChildSeesTheHole, &both);
  Take(&both.to_parent);
  CHECK_INT(fallocate(fd, kHole, 0, 4 * kPage), 0);
  CHECK_INT(PagesOf(fd), 2);
  CHECK_INT(both.shared[0], 0);
  CHECK_INT(both.private[0], 'P');
  CHECK_INT(both.private[1], 'a');
  CHECK_INT(both.private[kPage], 0);
  CHECK_INT(both.private[3 * kPage], 0);
  CHECK_INT(both.shared[4 * kPage], 'e');
  Give(&both.to_child);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(both.shared[2 * kPage + 1], 'n');
  CHECK_INT(both.private[2 * kPage + 1], 'n');
  close(fd);
  Ok("mappers");
}

enum { kMany = 1100 };

static void ChildOfMany(void* arg) {
  unsigned char* const* maps = arg;
  CHECK_INT(maps[0][700 * kPage], 0);
  CHECK_INT(maps[1][700 * kPage], 0);
  CHECK_INT(maps[1][701 * kPage], 'P');
  CHECK_INT(maps[0][99 * kPage], 'a' + 99 % 26);
  maps[0][700 * kPage] = 'w';
  // The child makes a hole, the parent looks.
  CHECK_INT(madvise(maps[0], 50 * kPage, MADV_REMOVE), 0);
}

// Whole page tables, which a fork may have shared.
static void Many(void) {
  const int fd = MakeFile(kMany);
  unsigned char* maps[2] = {Map(fd, kMany, MAP_SHARED), Map(fd, kMany, MAP_PRIVATE)};
  for (size_t i = 0; i < kMany; ++i) {
    CHECK(maps[0][i * kPage] == 'a' + i % 26 && maps[1][i * kPage] == 'a' + i % 26);
  }
  maps[1][701 * kPage] = 'P';
  const Baton go = MakeBaton();
  const pid_t child = fork();
  if (child == 0) {
    fv_failures = 0;
    Take(&go);
    ChildOfMany(maps);
    _exit(ChildResult());
  }
  CHECK_INT(fallocate(fd, kHole, 100 * kPage, 900 * kPage), 0);
  CHECK_INT(PagesOf(fd), kMany - 900);
  Give(&go);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(PagesOf(fd), kMany - 900 - 50 + 1);  // what was looked at is a page of zeros again
  CHECK_INT(maps[0][700 * kPage], 'w');
  CHECK_INT(maps[0][0], 0);
  CHECK_INT(maps[1][701 * kPage], 'P');
  CHECK_INT(maps[1][50 * kPage], 'a' + 50 % 26);
  munmap(maps[0], kMany * kPage);
  munmap(maps[1], kMany * kPage);
  close(fd);
  Ok("many");
}

static void ChildSeesZero(void* arg) {
  const unsigned char* shared = arg;
  CHECK_INT(shared[0], 0);
  CHECK_INT(shared[kPage], 2);
}

static void Advice(void) {
  unsigned char* shared = SharedMemory(2 * kPage);
  shared[0] = 1;
  shared[kPage] = 2;
  CHECK_INT(madvise(shared, kPage, MADV_REMOVE), 0);
  CHECK_INT(RunChild(ChildSeesZero, shared), 0);
  unsigned char* private = Pages(1);
  CHECK_ERR(madvise(private, kPage, MADV_REMOVE), EINVAL);  // of no file
  const int fd = MakeFile(2);
  private = Map(fd, 2, MAP_PRIVATE);
  CHECK_ERR(madvise(private, kPage, MADV_REMOVE), EACCES);
  unsigned char* both = Map(fd, 2, MAP_SHARED);
  CHECK_INT(madvise(both + kPage, kPage, MADV_REMOVE), 0);
  CHECK_INT(PagesOf(fd), 1);
  CHECK_INT(both[kPage] + private[kPage], 0);
  CHECK_INT(mlock(both, kPage), 0);
  CHECK_ERR(madvise(both, kPage, MADV_REMOVE), EINVAL);
  close(fd);
  Ok("advice");
}

static void Refused(void) {
  const int fd = MakeFile(1);
  CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, kPage), EOPNOTSUPP);
  CHECK_ERR(fallocate(fd, kHole, 0, 0), EINVAL);
  CHECK_ERR(fallocate(fd, kHole, -1, kPage), EINVAL);
  CHECK_ERR(fallocate(fd, kHole, INT64_MAX, kPage), EFBIG);
  char path[32];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  const int reader = open(path, O_RDONLY);
  CHECK_ERR(fallocate(reader, kHole, 0, kPage), EBADF);
  CHECK_INT(PagesOf(fd), 1);
  close(reader);
  close(fd);
  Ok("refused");
}

int main(void) {
  Sizes();
  Sparse();
  Mappers();
  Many();
  Advice();
  Refused();
  return Finish();
}
