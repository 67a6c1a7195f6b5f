// SPDX-License-Identifier: Apache-2.0
//
// F54: overcommit. Committed_AS counts what mmap, brk, mprotect, mremap, fork and shared memory
// promise and what munmap and exit give back; policy 2 refuses beyond CommitLimit. The settings are
// the machine's, so on Linux they are left alone and only policy 0's answers are looked at.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kKiB = 1024, kPages = 64 };

static const char* kPolicy = "/proc/sys/vm/overcommit_memory";
static const char* kRatio = "/proc/sys/vm/overcommit_ratio";
static const char* kKbytes = "/proc/sys/vm/overcommit_kbytes";

// Result of writing the text: 0 or errno.
static int Set(const char* path, const char* value) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return errno;
  ssize_t n = write(fd, value, strlen(value));
  int error = n < 0 ? errno : 0;
  close(fd);
  return error;
}

static void SetNumber(const char* path, long value) {
  char text[32];
  snprintf(text, sizeof(text), "%ld\n", value);
  CHECK_INT(Set(path, text), 0);
}

static long Get(const char* path) {
  char text[32] = "";
  int fd = open(path, O_RDONLY);
  CHECK(read(fd, text, sizeof(text) - 1) > 0);
  close(fd);
  return atol(text);
}

// A line of /proc/meminfo, in pages.
static long Info(const char* key) {
  char text[4096];
  int fd = open("/proc/meminfo", O_RDONLY);
  ssize_t n = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  const char* at = strstr(text, key);
  return at ? atol(at + strlen(key)) * kKiB / kPage : -1;
}

static long Committed(void) { return Info("Committed_AS:"); }

static void* Map(long pages, int prot, int flags) {
  return mmap(NULL, (size_t)pages * kPage, prot, MAP_ANONYMOUS | flags, -1, 0);
}

// The C library's brk may be a stub.
static long Break(long address) { return syscall(SYS_brk, address); }

static void Charges(void) {
  const int both = PROT_READ | PROT_WRITE;
  long before = Committed();
  char* memory = Map(kPages, both, MAP_PRIVATE);
  CHECK_INT(Committed() - before, kPages);
  CHECK_INT(munmap(memory + 8 * kPage, 16 * kPage), 0);
  CHECK_INT(Committed() - before, kPages - 16);
  CHECK(mremap(memory, 8 * kPage, 12 * kPage, 0) == memory);
  CHECK_INT(Committed() - before, kPages - 12);
  CHECK_INT(mprotect(memory, 12 * kPage, PROT_READ), 0);
  CHECK_INT(Committed() - before, kPages - 24);
  memory[24 * kPage] = 1;
  CHECK_INT(mprotect(memory + 24 * kPage, 12 * kPage, PROT_READ), 0);
  CHECK_INT(Committed() - before, kPages - 24);
  CHECK_INT(munmap(memory, kPages * kPage), 0);
  CHECK_INT(Committed(), before);

  memory = Map(kPages, PROT_READ, MAP_PRIVATE);
  CHECK_INT(Committed(), before);
  CHECK_INT(mprotect(memory, 4 * kPage, both), 0);
  CHECK_INT(Committed() - before, 4);
  CHECK_INT(munmap(memory, kPages * kPage), 0);
  memory = Map(kPages, both, MAP_PRIVATE | MAP_NORESERVE);
  CHECK_INT(Committed(), before);
  CHECK_INT(munmap(memory, kPages * kPage), 0);
  Ok("F54 private mappings");

  memory = Map(kPages, both, MAP_SHARED);
  CHECK_INT(Committed() - before, kPages);
  CHECK_INT(munmap(memory, kPages * kPage), 0);
  CHECK_INT(Committed(), before);
  int fd = (int)syscall(SYS_memfd_create, "charged", 0);
  CHECK_INT(ftruncate(fd, kPages * kPage), 0);
  CHECK_INT(Committed(), before);
  CHECK_INT(pwrite(fd, "xx", 2, 3 * kPage - 1), 2);
  CHECK_INT(Committed() - before, 2);
  CHECK_INT(ftruncate(fd, 0), 0);
  CHECK_INT(Committed(), before);
  close(fd);
  Ok("F54 shared memory");

  long top = Break(0);
  CHECK_INT(Break(top + kPages * kPage), top + kPages * kPage);
  CHECK_INT(Committed() - before, kPages);
  CHECK_INT(Break(top), top);
  CHECK_INT(Committed(), before);
  Ok("F54 break");
}

