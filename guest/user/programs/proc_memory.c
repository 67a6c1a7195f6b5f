// SPDX-License-Identifier: Apache-2.0
//
// What /proc says about memory: Rss and peak in status, clean, dirty, shared and private pages in
// smaps, its sums in smaps_rollup, statm, bits of pagemap, auxv, coredump_filter, clear_refs,
// oom_score, numa_maps, io.
#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>

#include "guest/user/lib/guest.h"
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static char text[65536];

static ssize_t ReadAll(const char* path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  ssize_t total = 0;
  for (ssize_t n; (n = read(fd, text + total, sizeof(text) - 1 - (size_t)total)) > 0;) total += n;
  text[total] = 0;
  close(fd);
  return total;
}

static int WriteText(const char* path, const char* value) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return errno;
  ssize_t n = write(fd, value, strlen(value));
  int error = n < 0 ? errno : 0;
  close(fd);
  return error;
}

static long Field(const char* path, const char* name) {
  CHECK(ReadAll(path) > 0);
  const char* line = strstr(text, name);
  return line ? atol(line + strlen(name)) : -1;
}

static long Status(const char* name) { return Field("/proc/self/status", name); }

// A number of the mapping's entry in smaps, in KiB.
static long Smaps(const void* address, const char* name) {
  CHECK(ReadAll("/proc/self/smaps") > 0);
  int inside = 0;
  for (char* line = text; line && *line;
       line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
      inside = (uintptr_t)address >= from && (uintptr_t)address < to;
    } else if (inside && strncmp(line, name, strlen(name)) == 0) {
      return atol(line + strlen(name));
    }
  }
  return -1;
}

static void Peaks(void) {
  long size = Status("VmSize:");
  unsigned char* big = Pages(512);
  memset(big, 1, 512 * kPage);
  CHECK(Status("VmSize:") >= size + 2048);
  long resident = Status("VmRSS:");
  CHECK(resident >= 2048);
  CHECK_INT(munmap(big, 512 * kPage), 0);
  CHECK(Status("VmPeak:") >= size + 2048);
  CHECK(Status("VmSize:") < size + 2048);
  CHECK(Status("VmHWM:") >= resident - 512);  // Linux counts in batches
  CHECK(Status("VmRSS:") <= resident - 1800);
  CHECK_INT(WriteText("/proc/self/clear_refs", "5"), 0);
  CHECK(Status("VmHWM:") <= resident - 1800);
  CHECK_INT(Status("VmRSS:"), Status("RssAnon:") + Status("RssFile:") + Status("RssShmem:"));
  CHECK_INT(Status("VmPin:"), 0);
  CHECK_INT(Status("VmSwap:"), 0);
  Ok("F50 peaks");
}

static void Kinds(void) {
  long shared_before = Status("RssShmem:");
  unsigned char* shared = SharedMemory(4 * kPage);
  memset(shared, 1, 4 * kPage);
  CHECK_INT(Status("RssShmem:") - shared_before, 16);
  int fd = memfd_create("kinds", 0);
  CHECK_INT(ftruncate(fd, 2 * kPage), 0);
  unsigned char* memory = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  memory[0] = memory[kPage] = 1;
  CHECK_INT(Status("RssShmem:") - shared_before, 24);
  CHECK_INT(munmap(memory, 2 * kPage), 0);
  CHECK_INT(munmap(shared, 4 * kPage), 0);
  close(fd);
  CHECK_INT(Status("RssShmem:"), shared_before);
  Ok("RssShmem");
}

static unsigned char* pages;
static void InTheChild(void* unused) {
  (void)unused;
  CHECK_INT(Smaps(pages, "Rss:"), 32);
  CHECK_INT(Smaps(pages, "Pss:"), 16);
  CHECK_INT(Smaps(pages, "Shared_Dirty:"), 32);
  pages[0] = 2;
  CHECK_INT(Smaps(pages, "Private_Dirty:"), 4);
  CHECK_INT(Smaps(pages, "Shared_Dirty:"), 28);
  CHECK_INT(Smaps(pages, "Pss:"), 18);
  CHECK_INT(Smaps(pages, "Anonymous:"), 32);
}

static void Shares(void) {
  pages = Pages(12);
  memset(pages, 1, 8 * kPage);
  volatile unsigned char zero = pages[9 * kPage];  // the zero frame is nobody's
  CHECK_INT(zero, 0);
  CHECK_INT(Smaps(pages, "Size:"), 48);
  CHECK_INT(Smaps(pages, "Rss:"), 32);
  CHECK_INT(Smaps(pages, "Pss:"), 32);
  CHECK_INT(Smaps(pages, "Private_Dirty:"), 32);
  CHECK_INT(Smaps(pages, "Referenced:"), 32);
  CHECK_INT(RunChild(InTheChild, NULL), 0);
  AWAIT_ON_HOST(Smaps(pages, "Pss:") == 32);
  CHECK_INT(mlock(pages, 12 * kPage), 0);
  CHECK_INT(Smaps(pages, "Locked:"), 48);
  CHECK_INT(munlock(pages, 12 * kPage), 0);
  CHECK_INT(WriteText("/proc/self/clear_refs", "1"), 0);
  pages[0] = 3;
  CHECK_INT(Smaps(pages, "Referenced:"), 4);
  CHECK_INT(WriteText("/proc/self/clear_refs", "9"), EINVAL);
  Ok("smaps");

  long rollup = Field("/proc/self/smaps_rollup", "Anonymous:");
  CHECK(strstr(text, "[rollup]\n") != NULL && strstr(text, "Pss_Shmem:") != NULL);
  CHECK(rollup >= 32);
  CHECK(ReadAll("/proc/self/numa_maps") > 0);
  char line[32];
  snprintf(line, sizeof(line), "%08lx default anon=", (unsigned long)(uintptr_t)pages);
  CHECK(strstr(text, line) != NULL && strstr(text, " N0=") != NULL);
  Ok("smaps_rollup, numa_maps");
}

