// SPDX-License-Identifier: Apache-2.0
//
// Core files: which signals dump core, what RLIMIT_CORE, dumpable and coredump_filter allow, the
// flag in the wait status, and what the file holds: registers, mappings, memory, files, threads.
// Rows of docs/fork-features.md: F14, F87. Where this Linux sends cores elsewhere (core_pattern) or
// has a hard limit, there is nothing to look at, and nothing is.
#include <elf.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/user.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static char directory[] = "/tmp/fv_coreXXXXXX";
static unsigned char* kept;      // a page with a pattern
static unsigned char* left_out;  // one under MADV_DONTDUMP
static uint64_t core_limit = RLIM_INFINITY;
static int dumpable = 1;

static bool CoresComeHere(void) {
  char pattern[64] = "";
  int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
  CHECK(read(fd, pattern, sizeof(pattern) - 1) > 0);
  close(fd);
  char uses_pid = 0;
  fd = open("/proc/sys/kernel/core_uses_pid", O_RDONLY);
  CHECK(read(fd, &uses_pid, 1) == 1);
  close(fd);
  struct rlimit limit;
  CHECK_INT(getrlimit(RLIMIT_CORE, &limit), 0);
  return strcmp(pattern, "core\n") == 0 && uses_pid == '0' && limit.rlim_max == RLIM_INFINITY;
}

static void SetFilter(const char* text) {
  int fd = open("/proc/self/coredump_filter", O_WRONLY);
  CHECK_INT(write(fd, text, strlen(text)), strlen(text));
  close(fd);
}

static void ExpectFilter(const char* want) {
  char text[32] = "";
  int fd = open("/proc/self/coredump_filter", O_RDONLY);
  CHECK(read(fd, text, sizeof(text) - 1) > 0);
  close(fd);
  CHECK(strcmp(text, want) == 0);
}

static void Die(void* signal_number) {
  struct rlimit limit = {core_limit, RLIM_INFINITY};
  CHECK_INT(setrlimit(RLIMIT_CORE, &limit), 0);
  CHECK_INT(prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0), 0);
  kill(getpid(), (int)(long)signal_number);
  pause();
}

// The status of a child that died of the signal; whether a file is there now.
static bool Dumps(int signal_number, bool* file) {
  unlink("core");
  int status = Wait(Fork(Die, (void*)(long)signal_number));
  CHECK(WIFSIGNALED(status));
  CHECK_INT(WTERMSIG(status), signal_number);
  *file = access("core", F_OK) == 0;
  return WCOREDUMP(status);
}

static void WhichSignals(void) {
  static const int kDump[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE,
                              SIGSEGV, SIGBUS, SIGSYS,  SIGXCPU, SIGXFSZ};
  static const int kQuiet[] = {SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1};
  bool file;
  for (size_t i = 0; i < sizeof(kDump) / sizeof(int); ++i) {
    CHECK_INT(Dumps(kDump[i], &file), 1);
    CHECK(file);
  }
  for (size_t i = 0; i < sizeof(kQuiet) / sizeof(int); ++i) {
    CHECK_INT(Dumps(kQuiet[i], &file), 0);
    CHECK(!file);
  }
  Ok("signals");
}

static void WhatForbids(void) {
  bool file;
  core_limit = 0;
  CHECK_INT(Dumps(SIGABRT, &file), 0);
  CHECK(!file);
  core_limit = 4095;
  CHECK_INT(Dumps(SIGABRT, &file), 0);
  CHECK(!file);
  core_limit = 8192;  // begun, and cut: that counts as dumped
  CHECK_INT(Dumps(SIGABRT, &file), 1);
  struct stat status;
  CHECK_INT(stat("core", &status), 0);
  CHECK(status.st_size <= 8192);
  core_limit = RLIM_INFINITY;
  dumpable = 0;
  CHECK_INT(Dumps(SIGABRT, &file), 0);
  CHECK(!file);
  dumpable = 1;
  CHECK_INT(chmod(".", 0500), 0);
  if (geteuid() != 0) CHECK_INT(Dumps(SIGABRT, &file), 0);
  CHECK_INT(chmod(".", 0700), 0);
  Ok("forbidden");
}

typedef struct {
  unsigned char* bytes;
  size_t size;
} Core;

