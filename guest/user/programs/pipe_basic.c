// SPDX-License-Identifier: Apache-2.0
//
// Pipes between processes: data in order, end of file when the last writer closes, EPIPE and
// SIGPIPE when the last reader has gone, blocking in both directions.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "guest/user/lib/proc.h"

enum { kBulk = 1 << 20 };

static int fds[2];

static unsigned char Byte(long i) { return (unsigned char)(i * 31 + (i >> 8)); }

static void WritesBulk(void* unused) {
  (void)unused;
  close(fds[0]);
  char chunk[5000];
  for (long at = 0; at < kBulk;) {
    long n = kBulk - at < 5000 ? kBulk - at : 5000;
    for (long i = 0; i < n; ++i) chunk[i] = (char)Byte(at + i);
    CHECK_INT(write(fds[1], chunk, (size_t)n), n);
    at += n;
  }
}

static void Bulk(void) {
  CHECK(pipe(fds) == 0);
  pid_t child = Fork(WritesBulk, NULL);
  close(fds[1]);
  unsigned char chunk[3001];
  long at = 0, bad = 0;
  for (ssize_t n; (n = read(fds[0], chunk, sizeof(chunk))) > 0; at += n) {
    for (long i = 0; i < n; ++i) bad += chunk[i] != Byte(at + i);
  }
  CHECK_INT(at, kBulk);
  CHECK_INT(bad, 0);
  close(fds[0]);
  CHECK_INT(WaitShell(child), 0);
  Ok("a megabyte");
}

static void EndOfFile(void) {
  char byte;
  CHECK(pipe(fds) == 0);
  int second = dup(fds[1]);
  CHECK_INT(write(fds[1], "ab", 2), 2);
  close(fds[1]);
  CHECK_INT(read(fds[0], &byte, 1), 1);
  CHECK_INT(write(second, "c", 1), 1);
  close(second);
  char rest[8] = "";
  CHECK_INT(read(fds[0], rest, 8), 2);
  CHECK(strcmp(rest, "bc") == 0);
  CHECK_INT(read(fds[0], rest, 8), 0);
  CHECK_INT(read(fds[0], rest, 8), 0);
  close(fds[0]);
  Ok("end of file");
}

static void WritesToNobody(void* unused) {
  (void)unused;
  (void)!write(fds[1], "x", 1);
  _exit(7);
}

static void Broken(void) {
  CHECK(pipe(fds) == 0);
  close(fds[0]);
  CHECK_INT(RunChild(WritesToNobody, NULL), 128 + SIGPIPE);
  signal(SIGPIPE, SIG_IGN);
  CHECK_ERR(write(fds[1], "x", 1), EPIPE);
  CHECK_INT(RunChild(WritesToNobody, NULL), 7);
  signal(SIGPIPE, SIG_DFL);
  close(fds[1]);
  Ok("broken pipe");
}

static void ReaderDies(void* unused) {
  (void)unused;
  char byte;
  close(fds[1]);
  CHECK_INT(read(fds[0], &byte, 1), 1);
}

static void BrokenWhileBlocked(void) {
  signal(SIGPIPE, SIG_IGN);
  CHECK(pipe(fds) == 0);
  pid_t child = Fork(ReaderDies, NULL);
  close(fds[0]);
  static char big[300000];
  // More than the pipe holds: the write blocks until the reader, having taken one byte, dies.
  ssize_t wrote = write(fds[1], big, sizeof(big));
  CHECK(wrote == -1 ? errno == EPIPE : wrote > 0 && wrote < (ssize_t)sizeof(big));
  CHECK_ERR(write(fds[1], big, 1), EPIPE);
  close(fds[1]);
  CHECK_INT(WaitShell(child), 0);
  signal(SIGPIPE, SIG_DFL);
  Ok("broken while blocked");
}

static void Details(void) {
  CHECK(pipe(fds) == 0);
  char a[3] = "", b[10] = "";
  struct iovec out[3] = {{"one", 3}, {"", 0}, {"two", 3}};
  struct iovec in[2] = {{a, 2}, {b, 9}};
  CHECK_INT(writev(fds[1], out, 3), 6);
  int ready = -1;
  CHECK_INT(ioctl(fds[0], FIONREAD, &ready), 0);
  CHECK_INT(ready, 6);
  CHECK_INT(readv(fds[0], in, 2), 6);
  CHECK(strcmp(a, "on") == 0 && strcmp(b, "etwo") == 0);
  CHECK_INT(write(fds[1], "x", 0), 0);
  CHECK_ERR(read(fds[1], a, 1), EBADF);
  CHECK_ERR(write(fds[0], a, 1), EBADF);
  CHECK_ERR(lseek(fds[0], 0, SEEK_SET), ESPIPE);
  CHECK_ERR(pread(fds[0], a, 1, 0), ESPIPE);
  CHECK_ERR(syscall(SYS_pipe, 8), EFAULT);
  CHECK_ERR(pipe2(fds, 0x1), EINVAL);
  Ok("details");
}

int main(void) {
  Bulk();
  EndOfFile();
  Broken();
  BrokenWhileBlocked();
  Details();
  return Finish();
}
