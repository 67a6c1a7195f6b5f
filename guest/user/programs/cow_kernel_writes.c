// SPDX-License-Identifier: Apache-2.0
//
// Copy-on-write when the kernel writes for the user: read(2), pipe ends, wait status, clock and
// getdents results into pages shared with a child or still the zero page; both keep their own.
// Rows of docs/fork-features.md: F62.
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static unsigned char* memory;

static void ReadsInto(void* unused) {
  (void)unused;
  int fd = TempFile(2);
  CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
  CHECK_INT(read(fd, memory + 100, kPage), kPage);  // over a page's edge
  CHECK_INT(memory[99], 9);
  CHECK_INT(memory[100], 'a');
  CHECK_INT(memory[kPage + 99], 'a');
  CHECK_INT(memory[kPage + 100], 9);
  struct timespec* now = (struct timespec*)(memory + 2 * kPage);
  CHECK_INT(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, now), 0);
  struct stat* status = (struct stat*)(memory + 3 * kPage);
  CHECK_INT(fstat(fd, status), 0);
  CHECK_INT(status->st_size, 2 * kPage);
}

static void PipeInto(void* unused) {
  (void)unused;
  int* fds = (int*)(memory + 4 * kPage);
  CHECK_INT(syscall(SYS_pipe, fds), 0);
  CHECK(fds[0] > 2 && fds[1] > fds[0]);
  CHECK_INT(write(fds[1], memory + 5 * kPage, 100), 100);
  CHECK_INT(read(fds[0], memory + 6 * kPage, 100), 100);
  int* status = (int*)(memory + 7 * kPage);
  if (fork() == 0) _exit(4);
  CHECK(wait(status) > 0);
  CHECK_INT(*status, 4 << 8);
}

int main(void) {
  memory = Pages(8);
  memset(memory, 9, 8 * kPage);
  CHECK_INT(RunChild(ReadsInto, NULL), 0);
  CHECK_INT(RunChild(PipeInto, NULL), 0);
  for (int i = 0; i < 8 * kPage; ++i) {
    if (memory[i] != 9) CHECK_INT(memory[i], 9);
  }
  Ok("the parent's pages are untouched");
  unsigned char* fresh = Pages(4);
  CHECK_INT(fresh[0], 0);  // the zero page, read first
  int zero = open("/dev/zero", O_RDONLY);
  int fd = TempFile(1);
  CHECK_INT(pread(fd, fresh, 10, 0), 10);
  CHECK_INT(fresh[9], 'a');
  CHECK_INT(fresh[10], 0);
  CHECK_INT(read(zero, fresh + kPage, kPage), kPage);
  CHECK_INT(pread(fd, fresh + 2 * kPage + 4090, 10, 0), 10);
  CHECK_INT(fresh[3 * kPage + 3], 'a');
  unsigned char* other = Pages(1);
  CHECK_INT(other[0], 0);  // the zero page itself stayed zero
  CHECK_INT(mprotect(fresh, kPage, PROT_READ), 0);
  CHECK_ERR(pread(fd, fresh, 10, 0), EFAULT);
  CHECK_INT(munmap(fresh + kPage, kPage), 0);
  CHECK_ERR(pread(fd, fresh + kPage, 10, 0), EFAULT);
  Ok("zero page and refused pages");
  return Finish();
}