static uint64_t Pagemap(const void* address) {
  uint64_t entry = 0;
  int fd = open("/proc/self/pagemap", O_RDONLY);
  CHECK_INT(pread(fd, &entry, 8, (off_t)((uintptr_t)address / kPage * 8)), 8);
  close(fd);
  return entry;
}

enum { kPresent = 63, kSwapped = 62, kFile = 61, kExclusive = 56 };
static int Bit(const void* address, int bit) { return (int)(Pagemap(address) >> bit & 1); }

static void SharedInChild(void* unused) {
  (void)unused;
  CHECK_INT(Bit(pages + kPage, kPresent), 1);
  CHECK_INT(Bit(pages + kPage, kExclusive), 0);
  pages[kPage] = 7;
  CHECK_INT(Bit(pages + kPage, kExclusive), 1);
}

static void PagemapBits(void) {
  CHECK_INT(Bit(pages, kPresent), 1);
  CHECK_INT(Bit(pages, kExclusive), 1);
  CHECK_INT(Bit(pages, kFile), 0);
  CHECK_INT(Bit(pages, kSwapped), 0);
  CHECK_INT(Bit(Pages(1), kPresent), 0);
  CHECK_INT(RunChild(SharedInChild, NULL), 0);
  AWAIT_ON_HOST(Bit(pages + kPage, kExclusive) == 1);
  CHECK_INT(Bit(pages + kPage, kExclusive), 1);
  int fd = TempFile(2);
  unsigned char* file = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  CHECK_INT(file[0] + file[kPage], 'a' + 'b');
  CHECK_INT(Bit(file, kFile), 1);
  file[0] = 1;
  CHECK_INT(Bit(file, kFile), 0);
  CHECK_INT(Smaps(file, "Anonymous:"), 4);
  CHECK_INT(ftruncate(fd, 0), 0);
  CHECK_INT(Bit(file, kPresent), 0);
  CHECK_INT(ProbeRead(file), -SIGBUS);  // the private copy went too
  close(fd);
  Ok("pagemap");
}

static void OtherFiles(void) {
  ssize_t bytes = ReadAll("/proc/self/auxv");
  CHECK(bytes > 0 && bytes % 16 == 0);
  const Elf64_auxv_t* aux = (const Elf64_auxv_t*)text;
  int same = 0;
  for (ssize_t i = 0; i < bytes / 16 && aux[i].a_type != AT_NULL; ++i) {
    same += aux[i].a_un.a_val == getauxval(aux[i].a_type);
    CHECK(aux[i].a_un.a_val == getauxval(aux[i].a_type));
  }
  CHECK(same > 10);
  unsigned long total, resident, shared, code, library, data;
  CHECK(ReadAll("/proc/self/statm") > 0);
  CHECK_INT(
      sscanf(text, "%lu %lu %lu %lu %lu %lu", &total, &resident, &shared, &code, &library, &data),
      6);
  CHECK_INT(total * 4, Status("VmSize:"));
  CHECK(shared <= resident && code > 0 && library == 0);
  CHECK_INT(data * 4, Status("VmData:") + Status("VmStk:"));
  CHECK(Status("VmExe:") > 0 && Status("VmPTE:") > 0);

  CHECK(ReadAll("/proc/self/coredump_filter") == 9);
  CHECK_INT(WriteText("/proc/self/coredump_filter", "0x7f"), 0);
  CHECK(ReadAll("/proc/self/coredump_filter") == 9 && strcmp(text, "0000007f\n") == 0);
  CHECK_INT(WriteText("/proc/self/coredump_filter", "none"), EINVAL);
  pid_t child = fork();
  if (child == 0) {
    ReadAll("/proc/self/coredump_filter");
    _exit(strcmp(text, "0000007f\n") == 0 ? 0 : 1);
  }
  CHECK_INT(WaitShell(child), 0);
  Ok("F14 auxv, statm, coredump_filter");

  CHECK(ReadAll("/proc/self/oom_score") > 0);
  long score = atol(text);
  CHECK_INT(WriteText("/proc/self/oom_score_adj", "300"), 0);
  CHECK(ReadAll("/proc/self/oom_score") > 0);
  CHECK(atol(text) - score > 190 && atol(text) - score <= 200);  // in thousandths of all pages
  CHECK_INT(WriteText("/proc/self/oom_score_adj", "1001"), EINVAL);
  long reads = Field("/proc/self/io", "syscr: ");
  CHECK(Field("/proc/self/io", "syscr: ") > reads);
  CHECK(strstr(text, "cancelled_write_bytes: ") != NULL);
  Ok("oom_score, io");
}

int main(void) {
  Peaks();
  Kinds();
  Shares();
  PagemapBits();
  OtherFiles();
  return Finish();
}
