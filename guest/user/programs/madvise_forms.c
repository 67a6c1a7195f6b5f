// SPDX-License-Identifier: Apache-2.0
//
// madvise beyond fork: guards (MADV_GUARD_INSTALL, REMOVE), POPULATE_READ and WRITE, COLD, PAGEOUT,
// FREE, REMOVE; what /proc/self/smaps shows of advice; errors, holes, locked memory;
// process_madvise.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kGuardInstall = 102, kGuardRemove = 103, kPopulateRead = 22, kPopulateWrite = 23 };
enum { kCold = 20, kPageout = 21, kDontneedLocked = 24 };

// The VmFlags line of the mapping at the address.
static const char* Flags(const void* address) {
  static char line[256];
  int inside = 0;
  FILE* file = fopen("/proc/self/smaps", "r");
  CHECK(file != NULL);
  while (file && fgets(line, sizeof(line), file)) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
      inside = (uintptr_t)address >= from && (uintptr_t)address < to;
    } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
      break;
    }
  }
  if (file) fclose(file);
  return line;
}

static int Has(const void* address, const char* flag) {
  char word[8];
  snprintf(word, sizeof(word), " %s ", flag);
  return strstr(Flags(address), word) != NULL;
}

static int Present(void* address) {
  unsigned char byte = 0;
  CHECK_INT(mincore(address, kPage, &byte), 0);
  return byte & 1;
}

static unsigned char* memory;
static void GuardsInTheChild(void* unused) {
  (void)unused;
  CHECK_INT(ProbeRead(memory + kPage), -SIGSEGV);
  CHECK_INT(memory[0], 1);
  CHECK_INT(madvise(memory + kPage, kPage, kGuardRemove), 0);
  CHECK_INT(ProbeWrite(memory + kPage, 5), 0);
}