static Core ReadCore(void) {
  int fd = open("core", O_RDONLY);
  struct stat status;
  CHECK_INT(fstat(fd, &status), 0);
  CHECK_INT(status.st_mode, S_IFREG | 0600);
  Core core = {NULL, (size_t)status.st_size};
  core.bytes = mmap(NULL, core.size, PROT_READ, MAP_PRIVATE, fd, 0);
  CHECK(core.bytes != MAP_FAILED);
  close(fd);
  Elf64_Ehdr* header = (Elf64_Ehdr*)core.bytes;
  CHECK(memcmp(header->e_ident, ELFMAG, SELFMAG) == 0);
  CHECK_INT(header->e_type, ET_CORE);
  CHECK_INT(header->e_machine, EM_X86_64);
  return core;
}

// The segment that contains an address, or NULL.
static const Elf64_Phdr* SegmentAt(Core core, const void* address) {
  const Elf64_Ehdr* header = (const Elf64_Ehdr*)core.bytes;
  const Elf64_Phdr* segments = (const Elf64_Phdr*)(core.bytes + header->e_phoff);
  for (int i = 0; i < header->e_phnum; ++i) {
    uintptr_t offset = (uintptr_t)address - segments[i].p_vaddr;
    if (segments[i].p_type == PT_LOAD && offset < segments[i].p_memsz) {
      CHECK(segments[i].p_offset + segments[i].p_filesz <= core.size);
      return &segments[i];
    }
  }
  return NULL;
}

// What the core holds for an address, or NULL.
static const unsigned char* MemoryAt(Core core, const void* address) {
  const Elf64_Phdr* segment = SegmentAt(core, address);
  uintptr_t offset = segment ? (uintptr_t)address - segment->p_vaddr : 0;
  return segment && offset < segment->p_filesz ? core.bytes + segment->p_offset + offset : NULL;
}

// The `index`-th note of a type; its size if `size` is given.
static const void* Note(Core core, uint32_t type, int index, size_t* size) {
  const Elf64_Ehdr* header = (const Elf64_Ehdr*)core.bytes;
  const Elf64_Phdr* notes = (const Elf64_Phdr*)(core.bytes + header->e_phoff);
  CHECK_INT(notes->p_type, PT_NOTE);
  const unsigned char* at = core.bytes + notes->p_offset;
  const unsigned char* end = at + notes->p_filesz;
  while (at < end) {
    const Elf64_Nhdr* note = (const Elf64_Nhdr*)at;
    at += sizeof(*note) + ((note->n_namesz + 3) & ~3u);
    if (note->n_type == type && index-- == 0) {
      if (size) *size = note->n_descsz;
      return at;
    }
    at += (note->n_descsz + 3) & ~3u;
  }
  return NULL;
}

static void Crash(void* unused) {
  (void)unused;
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  CHECK_INT(setrlimit(RLIMIT_CORE, &limit), 0);
  __asm__ volatile("mov $0x1234567, %%r13; mov $0x40, %%r14; movl $1, (%%r14)" ::: "r13", "r14");
}

static void Contents(void) {
  unlink("core");
  pid_t pid = Fork(Crash, NULL);
  int status = Wait(pid);
  CHECK_INT(WTERMSIG(status), SIGSEGV);
  CHECK(WCOREDUMP(status));
  Core core = ReadCore();

  size_t size = 0;
  const struct elf_prstatus* thread = Note(core, NT_PRSTATUS, 0, &size);
  CHECK_INT(size, sizeof(*thread));
  CHECK_INT(thread->pr_pid, pid);
  CHECK_INT(thread->pr_ppid, getpid());
  CHECK_INT(thread->pr_cursig, SIGSEGV);
  CHECK_INT(thread->pr_fpvalid, 1);
  struct user_regs_struct registers;
  memcpy(&registers, thread->pr_reg, sizeof(registers));
  CHECK_INT(registers.r13, 0x1234567);
  CHECK_INT(registers.cs, 0x33);
  const unsigned char* code = MemoryAt(core, (void*)registers.rip);
  if (code) CHECK(memcmp(code, (void*)registers.rip, 8) == 0);
  const unsigned char* top = MemoryAt(core, (void*)registers.rsp);
  CHECK(top != NULL);
  CHECK(Note(core, NT_PRSTATUS, 1, NULL) == NULL);

  const struct elf_prpsinfo* process = Note(core, NT_PRPSINFO, 0, &size);
  CHECK_INT(size, sizeof(*process));
  CHECK_INT(process->pr_pid, pid);
  CHECK_INT(process->pr_sname, 'R');
  CHECK(strncmp(process->pr_fname, "core_dump", 9) == 0);
  const siginfo_t* info = Note(core, NT_SIGINFO, 0, &size);
  CHECK_INT(size, sizeof(*info));
  CHECK_INT(info->si_signo, SIGSEGV);
  CHECK(info->si_addr == (void*)0x40);
  const Elf64_auxv_t* auxiliary = Note(core, NT_AUXV, 0, &size);
  CHECK(size >= 10 * sizeof(*auxiliary));
  CHECK_INT(auxiliary[size / sizeof(*auxiliary) - 1].a_type, AT_NULL);
  const long* files = Note(core, NT_FILE, 0, &size);
  CHECK(files[0] >= 1 && files[1] == kPage);
  CHECK(memmem(files, size, "core_dump", 9) != NULL);
  CHECK(Note(core, NT_FPREGSET, 0, &size) != NULL && size == 512);

  CHECK_INT(BadPages((unsigned char*)MemoryAt(core, kept), 1, 7), 0);
  CHECK(SegmentAt(core, left_out) != NULL && MemoryAt(core, left_out) == NULL);
  CHECK_INT(SegmentAt(core, kept)->p_flags, PF_R | PF_W);
  CHECK_INT(munmap(core.bytes, core.size), 0);
  Ok("contents");
}

