// SPDX-License-Identifier: Apache-2.0
//
// mremap and its kin where mappings are several, shared, locked or of a file: the order of errors,
// old size 0, DONTUNMAP, several mappings moved at once, pages that keep their file offset;
// remap_file_pages; MAP_SHARED_VALIDATE; msync and mincore of files; limits of locked memory.
#include <fcntl.h>
#include <linux/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static long Remap(void* from, size_t old_pages, size_t new_pages, int flags, void* to) {
  return syscall(SYS_mremap, from, old_pages * kPage, new_pages * kPage, flags, to);
}

static int Maps(const void* address, size_t bytes) {
  int count = 0;
  char line[256];
  FILE* file = fopen("/proc/self/maps", "r");
  while (file && fgets(line, sizeof(line), file)) {
    unsigned long from, to;
    count += sscanf(line, "%lx-%lx ", &from, &to) == 2 && from < (uintptr_t)address + bytes &&
             to > (uintptr_t)address;
  }
  if (file) fclose(file);
  return count;
}

static void Errors(void) {
  unsigned char* memory = Pages(8);
  memset(memory, 1, 8 * kPage);
  CHECK_INT(mprotect(memory + 4 * kPage, kPage, PROT_READ), 0);
  CHECK_ERR(Remap(memory, 8, 9, MREMAP_MAYMOVE, 0), EFAULT);
  CHECK_INT(Remap(memory, 8, 8, 0, 0), (long)memory);
  CHECK_ERR(Remap(memory, 0, 4, MREMAP_MAYMOVE, 0), EINVAL);
  CHECK_ERR(Remap(memory, 4, 0, MREMAP_MAYMOVE, 0), EINVAL);
  CHECK_ERR(Remap(memory, 4, 8, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), EINVAL);
  CHECK_ERR(Remap(memory, 1, 1, MREMAP_FIXED, memory + 8 * kPage), EINVAL);
  CHECK_ERR(Remap(memory, 1, 1, 8, 0), EINVAL);
  CHECK_ERR(Remap(memory + 1, 1, 1, MREMAP_MAYMOVE, 0), EINVAL);
  CHECK_ERR(Remap(memory, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, memory + kPage), EINVAL);
  CHECK_ERR(Remap(memory, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, memory + 1), EINVAL);
  CHECK_ERR(Remap((void*)(77l * kPage), 1, 2, MREMAP_MAYMOVE, 0), EFAULT);
  CHECK_INT(Remap(memory, 8, 4, 0, 0), (long)memory);
  CHECK_INT(ProbeRead(memory + 4 * kPage), -SIGSEGV);
  CHECK_INT(munmap(memory, 4 * kPage), 0);
  Ok("mremap errors");
}