static void Guards(void) {
  memory = Pages(6);
  for (int i = 0; i < 6; ++i) memory[i * kPage] = (unsigned char)(i + 1);
  CHECK_INT(madvise(memory + kPage, 2 * kPage, kGuardInstall), 0);
  CHECK_INT(ProbeRead(memory + kPage), -SIGSEGV);
  CHECK_INT(fv_probe_code, SEGV_MAPERR);
  CHECK_INT(ProbeWrite(memory + 2 * kPage, 1), -SIGSEGV);
  CHECK_INT(memory[0] + memory[3 * kPage], 5);
  int fd = open("/dev/zero", O_RDONLY);
  CHECK_ERR(read(fd, memory + kPage, 1), EFAULT);
  close(fd);
  CHECK_INT(Present(memory + kPage), 0);
  CHECK_INT(RunChild(GuardsInTheChild, NULL), 0);
  // Neither DONTNEED nor mprotect takes them away.
  CHECK_INT(madvise(memory, 6 * kPage, MADV_DONTNEED), 0);
  CHECK_INT(mprotect(memory, 6 * kPage, PROT_NONE), 0);
  CHECK_INT(mprotect(memory, 6 * kPage, PROT_READ | PROT_WRITE), 0);
  CHECK_INT(ProbeRead(memory + kPage), -SIGSEGV);
  CHECK_INT(memory[0], 0);
  CHECK_ERR(madvise(memory, 2 * kPage, kPopulateWrite), EFAULT);
  // They move with their mapping.
  unsigned char* to = Pages(6);
  CHECK(mremap(memory, 6 * kPage, 6 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
  CHECK_INT(ProbeRead(to + 2 * kPage), -SIGSEGV);
  CHECK_INT(madvise(to, 6 * kPage, kGuardRemove), 0);
  CHECK_INT(ProbeWrite(to + kPage, 1), 0);
  CHECK_INT(munmap(to, 6 * kPage), 0);
  unsigned char* shared = SharedMemory(2 * kPage);
  shared[kPage] = 7;
  CHECK_INT(madvise(shared, 2 * kPage, kGuardInstall), 0);
  CHECK_INT(ProbeRead(shared + kPage), -SIGSEGV);
  CHECK_INT(madvise(shared, 2 * kPage, kGuardRemove), 0);
  CHECK_INT(shared[kPage], 7);
  CHECK_INT(munmap(shared, 2 * kPage), 0);
  Ok("guards");
}

static void Populate(void) {
  memory = Pages(4);
  CHECK_INT(madvise(memory, 2 * kPage, kPopulateRead), 0);
  CHECK_INT(madvise(memory + 2 * kPage, kPage, kPopulateWrite), 0);
  CHECK_INT(Present(memory) + Present(memory + 2 * kPage), 2);
  CHECK_INT(Present(memory + 3 * kPage), 0);
  CHECK_INT(mprotect(memory, kPage, PROT_READ), 0);
  CHECK_ERR(madvise(memory, kPage, kPopulateWrite), EINVAL);
  CHECK_INT(mprotect(memory, kPage, PROT_NONE), 0);
  CHECK_ERR(madvise(memory, kPage, kPopulateRead), EINVAL);
  int fd = TempFile(1);
  void* past = mmap(NULL, 2 * kPage, PROT_READ, MAP_SHARED, fd, 0);
  CHECK_ERR(madvise(past, 2 * kPage, kPopulateRead), EFAULT);
  CHECK_INT(munmap(past, 2 * kPage), 0);
  close(fd);
  CHECK_INT(munmap(memory + kPage, kPage), 0);
  CHECK_ERR(madvise(memory + 2 * kPage, 9 * kPage, 77), EINVAL);
  CHECK_INT(munmap(memory, 4 * kPage), 0);
  Ok("populate");
}

static void Holes(void) {
  memory = Pages(4);
  memset(memory, 1, 4 * kPage);
  CHECK_INT(munmap(memory + kPage, kPage), 0);
  const int all[] = {kCold, kPageout, MADV_DONTNEED, MADV_WILLNEED, MADV_RANDOM, kPopulateRead};
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); ++i) {
    CHECK_ERR(madvise(memory, 4 * kPage, all[i]), ENOMEM);
  }
  CHECK_INT(memory[2 * kPage], 0);  // what came after the hole was done all the same
  CHECK(Has(memory + 3 * kPage, "rr"));
  CHECK_INT(munmap(memory, 4 * kPage), 0);
  Ok("holes");
}

static void Locked(void) {
  memory = Pages(2);
  CHECK_INT(mlock(memory, kPage), 0);
  CHECK_ERR(madvise(memory, kPage, MADV_DONTNEED), EINVAL);
  CHECK_ERR(madvise(memory, kPage, MADV_FREE), EINVAL);
  CHECK_ERR(madvise(memory, kPage, kCold), EINVAL);
  CHECK_ERR(madvise(memory, kPage, kPageout), EINVAL);
  CHECK_ERR(madvise(memory, kPage, kGuardInstall), EINVAL);
  memory[0] = 1;
  CHECK_INT(madvise(memory, kPage, kDontneedLocked), 0);
  CHECK_INT(memory[0], 0);
  CHECK(Has(memory, "lo") && !Has(memory, "lf") && !Has(memory + kPage, "lo"));
  CHECK_INT(syscall(SYS_mlock2, memory + kPage, kPage, 1), 0);
  CHECK(Has(memory + kPage, "lo") && Has(memory + kPage, "lf"));
  CHECK_INT(Present(memory + kPage), 0);
  CHECK_INT(munlock(memory, 2 * kPage), 0);
  CHECK(!Has(memory, "lo") && !Has(memory + kPage, "lf"));
  CHECK_INT(munmap(memory, 2 * kPage), 0);
  unsigned char* shared = SharedMemory(kPage);
  CHECK_ERR(madvise(shared, kPage, MADV_FREE), EINVAL);
  CHECK_INT(madvise(shared, kPage, MADV_REMOVE), 0);
  CHECK_INT(munmap(shared, kPage), 0);
  Ok("locked");
}

