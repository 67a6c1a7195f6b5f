// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/mem as a debugger uses it: protection does not count. A write gives a private mapping a
// page of its own, also of a file that is mapped read-only and of pages shared since a fork; shared
// memory that the process may not write stays as it is. process_vm_writev obeys protection.
#include <sys/uio.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static int memory;

static ssize_t Poke(void* at, char byte) { return pwrite(memory, &byte, 1, (off_t)(uintptr_t)at); }

static int Peek(void* at) {
  char byte;
  return pread(memory, &byte, 1, (off_t)(uintptr_t)at) == 1 ? byte : -errno;
}

static void Private(void) {
  unsigned char* page = Pages(2);
  page[0] = 'a';
  CHECK_INT(mprotect(page, 2 * kPage, PROT_READ), 0);
  CHECK_INT(Poke(page, 'b'), 1);
  CHECK_INT(page[0], 'b');
  CHECK_INT(Poke(page + kPage, 'c'), 1);  // never touched before
  CHECK_INT(page[kPage], 'c');
  CHECK_INT(ProbeWrite(page, 'x'), -SIGSEGV);
  CHECK_INT(mprotect(page, kPage, PROT_NONE), 0);
  CHECK_INT(Peek(page), 'b');
  CHECK_INT(Poke(page, 'd'), 1);
  CHECK_INT(ProbeRead(page), -SIGSEGV);
  CHECK_INT(mprotect(page, kPage, PROT_READ | PROT_WRITE), 0);
  CHECK_INT(page[0], 'd');
  page[0] = 'e';
  // Over both pages at once, one of which is read-only.
  CHECK_INT(pwrite(memory, "12", 2, (off_t)(uintptr_t)(page + kPage - 1)), 2);
  CHECK(page[kPage - 1] == '1' && page[kPage] == '2');
  munmap(page, 2 * kPage);
  Ok("private");
}

static void Files(void) {
  const int fd = TempFile(1);
  char byte;
  unsigned char* own = mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, fd, 0);
  unsigned char* shared = mmap(NULL, kPage, PROT_READ, MAP_SHARED, fd, 0);
  CHECK_INT(Poke(own, 'P'), 1);
  CHECK(own[0] == 'P' && own[1] == 'a' && shared[0] == 'a');
  CHECK_ERR(Poke(shared, 'S'), EIO);
  CHECK_INT(pread(fd, &byte, 1, 0), 1);
  CHECK_INT(byte, 'a');
  CHECK_INT(mprotect(shared, kPage, PROT_NONE), 0);
  CHECK_INT(Peek(shared), 'a');
  CHECK_INT(mprotect(shared, kPage, PROT_READ | PROT_WRITE), 0);
  CHECK_INT(Poke(shared, 'S'), 1);
  CHECK_INT(pread(fd, &byte, 1, 0), 1);
  CHECK_INT(byte, 'S');
  CHECK_INT(own[0], 'P');
  close(fd);
  Ok("files");
}

static void OverAFork(void) {
  const Baton go = MakeBaton();
  unsigned char* page = Pages(1);
  page[0] = 'f';
  CHECK_INT(mprotect(page, kPage, PROT_READ), 0);
  const pid_t child = fork();
  if (child == 0) {
    Take(&go);
    _exit(page[0]);
  }
  const int mine = memory;
  char path[32];
  snprintf(path, sizeof(path), "/proc/%d/mem", child);
  memory = open(path, O_RDWR);
  CHECK_INT(Poke(page, 'C'), 1);
  CHECK_INT(page[0], 'f');
  struct iovec local = {(void*)"v", 1}, remote = {page, 1};
  CHECK_ERR(process_vm_writev(child, &local, 1, &remote, 1, 0), EFAULT);
  close(memory);
  memory = mine;
  CHECK_INT(Poke(page, 'M'), 1);
  CHECK_INT(page[0], 'M');
  Give(&go);
  CHECK_INT(WaitShell(child), 'C');
  Ok("over a fork");
}

static void Nowhere(void) {
  char byte;
  CHECK_INT(Peek((void*)(uintptr_t)kPage), -EIO);
  CHECK_ERR(Poke((void*)(uintptr_t)kPage, 'x'), EIO);
  CHECK_INT(pread(memory, &byte, 0, kPage), 0);
  CHECK_ERR(lseek(memory, 0, SEEK_END), EINVAL);
  unsigned char* page = Pages(2);
  CHECK_INT(munmap(page + kPage, kPage), 0);
  char bytes[16] = "0123456789abcde";
  CHECK_INT(pwrite(memory, bytes, sizeof(bytes), (off_t)(uintptr_t)(page + kPage - 6)), 6);
  CHECK(memcmp(page + kPage - 6, "012345", 6) == 0);
  CHECK_INT(pread(memory, bytes, sizeof(bytes), (off_t)(uintptr_t)(page + kPage - 6)), 6);
  Ok("nowhere");
}

int main(void) {
  memory = open("/proc/self/mem", O_RDWR);
  CHECK(memory >= 0);
  Private();
  Files();
  OverAFork();
  Nowhere();
  return Finish();
}
