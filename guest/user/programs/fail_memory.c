// SPDX-License-Identifier: Apache-2.0
//
// Address spaces with every allocation of the kernel failing in turn: mmap in its forms, munmap and
// mprotect that split, mremap, brk, madvise, mlock, page faults, copy-on-write, stack growth. See
// guest/user/lib/fail.h.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "guest/user/lib/fail.h"
#include "guest/user/lib/memory.h"

static long Mapped(void* address, size_t bytes) {
  if (address == MAP_FAILED) return -1;
  CHECK_INT(munmap(address, bytes), 0);
  return 0;
}

// mmap(2) as the test's call: its address as a number, so that FAILING can carry it.
static void* Map(size_t pages, int access, int flags, int fd) {
  return (void*)FAILING((long)mmap(NULL, pages * kPage, access, flags, fd, 0));
}

enum { kReadWrite = PROT_READ | PROT_WRITE, kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS };

static long MapPrivate(void) { return Mapped(Map(4, kReadWrite, kAnonymous, -1), 4 * kPage); }
static long MapShared(void) {
  return Mapped(Map(4, kReadWrite, MAP_SHARED | MAP_ANONYMOUS, -1), 4 * kPage);
}
// What cannot be brought in is left for the fault: mmap itself succeeds.
static long MapPopulated(void) {
  return Mapped(Map(4, kReadWrite, kAnonymous | MAP_POPULATE, -1), 4 * kPage);
}
static long MapFile(void) {
  int fd = TempFile(2);
  long result = Mapped(Map(2, kReadWrite, MAP_PRIVATE, fd), 2 * kPage);
  CHECK_INT(close(fd), 0);
  return result;
}
static long MapFixed(void) {  // into the middle of another mapping, which is split
  unsigned char* around = Pages(3);
  around[0] = around[kPage] = around[2 * kPage] = 1;
  long result =
      FAILING((long)mmap(around + kPage, kPage, PROT_READ, kAnonymous | MAP_FIXED, -1, 0));
  CHECK_INT(munmap(around, 3 * kPage), 0);
  return result == -1 ? -1 : 0;
}

static long UnmapMiddle(void) {
  unsigned char* memory = Pages(3);
  FillPages(memory, 3, 1);
  long result = FAILING(munmap(memory + kPage, kPage));
  if (result != 0) CHECK_INT(BadPages(memory, 3, 1), 0);  // nothing is unmapped by halves
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  return result;
}

static long ProtectMiddle(void) {
  unsigned char* memory = Pages(3);
  FillPages(memory, 3, 1);
  long result = FAILING(mprotect(memory + kPage, kPage, PROT_READ));
  CHECK_INT(BadPages(memory, 3, 1), 0);
  if (result != 0) memory[kPage] = 1;
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  return result;
}

static long AdviseMiddle(void) {
  unsigned char* memory = Pages(3);
  long result = FAILING(madvise(memory + kPage, kPage, MADV_DONTFORK));
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  return result;
}

static long LockMiddle(void) {
  unsigned char* memory = Pages(3);
  long result = FAILING(mlock(memory + kPage, kPage));
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  return result;
}

static long LockAllOfIt(void) {
  unsigned char* memory = Pages(3);
  long result = FAILING(mlockall(MCL_CURRENT));
  CHECK_INT(munlockall(), 0);
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  return result;
}
static long LockAll(void) { return InChild(LockAllOfIt); }

static long Remapped(size_t from, size_t to, int flags) {
  unsigned char* memory = Pages(from);
  if (memory == MAP_FAILED) return -1;
  FillPages(memory, from, 1);
  unsigned char* moved =
      (unsigned char*)FAILING((long)mremap(memory, from * kPage, to * kPage, flags));
  bool failed = moved == MAP_FAILED;
  if (failed) moved = memory;
  size_t kept = failed || from < to ? from : to;
  CHECK_INT(BadPages(moved, kept, 1), 0);
  CHECK_INT(munmap(moved, (failed ? from : to) * kPage), 0);
  return failed ? -1 : 0;
}
static long RemapGrow(void) { return Remapped(2, 600, MREMAP_MAYMOVE); }
static long RemapShrink(void) { return Remapped(3, 1, 0); }

static long RemapPart(void) {  // the middle of a mapping moves away
  unsigned char* memory = Pages(3);
  FillPages(memory, 3, 1);
  unsigned char* moved =
      (unsigned char*)FAILING((long)mremap(memory + kPage, kPage, 2 * kPage, MREMAP_MAYMOVE));
  if (moved == MAP_FAILED) {
    CHECK_INT(BadPages(memory, 3, 1), 0);
  } else {
    CHECK_INT(munmap(moved, 2 * kPage), 0);
  }
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  return moved == MAP_FAILED ? -1 : 0;
}

static long Break(void) {
  char* before = (char*)syscall(SYS_brk, 0);
  char* after = (char*)FAILING(syscall(SYS_brk, before + 8 * kPage));
  if (after == before) {  // brk(2) reports a failure by changing nothing
    fv_fail_errno = ENOMEM;
    return -1;
  }
  CHECK(after == before + 8 * kPage);
  CHECK_INT(syscall(SYS_brk, before), before);
  return 0;
}