static void Advice(void) {
  static const struct {
    int set;
    const char* flag;
    int clear;
  } kAdvice[] = {
      {MADV_RANDOM, "rr", MADV_NORMAL},         {MADV_SEQUENTIAL, "sr", MADV_NORMAL},
      {MADV_DONTFORK, "dc", MADV_DOFORK},       {MADV_WIPEONFORK, "wf", MADV_KEEPONFORK},
      {MADV_DONTDUMP, "dd", MADV_DODUMP},       {MADV_NOHUGEPAGE, "nh", MADV_HUGEPAGE},
      {MADV_MERGEABLE, "mg", MADV_UNMERGEABLE}, {MADV_HUGEPAGE, "hg", MADV_NOHUGEPAGE},
  };
  memory = Pages(2);
  for (size_t i = 0; i < sizeof(kAdvice) / sizeof(kAdvice[0]); ++i) {
    CHECK_INT(madvise(memory, kPage, kAdvice[i].set), 0);
    CHECK(Has(memory, kAdvice[i].flag) && !Has(memory + kPage, kAdvice[i].flag));
    CHECK_INT(madvise(memory, kPage, kAdvice[i].clear), 0);
    CHECK(!Has(memory, kAdvice[i].flag));
  }
  CHECK(strstr(Flags(memory + kPage), " rd wr mr mw me ") != NULL);
  CHECK(Has(memory, "ac") && !Has(memory, "sh"));
  void* sparse =
      mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(Has(sparse, "nr") && !Has(sparse, "ac"));
  unsigned char* shared = SharedMemory(kPage);
  CHECK(strstr(Flags(shared), " rd wr sh mr mw me ms ") != NULL);
  int local;
  CHECK(Has(&local, "gd"));
  CHECK_ERR(madvise(memory + 1, kPage, MADV_NORMAL), EINVAL);
  CHECK_ERR(madvise(memory, (size_t)-1, MADV_NORMAL), EINVAL);
  CHECK_ERR(madvise(memory, 0, 77), EINVAL);
  CHECK_INT(madvise(memory, 0, kGuardInstall), 0);
  Ok("advice");
}

static void Waits(void* gate) { Take(gate); }

static void Foreign(void) {
  Baton gate = MakeBaton();
  memory = Pages(4);
  memset(memory, 1, 4 * kPage);
  pid_t child = Fork(Waits, &gate);
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  struct iovec ranges[2] = {{memory, kPage}, {memory + 2 * kPage, 2 * kPage}};
  CHECK_ERR(syscall(SYS_process_madvise, pidfd, ranges, 2, MADV_DONTNEED, 0), EINVAL);
  long advised = syscall(SYS_process_madvise, pidfd, ranges, 2, kCold, 0);
  const int may = advised >= 0 || errno != EPERM;  // CAP_SYS_NICE over the machine
  CHECK(!may || advised == 3 * kPage);
  CHECK_ERR(syscall(SYS_process_madvise, pidfd, ranges, 2, kCold, 1), EINVAL);
  ranges[1].iov_base = (void*)kPage;
  if (may) {
    CHECK_INT(syscall(SYS_process_madvise, pidfd, ranges, 2, kPageout, 0), kPage);
    CHECK_ERR(syscall(SYS_process_madvise, pidfd, ranges + 1, 1, kPageout, 0), ENOMEM);
  }
  Give(&gate);
  CHECK_INT(WaitShell(child), 0);
  CHECK_ERR(syscall(SYS_process_madvise, pidfd, ranges, 1, kCold, 0), ESRCH);
  close(pidfd);
  Ok("process_madvise");
}

int main(void) {
  Guards();
  Populate();
  Holes();
  Locked();
  Advice();
  Foreign();
  return Finish();
}
