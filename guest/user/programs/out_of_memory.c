// SPDX-License-Identifier: Apache-2.0
//
// When memory ends, the process that has most of it goes, not the one that asks for the last page;
// who is protected by oom_score_adj stays. process_mrelease. The machine's memory is only used up
// in the guest.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kProcessMrelease = 448 };  // newer than some headers

static size_t FreePages(void) {
  struct sysinfo info;
  CHECK_INT(sysinfo(&info), 0);
  return info.freeram * info.mem_unit / kPage;
}

static Baton filled, end;

static void Fill(size_t pages) {
  unsigned char* memory = mmap(NULL, pages * kPage, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED);
  for (size_t i = 0; i < pages; ++i) memory[i * kPage] = 1;
}

static void HoldsMost(void* pages) {
  Fill((size_t)pages);
  Give(&filled);
  Take(&end);
}

static void SetAdjustment(const char* value) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY);
  CHECK_INT(write(fd, value, strlen(value)), (long)strlen(value));
  close(fd);
}

static void AsksForTheLast(void* pages) { Fill((size_t)pages); }

static void Protected(void* pages) {
  SetAdjustment("-1000");
  HoldsMost(pages);
}

static void Victims(void) {
  const size_t all = FreePages();
  filled = MakeBaton();
  end = MakeBaton();
  pid_t big = Fork(HoldsMost, (void*)(all * 6 / 10));
  Take(&filled);
  pid_t small = Fork(AsksForTheLast, (void*)(all * 5 / 10));
  CHECK_INT(WaitShell(big), 128 + SIGKILL);
  CHECK_INT(WaitShell(small), 0);
  CHECK(FreePages() > all * 9 / 10);
  // Protected, the big one stays and the other has to go.
  big = Fork(Protected, (void*)(all * 6 / 10));
  Take(&filled);
  small = Fork(AsksForTheLast, (void*)(all * 5 / 10));
  CHECK_INT(WaitShell(small), 128 + SIGKILL);
  Give(&end);
  CHECK_INT(WaitShell(big), 0);
  CHECK(FreePages() > all * 9 / 10);
}

static void Waits(void* gate) {
  Fill(64);
  Give(&filled);
  Take(gate);
}

static void Release(void) {
  filled = MakeBaton();
  Baton gate = MakeBaton();
  pid_t child = Fork(Waits, &gate);
  Take(&filled);
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  CHECK_ERR(syscall(kProcessMrelease, pidfd, 1), EINVAL);
  CHECK_ERR(syscall(kProcessMrelease, pidfd, 0), EINVAL);  // it is not dying
  CHECK_ERR(syscall(kProcessMrelease, gate.read_end, 0), EBADF);
  CHECK_INT(kill(child, SIGKILL), 0);
  long result = syscall(kProcessMrelease, pidfd, 0);
  CHECK(result == 0 || errno == ESRCH);  // it may be gone already
  CHECK_INT(WaitShell(child), 128 + SIGKILL);
  CHECK_ERR(syscall(kProcessMrelease, pidfd, 0), ESRCH);
  close(pidfd);
  Ok("process_mrelease");
}

int main(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  Release();
  if (strstr(name.release, "forkvisor")) Victims();
  Ok("the biggest goes");
  return Finish();
}