static Baton held, release;
static void Holds(void* unused) {
  (void)unused;
  Give(&held);
  Take(&release);
}

static void ForkAndExit(void) {
  long before = Committed();
  char* memory = Map(kPages, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  held = MakeBaton();
  release = MakeBaton();
  pid_t child = Fork(Holds, NULL);
  Take(&held);
  CHECK(Committed() - before >= 2 * kPages);
  Give(&release);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(munmap(memory, kPages * kPage), 0);
  CHECK_INT(Committed(), before);
  DropBaton(&held);
  DropBaton(&release);
  Ok("F54 fork, exit");
}

// Policy 2 with room for `pages` more.
static void LeaveRoom(long pages) { SetNumber(kKbytes, (Committed() + pages) * (kPage / kKiB)); }

static void Never(void) {
  const int both = PROT_READ | PROT_WRITE;
  SetNumber("/proc/sys/vm/admin_reserve_kbytes", 0);
  SetNumber("/proc/sys/vm/user_reserve_kbytes", 0);
  CHECK_INT(Set(kPolicy, "2"), 0);
  LeaveRoom(2 * kPages);
  CHECK_INT(Get(kRatio), 0);
  char* memory = Map(kPages, both, MAP_PRIVATE);
  CHECK(memory != MAP_FAILED);
  CHECK(Map(kPages, both, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM);
  CHECK(Map(kPages, both, MAP_PRIVATE | MAP_NORESERVE) == MAP_FAILED && errno == ENOMEM);
  CHECK(Map(kPages, both, MAP_SHARED) == MAP_FAILED && errno == ENOMEM);
  char* read_only = Map(kPages, PROT_READ, MAP_PRIVATE);
  CHECK(read_only != MAP_FAILED);
  CHECK_ERR(mprotect(read_only, kPages * kPage, both), ENOMEM);
  CHECK(mremap(memory, kPages * kPage, 3 * kPages * kPage, MREMAP_MAYMOVE) == MAP_FAILED);
  CHECK_INT(errno, ENOMEM);
  CHECK_INT((long)fork(), -1);
  CHECK_INT(errno, ENOMEM);
  long top = Break(0);
  CHECK_INT(Break(top + 2 * kPages * kPage), top);
  CHECK_INT(munmap(memory, kPages * kPage), 0);
  CHECK_INT(munmap(read_only, kPages * kPage), 0);
  Ok("F54 policy 2");
  SetNumber(kRatio, 50);
  CHECK_INT(Get(kKbytes), 0);
  CHECK(labs(Info("CommitLimit:") - Info("MemTotal:") / 2) <= 1);
  CHECK_INT(Set(kPolicy, "1"), 0);
  memory = Map(2 * Info("MemTotal:"), both, MAP_PRIVATE);
  CHECK(memory != MAP_FAILED);
  CHECK_INT(munmap(memory, 2 * (size_t)Info("MemTotal:") * kPage), 0);
  CHECK_INT(Set(kPolicy, "3"), EINVAL);
  CHECK_INT(Set(kPolicy, "x"), EINVAL);
  CHECK_INT(Get(kPolicy), 1);
  CHECK_INT(Set(kPolicy, "0\n"), 0);
  Ok("F54 policies, limits");
}

static void Heuristic(void) {
  const int both = PROT_READ | PROT_WRITE;
  const long absurd = 2 * Info("MemTotal:") + Info("SwapTotal:");
  if (Get(kPolicy) == 0) {
    CHECK(Map(absurd, both, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM);
    CHECK(Map(absurd, both, MAP_SHARED) == MAP_FAILED && errno == ENOMEM);
    void* sparse = Map(absurd, both, MAP_PRIVATE | MAP_NORESERVE);
    CHECK(sparse != MAP_FAILED);
    CHECK_INT(munmap(sparse, (size_t)absurd * kPage), 0);
  }
  Ok("F54 policy 0");
}

int main(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  Heuristic();
  if (strstr(name.release, "forkvisor")) {
    Charges();
    ForkAndExit();
    Never();
  } else {
    Ok("F54 private mappings");
    Ok("F54 shared memory");
    Ok("F54 break");
    Ok("F54 fork, exit");
    Ok("F54 policy 2");
    Ok("F54 policies, limits");
  }
  return Finish();
}