// In a child that touches memory while allocations fail. A page fault that finds no memory is tried
// again (Linux: pagefault_out_of_memory), so the access happens.
static long Touching(void (*touch)(unsigned char*), unsigned char* memory) {
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) {
    FailBegin();
    touch(memory);
    _exit(0);
  }
  CHECK_INT(FailEnd(WaitShell(pid)), 0);
  return 0;
}

static void WriteAll(unsigned char* memory) {
  for (int i = 0; i < 3; ++i) memory[i * kPage] = 2;
}
static void ReadAll(unsigned char* memory) {
  for (int i = 0; i < 3; ++i) (void)*(volatile unsigned char*)(memory + i * kPage);
}
static long FaultFresh(void) {
  unsigned char* memory = Pages(3);
  long result = Touching(WriteAll, memory);
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  return result;
}
static long FaultCow(void) {
  unsigned char* memory = Pages(3);
  FillPages(memory, 3, 1);
  long result = Touching(WriteAll, memory);
  CHECK_INT(BadPages(memory, 3, 1), 0);
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  return result;
}
static long FaultShared(void) {
  unsigned char* memory = mmap(NULL, 3 * kPage, kReadWrite, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  long result = Touching(WriteAll, memory);
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  return result;
}
static long FaultFile(void) {
  int fd = TempFile(1);
  CHECK_INT(ftruncate(fd, 3 * kPage), 0);
  unsigned char* memory = mmap(NULL, 3 * kPage, kReadWrite, MAP_PRIVATE, fd, 0);
  long result = Touching(ReadAll, memory);
  CHECK_INT(munmap(memory, 3 * kPage), 0);
  CHECK_INT(close(fd), 0);
  return result;
}

static void Deep(unsigned char* unused) {
  volatile unsigned char deep[64 * kPage];
  (void)unused;
  for (int i = 63; i >= 0; --i) deep[i * kPage] = 1;
  CHECK_INT(deep[0], 1);
}
static long StackGrowth(void) { return Touching(Deep, NULL); }

// The kernel's own access to memory that is not there yet: EFAULT when there is none, on Linux too.
static long KernelWrites(void) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  CHECK_INT(write(ends[1], "x", 1), 1);
  unsigned char* memory = Pages(1);
  long result = FAILING(read(ends[0], memory, 1));
  CHECK_INT(munmap(memory, kPage), 0);
  close(ends[0]);
  close(ends[1]);
  return result;
}

static long MemfdWrite(void) {
  int fd = memfd_create("fail", 0);
  static char data[3 * kPage];
  long result = FAILING(write(fd, data, sizeof(data)));
  CHECK_INT(close(fd), 0);
  return result;  // a part of it, if not all pages were to be had
}
static long MemfdCreate(void) {
  int fd = (int)FAILING(memfd_create("fail", MFD_ALLOW_SEALING));
  if (fd >= 0) CHECK_INT(close(fd), 0);
  return fd;
}

static long ProcessVm(void) {
  static char from[2 * kPage];
  unsigned char* to = Pages(2);
  struct iovec local[2] = {{from, kPage}, {from + kPage, kPage}};
  struct iovec remote[2] = {{to, kPage}, {to + kPage, kPage}};
  long result = FAILING(process_vm_writev(getpid(), local, 2, remote, 2, 0));
  CHECK_INT(munmap(to, 2 * kPage), 0);
  return result;
}

static const FailCase kCases[] = {
    {"mmap_private", MapPrivate, NULL, {ENOMEM}},
    {"mmap_shared", MapShared, NULL, {ENOMEM}},
    {"mmap_populate", MapPopulated, NULL, {ENOMEM}},
    {"mmap_file", MapFile, NULL, {ENOMEM}},
    {"mmap_fixed", MapFixed, NULL, {ENOMEM}},
    {"munmap_middle", UnmapMiddle, NULL, {ENOMEM}},
    {"mprotect_middle", ProtectMiddle, NULL, {ENOMEM}},
    {"madvise_middle", AdviseMiddle, NULL, {EAGAIN}},
    {"mlock_middle", LockMiddle, NULL, {ENOMEM, EAGAIN}},
    {"mlockall", LockAll, NULL, {ENOMEM, EAGAIN}},
    {"mremap_grow", RemapGrow, NULL, {ENOMEM}},
    {"mremap_shrink", RemapShrink, NULL, {ENOMEM}},
    {"mremap_part", RemapPart, NULL, {ENOMEM}},
    {"brk", Break, NULL, {ENOMEM}},
    {"fault_fresh", FaultFresh, NULL, {0}},
    {"fault_cow", FaultCow, NULL, {0}},
    {"fault_shared", FaultShared, NULL, {0}},
    {"fault_file", FaultFile, NULL, {0}},
    {"stack_growth", StackGrowth, NULL, {0}},
    {"kernel_writes", KernelWrites, NULL, {EFAULT}},
    {"memfd_create", MemfdCreate, NULL, {ENOMEM, ENOSPC}},
    {"memfd_write", MemfdWrite, NULL, {ENOMEM}},
    {"process_vm_writev", ProcessVm, NULL, {ENOMEM, EFAULT}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
