// SPDX-License-Identifier: Apache-2.0
//
// Moving data between descriptors: sendfile, splice, tee, vmsplice, copy_file_range; vectors with
// offsets; memfd and eventfd; locks, allocation, advice and flushing of files; F62: a page given to
// a pipe by vmsplice keeps its content when it is written after a fork.
#include <sys/file.h>
#include <sys/uio.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static int Byte(int fd, long at) {
  unsigned char byte;
  return pread(fd, &byte, 1, at) == 1 ? byte : -1;
}

static void Moves(void) {
  int from = TempFile(2), to = TempFile(0), fds[2], more[2];
  long at = kPage, out = 0;
  CHECK_INT(syscall(SYS_sendfile, to, from, &at, 10), 10);
  CHECK_INT(at, kPage + 10);
  CHECK_INT(Byte(to, 9), 'b');
  at = 0;
  out = 100;
  CHECK_INT(syscall(SYS_copy_file_range, from, &at, to, &out, 5, 0), 5);
  CHECK_INT(Byte(to, 104), 'a');
  CHECK(pipe(fds) == 0 && pipe(more) == 0);
  at = kPage;
  CHECK_INT(syscall(SYS_splice, from, &at, fds[1], NULL, 8, 0), 8);
  CHECK_INT(syscall(SYS_tee, fds[0], more[1], 8, 0), 8);
  char text[16] = "";
  CHECK_INT(read(more[0], text, 16), 8);
  CHECK_INT(text[7], 'b');
  out = 200;
  CHECK_INT(syscall(SYS_splice, fds[0], NULL, to, &out, 8, 0), 8);
  CHECK_INT(Byte(to, 207), 'b');
  close(from);
  close(to);
  Ok("sendfile, splice, tee, copy_file_range");
}

// Between two pipes, O_NONBLOCK of either is enough that neither is waited for.
static void BetweenPipes(void) {
  int empty[2], full[2], other[2];
  CHECK(pipe(empty) == 0 && pipe(full) == 0 && pipe2(other, O_NONBLOCK) == 0);
  CHECK_ERR(syscall(SYS_tee, empty[0], other[1], 8, 0), EAGAIN);
  CHECK_ERR(syscall(SYS_splice, empty[0], NULL, other[1], NULL, 8, 0), EAGAIN);
  CHECK_INT(fcntl(full[1], F_SETFL, O_NONBLOCK), 0);
  static char page[4096];
  while (write(full[1], page, sizeof(page)) > 0) continue;
  CHECK_INT(fcntl(full[1], F_SETFL, 0), 0);
  CHECK_INT(write(other[1], page, 8), 8);
  CHECK_ERR(syscall(SYS_tee, other[0], full[1], 8, 0), EAGAIN);
  CHECK_ERR(syscall(SYS_splice, other[0], NULL, full[1], NULL, 8, 0), EAGAIN);
  Ok("between pipes");
}

// RWF_APPEND and RWF_NOAPPEND say for one call what O_APPEND says for all. The file has 8 bytes.
static void Appends(int fd, const struct iovec* two) {
  enum { kAppend = 0x10, kNoAppend = 0x20 };
  CHECK_INT(lseek(fd, 2, SEEK_SET), 2);
  CHECK_INT(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, kAppend), 2);
  CHECK_INT(lseek(fd, 0, SEEK_CUR), 2);
  CHECK_INT(syscall(SYS_pwritev2, fd, two, 1, -1L, 0L, kAppend), 2);
  CHECK_INT(lseek(fd, 0, SEEK_CUR), 12);
  CHECK_INT(fcntl(fd, F_SETFL, O_APPEND), 0);
  CHECK_INT(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, kNoAppend), 2);
  CHECK_ERR(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, kAppend | kNoAppend), EINVAL);
  CHECK_ERR(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, 0x4000), EOPNOTSUPP);
  CHECK_INT(fcntl(fd, F_SETFL, 0), 0);
  CHECK_INT(lseek(fd, 0, SEEK_END), 12);
}