static void* Sleeper(void* ready) {
  Give((Baton*)ready);
  while (pause() == -1) continue;
  return NULL;
}

static void CrashWithThreads(void* unused) {
  Baton ready = MakeBaton();
  pthread_t thread;
  for (int i = 0; i < 2; ++i) CHECK_INT(pthread_create(&thread, NULL, Sleeper, &ready), 0);
  for (int i = 0; i < 2; ++i) Take(&ready);
  Crash(unused);
}

static void Threads(void) {
  unlink("core");
  pid_t pid = Fork(CrashWithThreads, NULL);
  CHECK(WCOREDUMP(Wait(pid)));
  Core core = ReadCore();
  const struct elf_prstatus* first = Note(core, NT_PRSTATUS, 0, NULL);
  CHECK_INT(first->pr_pid, pid);
  for (int i = 1; i < 3; ++i) {
    const struct elf_prstatus* other = Note(core, NT_PRSTATUS, i, NULL);
    CHECK(other != NULL && other->pr_pid > pid);
    CHECK(other != NULL && MemoryAt(core, (void*)other->pr_reg[19]) != NULL);  // its stack
  }
  CHECK(Note(core, NT_PRSTATUS, 3, NULL) == NULL);
  CHECK_INT(munmap(core.bytes, core.size), 0);
  Ok("threads");
}

static void CrashUnderFilter(void* filter) {
  SetFilter((const char*)filter);
  Crash(NULL);
}

static void Filter(void) {
  ExpectFilter("00000033\n");
  unlink("core");
  CHECK(WCOREDUMP(Wait(Fork(CrashUnderFilter, "0x10\n"))));
  Core core = ReadCore();
  CHECK(MemoryAt(core, kept) == NULL);
  CHECK(core.size < 64 * 1024);
  CHECK_INT(munmap(core.bytes, core.size), 0);
  ExpectFilter("00000033\n");  // a process's own
  SetFilter("23");
  ExpectFilter("00000017\n");
  int fd = open("/proc/self/coredump_filter", O_WRONLY);
  CHECK_ERR(write(fd, "many", 4), EINVAL);
  close(fd);
  Ok("filter");
}

static char self[512];

static void SeesFilter(void* unused) {
  (void)unused;
  ExpectFilter("00000017\n");
}

static void ExecsAgain(void* unused) {
  (void)unused;
  char* arguments[] = {self, "again", NULL};
  execv(self, arguments);
  _exit(98);
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) {  // executed
    SeesFilter(NULL);
    return Finish();
  }
  SetFilter("0x33");  // some parents change it
  CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
  kept = Pages(1);
  FillPages(kept, 1, 7);
  left_out = Pages(1);
  FillPages(left_out, 1, 9);
  CHECK_INT(madvise(left_out, kPage, MADV_DONTDUMP), 0);
  CHECK(mkdtemp(directory) != NULL && chdir(directory) == 0);
  if (CoresComeHere()) {
    WhichSignals();
    WhatForbids();
    Contents();
    Threads();
    Filter();
  } else {
    SetFilter("23");
    Say("ok signals\nok forbidden\nok contents\nok threads\nok filter");
  }
  CHECK_INT(RunChild(SeesFilter, NULL), 0);
  CHECK_INT(RunChild(ExecsAgain, NULL), 0);
  Ok("inherited");
  unlink("core");
  CHECK(chdir("/") == 0 && rmdir(directory) == 0);
  return Finish();
}
