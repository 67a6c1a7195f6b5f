// SPDX-License-Identifier: Apache-2.0
//
// Calls with two wrong arguments or more: which of them Linux tells of; and what it does not look
// at when there is nothing to do.
#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

enum { kNoFd = -1 };
static char* const kBad = (char*)8;               // nothing is mapped there
static char* const kBeyond = (char*)(1ul << 47);  // nor can be
static int file, to_read, to_write;

static void Sockets(void) {
  enum { kCompat = (int)0x80000000 };
  int ends[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  CHECK_ERR(syscall(SYS_connect, file, kBad, 16), EFAULT);
  CHECK_ERR(syscall(SYS_connect, file, kBad, -1), EINVAL);
  CHECK_ERR(syscall(SYS_connect, kNoFd, kBad, -1), EBADF);
  CHECK_ERR(syscall(SYS_accept4, kNoFd, 0, 0, 1), EBADF);
  CHECK_ERR(syscall(SYS_accept4, file, 0, 0, 1), EINVAL);
  CHECK_ERR(syscall(SYS_sendto, kNoFd, kBeyond, 1, 0, 0, 0), EFAULT);
  CHECK_ERR(syscall(SYS_recvfrom, kNoFd, kBeyond, 1, 0, 0, 0), EFAULT);
  CHECK_ERR(syscall(SYS_sendto, kNoFd, kBad, -1L, 0, 0, 0), EBADF);  // cut to 2 GiB
  CHECK_ERR(syscall(SYS_sendmsg, kNoFd, kBad, kCompat), EINVAL);
  CHECK_ERR(syscall(SYS_recvmsg, kNoFd, kBad, kCompat), EINVAL);
  CHECK_ERR(syscall(SYS_sendmmsg, kNoFd, kBad, 1, kCompat), EINVAL);
  CHECK_ERR(syscall(SYS_recvmmsg, kNoFd, kBad, 1, kCompat, kBad), EINVAL);
  CHECK_ERR(syscall(SYS_recvmmsg, kNoFd, kBad, 1, 0, kBad), EFAULT);
  const long never[2] = {0, -1};
  CHECK_ERR(syscall(SYS_recvmmsg, kNoFd, kBad, 1, 0, never), EINVAL);
  struct msghdr many = {.msg_iov = (struct iovec*)kBad, .msg_iovlen = 1025};
  many.msg_control = kBad;
  many.msg_controllen = 16;
  CHECK_ERR(syscall(SYS_sendmsg, ends[0], &many, 0), EMSGSIZE);
  CHECK_ERR(syscall(SYS_recvmsg, ends[0], &many, 0), EMSGSIZE);
  CHECK_ERR(syscall(SYS_getsockname, ends[0], 0, kBad), EFAULT);
  char byte;
  CHECK_ERR(recv(ends[0], &byte, 1, MSG_OOB), EINVAL);
  CHECK_ERR(syscall(SYS_setsockopt, ends[0], 99, 99, kBad, -1), EINVAL);
  CHECK_ERR(syscall(SYS_socket, 7, 11, 0), EINVAL);
  CHECK_ERR(syscall(SYS_socket, 99, 11, 0), EAFNOSUPPORT);
  close(ends[0]);
  close(ends[1]);
  Ok("sockets");
}

static void Transfers(void) {
  CHECK_ERR(syscall(SYS_sendfile, kNoFd, kNoFd, kBad, 1), EFAULT);
  long at = 0;
  CHECK_ERR(syscall(SYS_sendfile, kNoFd, to_read, &at, 1), ESPIPE);
  at = -1;
  CHECK_ERR(syscall(SYS_sendfile, kNoFd, file, &at, 1), EINVAL);
  at = 0;
  CHECK_ERR(syscall(SYS_sendfile, kNoFd, file, &at, -1L), EINVAL);
  CHECK_ERR(syscall(SYS_copy_file_range, kNoFd, 0, kNoFd, 0, 1, 1), EBADF);
  CHECK_ERR(syscall(SYS_copy_file_range, file, kBad, file, 0, 1, 1), EFAULT);
  CHECK_ERR(syscall(SYS_splice, file, kBad, file, 0, 1, 0), EFAULT);
  CHECK_ERR(syscall(SYS_splice, to_write, 0, file, kBad, 1, 0), EFAULT);
  Ok("transfers");
}

static void Vectors(void) {
  struct iovec nothing[2] = {{kBad, 0}, {kBad, 0}};
  struct iovec one = {kBad, 1};
  const int event = (int)syscall(SYS_eventfd2, 1, 0), directory = open("/", O_RDONLY);
  CHECK_INT(readv(event, nothing, 2), 0);
  CHECK_INT(syscall(SYS_readv, event, kBad, 1L << 32), 0);  // of the count 32 bits are used
  CHECK_INT(readv(directory, nothing, 2), 0);
  CHECK_ERR(readv(directory, &one, 1), EISDIR);
  CHECK_INT(syscall(SYS_preadv2, file, nothing, 2, 0L, 0L, 1 << 30), 0);
  CHECK_ERR(syscall(SYS_preadv2, file, &one, 1, 0L, 0L, 1 << 30), EOPNOTSUPP);
  CHECK_ERR(syscall(SYS_preadv2, kNoFd, &one, 1, 0L, 0L, 1 << 30), EBADF);
  CHECK_ERR(syscall(SYS_pwritev2, to_write, &one, 1, 0L, 0L, 1 << 30), ESPIPE);
  CHECK_ERR(syscall(SYS_pwritev2, file, kBad, 1, 0L, 0L, 1 << 30), EFAULT);
  close(event);
  close(directory);
  Ok("vectors");
}

static void Names(void) {
  CHECK_ERR(syscall(SYS_link, "/no/such", kBad), ENOENT);
  CHECK_ERR(syscall(SYS_link, "/tmp", kBad), EFAULT);
  CHECK_ERR(syscall(SYS_rename, "/no/such", kBad), ENOENT);
  CHECK_ERR(syscall(SYS_rename, "/no_such", kBad), EFAULT);
  CHECK_ERR(syscall(SYS_symlink, "", kBad), ENOENT);
  CHECK_ERR(syscall(SYS_mknod, kBad, S_IFDIR, 0), EPERM);
  CHECK_ERR(syscall(SYS_mknod, kBad, 0170000, 0), EINVAL);
  CHECK_ERR(syscall(SYS_mknod, kBad, S_IFIFO, 0), EFAULT);
  enum { kTmpfile = 020000000 };
  CHECK_ERR(syscall(SYS_open, kBad, kTmpfile | O_RDWR), EINVAL);
  CHECK_ERR(syscall(SYS_open, kBad, kTmpfile | O_DIRECTORY | O_RDONLY), EINVAL);
  CHECK_ERR(syscall(SYS_open, kBad, kTmpfile | O_DIRECTORY | O_RDWR), EFAULT);
  CHECK_ERR(syscall(SYS_newfstatat, file, "", kBad, AT_EMPTY_PATH | 0x8000), EFAULT);
  CHECK_ERR(syscall(SYS_newfstatat, file, "x", kBad, AT_EMPTY_PATH | 0x8000), EINVAL);
  Ok("names");
}

static void Files(void) {
  CHECK_ERR(syscall(SYS_flock, kNoFd, 16), EINVAL);
  CHECK_ERR(syscall(SYS_flock, kNoFd, 8), EBADF);
  CHECK_ERR(syscall(SYS_readahead, file, 0L, -1L), EINVAL);
  CHECK_ERR(syscall(SYS_fallocate, to_read, 4, 0L, 1L), EOPNOTSUPP);
  CHECK_ERR(syscall(SYS_fallocate, to_read, 2, 0L, 1L), EOPNOTSUPP);
  CHECK_ERR(syscall(SYS_fallocate, to_read, 4, 0L, 0L), EINVAL);
  CHECK_ERR(syscall(SYS_fallocate, to_read, 3, 0L, 1L), EBADF);
  CHECK_ERR(syscall(SYS_epoll_wait, kNoFd, kBad, 0, 0), EBADF);
  CHECK_ERR(syscall(SYS_epoll_wait, file, kBeyond, 0, 0), EINVAL);
  CHECK_ERR(syscall(SYS_epoll_wait, file, kBeyond, 1, 0), EFAULT);
  CHECK_ERR(syscall(SYS_epoll_wait, file, kBad, 1, 0), EINVAL);
  CHECK_ERR(syscall(SYS_signalfd4, kNoFd, kBad, 8L, 64), EFAULT);
  CHECK_ERR(syscall(SYS_signalfd4, kNoFd, kBad, 4L, 64), EINVAL);
  Ok("files");
}

static void Processes(void) {
  CHECK_ERR(syscall(SYS_prlimit64, 0x7ffffff, 99, kBad, 0), EFAULT);
  CHECK_ERR(syscall(SYS_prlimit64, 0x7ffffff, 99, 0, 0), ESRCH);
  CHECK_ERR(syscall(SYS_prlimit64, 0, 99, 0, kBad), EINVAL);
  CHECK_ERR(syscall(SYS_timer_create, 99, kBad, 0), EFAULT);
  CHECK_ERR(syscall(SYS_process_madvise, kNoFd, kBad, 1L << 32, 3, 0L), EBADF);
  const uint32_t nobody[2] = {0, ~0u};
  if (geteuid() == 0) CHECK_ERR(syscall(SYS_setgroups, 2, nobody), EINVAL);
  Ok("processes");
}

int main(void) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  to_read = ends[0];
  to_write = ends[1];
  file = TempFile(1);
  CHECK(file >= 0);
  Sockets();
  Transfers();
  Vectors();
  Names();
  Files();
  Processes();
  return Finish();
}