static void VectorsAndFiles(void) {
  int fd = (int)syscall(SYS_memfd_create, "fv", 1);
  CHECK(fd >= 0);
  struct iovec out[2] = {{"ab", 2}, {"cd", 2}};
  char text[4] = "";
  struct iovec in[2] = {{text, 1}, {text + 1, 3}};
  CHECK_INT(syscall(SYS_pwritev, fd, out, 2, 0L, 0L), 4);
  CHECK_INT(syscall(SYS_preadv, fd, in, 2, 0L, 0L), 4);
  CHECK(memcmp(text, "abcd", 4) == 0);
  CHECK_INT(syscall(SYS_pwritev2, fd, out, 2, 4L, 0L, 0), 4);
  CHECK_INT(syscall(SYS_preadv2, fd, in, 2, 4L, 0L, 0), 4);
  Appends(fd, out);
  CHECK_INT(syscall(SYS_fallocate, fd, 0, 0L, 5000L), 0);
  CHECK_INT(lseek(fd, 0, SEEK_END), 5000);
  enum { kKeepSize = 1, kPunchHole = 2 };
  CHECK_ERR(syscall(SYS_fallocate, fd, kPunchHole, 0L, 4096L), EOPNOTSUPP);
  CHECK_INT(syscall(SYS_fallocate, fd, kPunchHole | kKeepSize, 0L, 4096L), 0);
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  CHECK_ERR(syscall(SYS_fallocate, ends[0], kPunchHole, 0L, 4096L), EOPNOTSUPP);
  CHECK_ERR(syscall(SYS_fallocate, ends[0], kPunchHole | kKeepSize, 0L, 4096L), EBADF);
  CHECK_ERR(syscall(SYS_fallocate, ends[1], kPunchHole | kKeepSize, 0L, 4096L), ESPIPE);
  close(ends[0]);
  close(ends[1]);
  CHECK_INT(syscall(SYS_fadvise64, fd, 0L, 0L, 0), 0);
  CHECK_ERR(syscall(SYS_fadvise64, fd, 0L, 0L, 99), EINVAL);
  CHECK_INT(syscall(SYS_fsync, fd), 0);
  CHECK_INT(syscall(SYS_fdatasync, fd), 0);
  CHECK_INT(syscall(SYS_syncfs, fd), 0);
  CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), 0);
  CHECK_INT(flock(fd, LOCK_UN), 0);
  close(fd);
  Ok("vectors, memfd, files");
}

static void Events(void) {
  int fd = (int)syscall(SYS_eventfd2, 3, O_NONBLOCK);
  unsigned long long value = 4;
  CHECK_INT(write(fd, &value, 8), 8);
  CHECK_INT(read(fd, &value, 8), 8);
  CHECK_INT(value, 7);
  CHECK_ERR(read(fd, &value, 8), EAGAIN);
  close(fd);
  fd = (int)syscall(SYS_eventfd, 1);
  CHECK_INT(read(fd, &value, 8), 8);
  CHECK_INT(value, 1);
  close(fd);
  Ok("eventfd");
}

static void Write(void* arg) { memset(arg, 'c', kPage); }

static void SplicedPage(void) {
  unsigned char* page = Pages(1);
  memset(page, 'p', kPage);
  int fds[2];
  CHECK(pipe(fds) == 0);
  struct iovec piece = {page, 64};
  CHECK_INT(syscall(SYS_vmsplice, fds[1], &piece, 1, 0), 64);
  CHECK_INT(RunChild(Write, page), 0);  // the child's write must not reach the pipe
  CHECK_INT(page[0], 'p');
  char text[64] = "";
  CHECK_INT(read(fds[0], text, sizeof(text)), 64);
  CHECK_INT(text[0], 'p');
  CHECK_INT(text[63], 'p');
  static char large[128 * 1024];  // twice what the pipe holds: no wait for the second half
  struct iovec too_much = {large, sizeof(large)};
  CHECK(syscall(SYS_vmsplice, fds[1], &too_much, 1, 0) >= 60 * 1024);
  CHECK_ERR(syscall(SYS_vmsplice, fds[1], &too_much, 1, SPLICE_F_NONBLOCK), EAGAIN);
  Ok("F62 a page in a pipe");
}

int main(void) {
  Moves();
  BetweenPipes();
  VectorsAndFiles();
  Events();
  SplicedPage();
  return Finish();
}
