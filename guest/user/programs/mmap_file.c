// SPDX-License-Identifier: Apache-2.0
//
// Mapped files: private ones see the file until they write, and keep their copy against write(2);
// shared ones write through; the end of the file inside a page reads as zero, past it is SIGBUS.
// Rows of docs/fork-features.md: F58.
#include <sys/stat.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static void Private(void) {
  int fd = TempFile(4);
  unsigned char* map = mmap(NULL, 4 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  CHECK(map != MAP_FAILED);
  CHECK_INT(map[0], 'a');
  CHECK_INT(map[3 * kPage + 4095], 'd');
  CHECK_INT(pwrite(fd, "Z", 1, 0), 1);
  CHECK_INT(map[0], 'Z');  // not yet ours: the file shows through
  map[1] = 'Q';
  CHECK_INT(pwrite(fd, "YYY", 3, 0), 3);
  CHECK(map[0] == 'Z' && map[1] == 'Q' && map[2] == 'a');  // ours since the write
  CHECK_INT(pwrite(fd, "X", 1, 2 * kPage), 1);
  CHECK_INT(map[2 * kPage], 'X');
  char bytes[4];
  CHECK_INT(pread(fd, bytes, 4, 0), 4);
  CHECK(memcmp(bytes, "YYYa", 4) == 0);
  CHECK_INT(close(fd), 0);
  CHECK_INT(map[3 * kPage], 'd');  // the mapping keeps the file
  CHECK_INT(munmap(map, 4 * kPage), 0);
  Ok("private");
}

// Mapping a file is an access to it.
static void Times(void) {
  int fd = TempFile(1);
  struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
  CHECK_INT(futimens(fd, old), 0);
  unsigned char* map = mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, fd, 0);
  struct stat info;
  CHECK_INT(fstat(fd, &info), 0);
  CHECK(info.st_atim.tv_sec > 2000);
  CHECK_INT(info.st_mtim.tv_sec, 2000);
  munmap(map, kPage);
  close(fd);
  Ok("times");
}

static void Shared(void) {
  int fd = TempFile(3);
  unsigned char* one = mmap(NULL, 3 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  unsigned char* two = mmap(NULL, kPage, PROT_READ, MAP_SHARED, fd, kPage);
  unsigned char* private = mmap(NULL, 3 * kPage, PROT_READ, MAP_PRIVATE, fd, 0);
  CHECK(one != MAP_FAILED && two != MAP_FAILED && private != MAP_FAILED);
  one[kPage + 5] = '!';
  CHECK_INT(two[5], '!');
  CHECK_INT(private[kPage + 5], '!');
  char byte;
  CHECK_INT(pread(fd, &byte, 1, kPage + 5), 1);
  CHECK_INT(byte, '!');
  CHECK_INT(pwrite(fd, "?", 1, kPage + 6), 1);
  CHECK_INT(one[kPage + 6], '?');
  CHECK_INT(two[6], '?');
  CHECK_INT(msync(one, 3 * kPage, MS_SYNC), 0);
  CHECK_INT(ProbeWrite(two, 1), -SIGSEGV);
  Ok("shared");
  munmap(one, 3 * kPage);
  munmap(two, kPage);
  munmap(private, 3 * kPage);
  close(fd);
}

static void ForkedPrivate(void* map_) {
  unsigned char* map = (unsigned char*)map_;
  CHECK_INT(map[0], 'P');
  map[0] = 'C';
  CHECK_INT(map[kPage], 'b');
  map[kPage] = 'C';
  CHECK(map[0] == 'C' && map[kPage] == 'C');
}

static void ForkedShared(void* map) { ((unsigned char*)map)[7] = 'S'; }

static void Forks(void) {
  int fd = TempFile(2);
  unsigned char* map = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  map[0] = 'P';
  CHECK_INT(RunChild(ForkedPrivate, map), 0);
  CHECK(map[0] == 'P' && map[kPage] == 'b');
  unsigned char* shared = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK_INT(shared[0], 'a');
  CHECK_INT(RunChild(ForkedShared, shared), 0);
  CHECK_INT(shared[7], 'S');
  Ok("over fork");
  close(fd);
}

static void EndOfFile(void) {
  int fd = TempFile(1);
  CHECK_INT(pwrite(fd, "tail", 4, kPage), 4);
  unsigned char* map = mmap(NULL, 4 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK_INT(map[kPage + 3], 'l');
  CHECK_INT(map[kPage + 4], 0);
  CHECK_INT(ProbeRead(map + 2 * kPage), -SIGBUS);
  CHECK_INT(fv_probe_code, BUS_ADRERR);
  CHECK_INT(ftruncate(fd, 3 * kPage), 0);
  CHECK_INT(ProbeRead(map + 2 * kPage), 0);  // the file has grown
  CHECK_INT(ftruncate(fd, 100), 0);
  CHECK_INT(ProbeRead(map + kPage), -SIGBUS);  // and shrunk
  CHECK_INT(map[99], 'a');
  CHECK_INT(map[100], 0);
  Ok("end of file");
  close(fd);
}

static void Refused(void) {
  int fd = TempFile(1);
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  int readable = open("/proc/self/exe", O_RDONLY);
  CHECK_ERR((long)mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, readable, 0), EACCES);
  CHECK((long)mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, readable, 0) != -1);
  CHECK_ERR((long)mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, fd, 1), EINVAL);
  CHECK_ERR((long)mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
  CHECK_ERR((long)mmap(NULL, kPage, PROT_READ, 0, fd, 0), EINVAL);
  int directory = open("/tmp", O_RDONLY);
  CHECK_ERR((long)mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, directory, 0), ENODEV);
  int fds[2];
  CHECK_INT(pipe(fds), 0);
  CHECK_ERR((long)mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, fds[0], 0), ENODEV);
  Ok("refused");
}

int main(void) {
  Times();
  Private();
  Shared();
  Forks();
  EndOfFile();
  Refused();
  return Finish();
}