// Moving several at once is newer than most machines: there the first call says EFAULT.
static void Several(void) {
  unsigned char* memory = Pages(8);
  unsigned char* to = Pages(8);
  FillPages(memory, 8, 1);
  FillPages(to, 8, 2);
  CHECK_INT(mprotect(memory + 2 * kPage, kPage, PROT_READ), 0);
  CHECK_INT(munmap(memory + 5 * kPage, kPage), 0);
  if (Remap(memory, 8, 8, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to) {
    CHECK_INT(BadPages(to, 5, 1), 0);
    CHECK_INT(ProbeWrite(to + 2 * kPage, 1), -SIGSEGV);
    CHECK_INT(ProbeWrite(to + 3 * kPage, 1), 0);
    uint32_t word = 0, kept = 2u * 2654435761u + 5;
    memcpy(&word, to + 5 * kPage, 4);
    CHECK(word == kept);  // what stood where the gap comes to lie
    CHECK_INT(ProbeRead(memory), -SIGSEGV);
    CHECK_ERR(Remap(memory + 5 * kPage, 3, 3, MREMAP_MAYMOVE | MREMAP_FIXED, to), EFAULT);
  } else {
    CHECK_INT(errno, EFAULT);
    CHECK_INT(munmap(memory, 8 * kPage), 0);
  }
  CHECK_INT(munmap(to, 8 * kPage), 0);
  Ok("mremap of several mappings");
}

static void SharedTwin(void) {
  volatile unsigned char* shared = SharedMemory(4 * kPage);
  shared[kPage] = 5;
  volatile unsigned char* twin =
      (unsigned char*)Remap((void*)(shared + kPage), 0, 2, MREMAP_MAYMOVE, 0);
  CHECK(twin != MAP_FAILED);
  CHECK_INT(twin[0], 5);
  twin[1] = 6;
  CHECK_INT(shared[kPage + 1], 6);
  CHECK_INT(munmap((void*)twin, 2 * kPage), 0);
  unsigned char* memory = Pages(2);
  memory[0] = 1;
  unsigned char* moved =
      (unsigned char*)Remap(memory, 2, 2, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  CHECK(moved != MAP_FAILED && moved != memory);
  CHECK_INT(moved[0], 1);
  CHECK_INT(memory[0], 0);
  CHECK_INT(munmap(memory, 2 * kPage), 0);
  CHECK_INT(munmap(moved, 2 * kPage), 0);
  CHECK_INT(munmap((void*)shared, 4 * kPage), 0);
  Ok("F98 shared twin, DONTUNMAP");
}

static void OffsetsStay(void) {
  int fd = TempFile(4);
  unsigned char* file = mmap(NULL, 4 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  file[kPage] = 'x';
  unsigned char* to = Pages(4);
  CHECK_INT(Remap(file + kPage, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, to), (long)to);
  CHECK_INT(to[0], 'x');
  CHECK_INT(to[kPage], 'c');
  CHECK_INT(file[3 * kPage], 'd');
  CHECK_INT(ftruncate(fd, kPage), 0);
  CHECK_INT(ProbeRead(to), -SIGBUS);
  CHECK_INT(munmap(to, 4 * kPage), 0);
  close(fd);
  // Pages that stay where they were: cut out, moved away and back, it is one mapping again.
  unsigned char* memory = Pages(4);
  FillPages(memory, 4, 3);
  unsigned char* away = Pages(1);
  CHECK_INT(Remap(memory + kPage, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, away), (long)away);
  CHECK_INT(Remap(away, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, memory + kPage),
            (long)(memory + kPage));
  CHECK_INT(BadPages(memory, 4, 3), 0);
  CHECK_INT(Maps(memory, 4 * kPage), 1);
  CHECK_INT(munmap(memory, 4 * kPage), 0);
  Ok("offsets stay");
}

static void RemapFilePages(void) {
  volatile unsigned char* shared = SharedMemory(4 * kPage);  // two pages become one
  for (int i = 0; i < 4; ++i) shared[i * kPage] = (unsigned char)('a' + i);
  CHECK_INT(syscall(SYS_remap_file_pages, shared, kPage, 0, 2, 0), 0);
  CHECK_INT(shared[0], 'c');
  shared[0] = 'C';
  CHECK_INT(shared[2 * kPage], 'C');
  CHECK_INT(syscall(SYS_remap_file_pages, shared + kPage + 1, kPage, 0, 3, 0), 0);
  CHECK_INT(shared[kPage], 'd');
  CHECK_ERR(syscall(SYS_remap_file_pages, shared, kPage, PROT_READ, 2, 0), EINVAL);
  CHECK_ERR(syscall(SYS_remap_file_pages, shared, 0, 0, 2, 0), EINVAL);
  unsigned char* memory = Pages(1);
  CHECK_ERR(syscall(SYS_remap_file_pages, memory, kPage, 0, 0, 0), EINVAL);
  CHECK_INT(munmap(memory, kPage), 0);
  CHECK_INT(munmap((void*)shared, 4 * kPage), 0);
  Ok("remap_file_pages");
}

static long MapFile(int fd, int flags) {
  return syscall(SYS_mmap, 0, kPage, PROT_READ, flags, fd, 0);
}

static void Validate(void) {
  int fd = TempFile(1);
  CHECK_ERR(MapFile(fd, MAP_SHARED_VALIDATE | 0x80000 /* MAP_SYNC */), EOPNOTSUPP);
  CHECK_ERR(MapFile(fd, MAP_SHARED_VALIDATE | 0x200000), EOPNOTSUPP);
  CHECK(MapFile(fd, MAP_SHARED | 0x200000) > 0);
  CHECK(MapFile(fd, MAP_SHARED_VALIDATE) > 0);
  CHECK_ERR(MapFile(-1, MAP_SHARED_VALIDATE | MAP_ANONYMOUS), EINVAL);
  CHECK_ERR(MapFile(fd, 0), EINVAL);
  close(fd);
  Ok("MAP_SHARED_VALIDATE");
}

static void FilesInCore(void) {
  int fd = memfd_create("core", 0);
  CHECK_INT(ftruncate(fd, 8 * kPage), 0);
  unsigned char* file = mmap(NULL, 8 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK_INT(pwrite(fd, "x", 1, 3 * kPage), 1);
  unsigned char present[8];
  CHECK_INT(mincore(file, 8 * kPage, present), 0);
  for (int i = 0; i < 8; ++i) CHECK_INT(present[i] & 1, i == 3);
  CHECK_INT(mincore(file, 0, present), 0);
  CHECK_ERR(mincore(NULL, kPage, present), ENOMEM);
  CHECK_INT(mlock(file + kPage, kPage), 0);
  CHECK_ERR(msync(file, 8 * kPage, MS_INVALIDATE), EBUSY);
  CHECK_INT(msync(file + kPage, kPage, MS_SYNC), 0);
  CHECK_INT(munlock(file, 8 * kPage), 0);
  CHECK_INT(msync(file, 8 * kPage, MS_INVALIDATE | MS_ASYNC), 0);
  CHECK_INT(munmap(file + 2 * kPage, kPage), 0);
  CHECK_ERR(msync(file, 8 * kPage, MS_SYNC), ENOMEM);
  close(fd);
  Ok("mincore, msync of files");
}

static void LockLimits(void* unused) {
  (void)unused;
  if (setuid(65534) != 0) return;  // who may not change has a limit anyway
  struct rlimit limit = {4 * kPage, 4 * kPage};
  CHECK_INT(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
  unsigned char* memory = Pages(8);
  CHECK_INT(mlock(memory, 3 * kPage), 0);
  CHECK_ERR(mlock(memory + 3 * kPage, 2 * kPage), ENOMEM);
  CHECK_INT(mlock(memory, 4 * kPage), 0);  // what is locked does not count twice
  CHECK_ERR(Remap(memory, 4, 5, MREMAP_MAYMOVE, 0), EAGAIN);
  CHECK_ERR(mlockall(MCL_CURRENT), ENOMEM);
  CHECK_ERR(syscall(SYS_mmap, 0, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
            EAGAIN);
  CHECK_INT(munlock(memory, 8 * kPage), 0);
  CHECK_INT(mlockall(MCL_FUTURE | MCL_ONFAULT), 0);
  unsigned char* later = Pages(2);
  unsigned char present[2];
  CHECK_INT(mincore(later, 2 * kPage, present), 0);
  CHECK_INT(present[0] & 1, 0);
  CHECK_ERR(syscall(SYS_mmap, 0, 3 * kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EAGAIN);
  CHECK_ERR(mlockall(MCL_CURRENT), ENOMEM);  // and MCL_FUTURE stays
  CHECK_ERR(syscall(SYS_mmap, 0, 3 * kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EAGAIN);
  CHECK_INT(munlockall(), 0);
  limit.rlim_cur = limit.rlim_max = 0;
  CHECK_INT(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
  CHECK_ERR(mlock(memory, kPage), EPERM);
  CHECK_ERR(mlockall(MCL_CURRENT), EPERM);
}

// Cuts one more mapping off the end of `many`, or takes the last one back.
static int Cut(unsigned char* many, long pages, long cut) {
  return mprotect(many + cut * kPage, (pages - cut) * kPage, cut % 2 ? PROT_READ : PROT_NONE);
}
static void TakeBack(unsigned char* many, long pages, long cut) {
  const int before = (cut - 1) % 2 ? PROT_READ : PROT_NONE;
  CHECK_INT(mprotect(many + cut * kPage, (pages - cut) * kPage, before), 0);
}

// A move to a place of the caller's wants room for the pieces that source and target may leave.
static void AtTheLimit(long limit) {
  unsigned char *one = Pages(3), *target = Pages(3);
  CHECK_INT(munmap(target, 3 * kPage), 0);
  const long pages = limit + 1;
  unsigned char* many =
      mmap(NULL, pages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(many != MAP_FAILED);
  long cut = 1;
  while (Cut(many, pages, cut) == 0) ++cut;
  CHECK_INT(errno, ENOMEM);
  const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
  int room = 0;
  while (mremap(one, 3 * kPage, 3 * kPage, flags, target) == MAP_FAILED && room < 20) {
    CHECK_INT(errno, ENOMEM);
    TakeBack(many, pages, --cut);
    ++room;
  }
  CHECK_INT(room, 6);
  CHECK_INT(munmap(many, pages * kPage), 0);
  CHECK_INT(munmap(target, 3 * kPage), 0);
}

// The limit is the machine's: on Linux it is left alone, and too many mappings away.
static void ManyMappings(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  int fd = strstr(name.release, "forkvisor") ? open("/proc/sys/vm/max_map_count", O_RDWR) : -1;
  if (fd >= 0) {
    CHECK_INT(write(fd, "64", 2), 2);
    AtTheLimit(64);
    CHECK_INT(pwrite(fd, "65530", 5, 0), 5);
    close(fd);
  }
  Ok("max_map_count");
}

int main(void) {
  Errors();
  Several();
  SharedTwin();
  OffsetsStay();
  RemapFilePages();
  Validate();
  FilesInCore();
  CHECK_INT(RunChild(LockLimits, NULL), 0);
  Ok("limits of locked memory");
  ManyMappings();
  return Finish();
}
