// SPDX-License-Identifier: Apache-2.0
//
// Files in /tmp: create, read, write, seek, holes, append, pread and pwrite, truncate, exclusive
// creation, readv and writev, and the errors of each.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "guest/user/lib/check.h"

static const char kPath[] = "/tmp/fv_file_rw";

static long Size(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? (long)status.st_size : -1;
}

static void ReadWriteSeek(void) {
  char buffer[32] = "";
  int fd = open(kPath, O_RDWR | O_CREAT | O_EXCL, 0644);
  CHECK(fd >= 0);
  CHECK_INT(write(fd, "hello world", 11), 11);
  CHECK_INT(lseek(fd, 0, SEEK_CUR), 11);
  CHECK_INT(lseek(fd, -5, SEEK_END), 6);
  CHECK_INT(read(fd, buffer, 32), 5);
  CHECK(strcmp(buffer, "world") == 0);
  CHECK_INT(read(fd, buffer, 32), 0);
  CHECK_INT(lseek(fd, 6, SEEK_SET), 6);
  CHECK_INT(write(fd, "W", 1), 1);
  CHECK_INT(pread(fd, buffer, 5, 6), 5);
  CHECK(memcmp(buffer, "World", 5) == 0);
  CHECK_INT(pwrite(fd, "J", 1, 0), 1);
  CHECK_INT(lseek(fd, 0, SEEK_CUR), 7);  // neither pread nor pwrite moves it
  CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
  CHECK_ERR(lseek(fd, 0, 9), EINVAL);
  CHECK_ERR(pread(fd, buffer, 1, -1), EINVAL);
  CHECK_ERR(open(kPath, O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
  close(fd);
  Ok("read, write, seek");
}

static void Holes(void) {
  char buffer[16];
  int fd = open(kPath, O_RDWR | O_TRUNC);
  CHECK_INT(Size(fd), 0);
  CHECK_INT(lseek(fd, 100000, SEEK_SET), 100000);
  CHECK_INT(Size(fd), 0);
  CHECK_INT(write(fd, "end", 3), 3);
  CHECK_INT(Size(fd), 100003);
  CHECK_INT(pread(fd, buffer, 16, 50000), 16);
  for (int i = 0; i < 16; ++i) CHECK_INT(buffer[i], 0);
  CHECK_INT(pread(fd, buffer, 16, 99998), 5);
  CHECK(memcmp(buffer, "\0\0end", 5) == 0);
  CHECK_INT(pread(fd, buffer, 16, 100003), 0);
  CHECK_INT(pread(fd, buffer, 16, 1 << 30), 0);
  CHECK_INT(ftruncate(fd, 5), 0);
  CHECK_INT(Size(fd), 5);
  CHECK_INT(ftruncate(fd, 9000), 0);
  CHECK_INT(pread(fd, buffer, 3, 8997), 3);
  CHECK(memcmp(buffer, "\0\0\0", 3) == 0);
  CHECK_INT(truncate(kPath, 3), 0);
  CHECK_INT(Size(fd), 3);
  CHECK_ERR(ftruncate(fd, -1), EINVAL);
  close(fd);
  // What was cut off does not come back.
  fd = open(kPath, O_RDWR);
  CHECK_INT(pwrite(fd, "abcdefgh", 8, 0), 8);
  CHECK_INT(ftruncate(fd, 2), 0);
  CHECK_INT(ftruncate(fd, 8), 0);
  CHECK_INT(pread(fd, buffer, 8, 0), 8);
  CHECK(memcmp(buffer, "ab\0\0\0\0\0\0", 8) == 0);
  close(fd);
  Ok("holes and truncation");
}

static void AppendAndModes(void) {
  char buffer[16] = "";
  int fd = open(kPath, O_WRONLY | O_APPEND | O_TRUNC);
  CHECK_INT(write(fd, "one", 3), 3);
  CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
  CHECK_INT(write(fd, "two", 3), 3);
  CHECK_ERR(read(fd, buffer, 1), EBADF);
  int reader = open(kPath, O_RDONLY);
  CHECK_INT(read(reader, buffer, 16), 6);
  CHECK(strcmp(buffer, "onetwo") == 0);
  CHECK_ERR(write(reader, "x", 1), EBADF);
  CHECK_ERR(ftruncate(reader, 0), EINVAL);
  struct iovec vectors[2] = {{"12", 2}, {"345", 3}};
  CHECK_INT(writev(fd, vectors, 2), 5);
  CHECK_INT(Size(reader), 11);
  CHECK_ERR(syscall(SYS_writev, fd, vectors, -1), EINVAL);
  CHECK_ERR(syscall(SYS_writev, fd, vectors, 5000), EINVAL);
  close(fd);
  close(reader);
  Ok("append, one-way descriptors");
}

static void OpenErrors(void) {
  CHECK_ERR(open("/tmp/fv_missing", O_RDONLY), ENOENT);
  CHECK_ERR(open("/tmp/fv_missing/x", O_RDONLY | O_CREAT, 0644), ENOENT);
  CHECK_ERR(open("/tmp/fv_file_rw/x", O_RDONLY), ENOTDIR);
  CHECK_ERR(open("/tmp", O_WRONLY), EISDIR);
  CHECK_ERR(open("/tmp", O_RDWR | O_CREAT, 0644), EISDIR);
  CHECK_ERR(open(kPath, O_RDONLY | O_DIRECTORY), ENOTDIR);
  CHECK_ERR(open("", O_RDONLY), ENOENT);
  CHECK_ERR(open((const char*)8, O_RDONLY), EFAULT);
  int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
  char byte;
  CHECK(fd >= 0);
  CHECK_ERR(read(fd, &byte, 1), EISDIR);
  close(fd);
  Ok("open errors");
}

int main(void) {
  unlink(kPath);
  ReadWriteSeek();
  Holes();
  AppendAndModes();
  OpenErrors();
  CHECK_INT(unlink(kPath), 0);
  CHECK_ERR(unlink(kPath), ENOENT);
  return Finish();
}
