// SPDX-License-Identifier: Apache-2.0
//
// Canaries for stale translations: pages are used until the CPU remembers the way to them, then an
// operation takes a permission or the page away, and the next instruction tries again. Between the
// operation and the attempt there is no system call, so that nothing else flushes. Few pages and
// many: kernels flush the one page by page and the other as a whole.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kFew = 3, kMany = 80, kRounds = 4 };

static sigjmp_buf jump;

static void OnFault(int signal_number) { siglongjmp(jump, signal_number); }

// 0, or the signal that the access got. The signal mask is never touched.
static int Reads(const volatile unsigned char* address) {
  int signal_number = sigsetjmp(jump, 0);
  if (signal_number == 0) (void)*address;
  return signal_number;
}
static int Writes(volatile unsigned char* address, unsigned char byte) {
  int signal_number = sigsetjmp(jump, 0);
  if (signal_number == 0) *address = byte;
  return signal_number;
}
static int Calls(unsigned char* code) {
  int signal_number = sigsetjmp(jump, 0);
  if (signal_number == 0) ((void (*)(void))(uintptr_t)code)();
  return signal_number;
}

static unsigned char Mark(int page) { return (unsigned char)(page + 1); }

static void Warm(volatile unsigned char* pages, int count) {
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < count; ++i) pages[i * kPage] = Mark(i);
    for (int i = 0; i < count; ++i) CHECK_INT(pages[i * kPage], Mark(i));
  }
}

static unsigned char* WarmPages(int count) {
  unsigned char* pages = Pages((size_t)count);
  Warm(pages, count);
  return pages;
}

static void Drop(void* pages, int count) { CHECK_INT(munmap(pages, (size_t)count * kPage), 0); }

// How many pages do not hold `byte`, or their marks if it is 0.
static int Differ(const volatile unsigned char* pages, int count, unsigned char byte) {
  int differ = 0;
  for (int i = 0; i < count; ++i) differ += pages[i * kPage] != (byte != 0 ? byte : Mark(i));
  return differ;
}

// The parent goes on writing at once: with a stale translation, to the frame that the child has.
static void Forks(int count) {
  unsigned char* pages = WarmPages(count);
  Baton parent_wrote = MakeBaton();
  pid_t pid = fork();
  if (pid == 0) {
    Take(&parent_wrote);
    CHECK_INT(Differ(pages, count, 0), 0);
    for (int i = 0; i < count; ++i) pages[i * kPage] = 100;
    CHECK_INT(Differ(pages, count, 100), 0);
    _exit(ChildResult());
  }
  for (int i = 0; i < count; ++i) pages[i * kPage] = 200;
  CHECK_INT(Differ(pages, count, 200), 0);
  Give(&parent_wrote);
  CHECK_INT(WaitShell(pid), 0);
  CHECK_INT(Differ(pages, count, 200), 0);
  Drop(pages, count);
}

// Three generations; each warms what it got, forks, and writes before the next one looks.
static void Generations(int count) {
  unsigned char* pages = WarmPages(count);
  Baton first = MakeBaton();
  Baton second = MakeBaton();
  pid_t child = fork();
  if (child == 0) {
    CHECK_INT(Differ(pages, count, 0), 0);
    Warm(pages, count);
    pid_t grandchild = fork();
    if (grandchild == 0) {
      Take(&second);
      Take(&first);
      CHECK_INT(Differ(pages, count, 0), 0);
      _exit(ChildResult());
    }
    for (int i = 0; i < count; ++i) pages[i * kPage] = 101;
    Give(&second);
    CHECK_INT(WaitShell(grandchild), 0);
    CHECK_INT(Differ(pages, count, 101), 0);
    _exit(ChildResult());
  }
  for (int i = 0; i < count; ++i) pages[i * kPage] = 201;
  Give(&first);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(Differ(pages, count, 201), 0);
  Drop(pages, count);
}

static void ReadOnly(int count) {
  unsigned char* pages = WarmPages(count);
  CHECK_INT(mprotect(pages, (size_t)count * kPage, PROT_READ), 0);
  int refused = 0;
  for (int i = 0; i < count; ++i) refused += Writes(pages + i * kPage, 1) == SIGSEGV;
  CHECK_INT(refused, count);
  CHECK_INT(Differ(pages, count, 0), 0);
  Drop(pages, count);
}

static void NoAccess(int count) {
  unsigned char* pages = WarmPages(count);
  CHECK_INT(mprotect(pages, (size_t)count * kPage, PROT_NONE), 0);
  int refused = 0;
  for (int i = 0; i < count; ++i) refused += Reads(pages + i * kPage) == SIGSEGV;
  CHECK_INT(refused, count);
  Drop(pages, count);
}

static void NotExecutable(int count) {
  const size_t bytes = (size_t)count * kPage;
  unsigned char* code = Pages((size_t)count);
  memset(code, 0xC3, bytes);  // ret
  CHECK_INT(mprotect(code, bytes, PROT_READ | PROT_EXEC), 0);
  int called = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < count; ++i) called += Calls(code + i * kPage) == 0;
  }
  CHECK_INT(called, kRounds * count);
  CHECK_INT(mprotect(code, bytes, PROT_READ), 0);
  int refused = 0;
  for (int i = 0; i < count; ++i) refused += Calls(code + i * kPage) == SIGSEGV;
  CHECK_INT(refused, count);
  Drop(code, count);
}

static void Unmapped(int count) {
  unsigned char* pages = WarmPages(count);
  Drop(pages, count);
  int refused = 0;
  for (int i = 0; i < count; ++i) refused += Reads(pages + i * kPage) == SIGSEGV;
  CHECK_INT(refused, count);
}

static void Moved(int count) {
  const size_t bytes = (size_t)count * kPage;
  unsigned char* target = Pages((size_t)count);
  unsigned char* pages = WarmPages(count);
  CHECK(mremap(pages, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
  int refused = 0;
  for (int i = 0; i < count; ++i) refused += Writes(pages + i * kPage, 9) == SIGSEGV;
  CHECK_INT(refused, count);
  CHECK_INT(Differ(target, count, 0), 0);
  Drop(target, count);
}

static void Discarded(int count) {
  unsigned char* pages = WarmPages(count);
  CHECK_INT(madvise(pages, (size_t)count * kPage, MADV_DONTNEED), 0);
  int zero = 0;
  for (int i = 0; i < count; ++i) zero += pages[i * kPage] == 0;
  CHECK_INT(zero, count);
  Drop(pages, count);
}

static void Replaced(int count) {
  unsigned char* pages = WarmPages(count);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  CHECK(mmap(pages, (size_t)count * kPage, PROT_READ | PROT_WRITE, flags, -1, 0) == pages);
  int zero = 0;
  for (int i = 0; i < count; ++i) zero += pages[i * kPage] == 0;
  CHECK_INT(zero, count);
  Drop(pages, count);
}

// A page that was read is the zero page; the first write gives it a frame, which must be seen.
static void Written(volatile unsigned char* pages, int count, unsigned char first) {
  for (int round = 0; round < kRounds; ++round) {
    int as_before = 0;
    for (int i = 0; i < count; ++i) as_before += pages[i * kPage] == first;
    CHECK_INT(as_before, count);
  }
  int seen = 0;
  for (int i = 0; i < count; ++i) {
    pages[i * kPage] = Mark(i);
    seen += pages[i * kPage] == Mark(i);
  }
  CHECK_INT(seen, count);
}

static void ZeroPages(int count) {
  unsigned char* pages = Pages((size_t)count);
  Written(pages, count, 0);
  Drop(pages, count);
}

static int SameFile(int count) {
  int fd = TempFile(0);
  char page[kPage];
  memset(page, 'f', sizeof(page));
  for (int i = 0; i < count; ++i) CHECK(write(fd, page, sizeof(page)) == (ssize_t)sizeof(page));
  return fd;
}

static void FilePages(int count) {
  int fd = SameFile(count);
  const size_t bytes = (size_t)count * kPage;
  unsigned char* pages =
      (unsigned char*)mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  Written(pages, count, 'f');
  Drop(pages, count);
  close(fd);
}

static void Truncated(int count) {
  int fd = SameFile(count);
  const size_t bytes = (size_t)count * kPage;
  unsigned char* pages =
      (unsigned char*)mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  Warm(pages, count);
  CHECK_INT(ftruncate(fd, 0), 0);
  int refused = 0;
  for (int i = 0; i < count; ++i) refused += Reads(pages + i * kPage) == SIGBUS;
  CHECK_INT(refused, count);
  Drop(pages, count);
  close(fd);
}

static void Sing(const char* name, void (*canary)(int)) {
  canary(kFew);
  canary(kMany);
  Ok(name);
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = OnFault;
  action.sa_flags = SA_NODEFER;
  CHECK_INT(sigaction(SIGSEGV, &action, NULL), 0);
  CHECK_INT(sigaction(SIGBUS, &action, NULL), 0);
  Sing("fork", Forks);
  Sing("generations", Generations);
  Sing("mprotect read-only", ReadOnly);
  Sing("mprotect none", NoAccess);
  Sing("mprotect not executable", NotExecutable);
  Sing("munmap", Unmapped);
  Sing("mremap", Moved);
  Sing("madvise dontneed", Discarded);
  Sing("mmap over", Replaced);
  Sing("zero pages written", ZeroPages);
  Sing("file pages written", FilePages);
  Sing("ftruncate", Truncated);
  return Finish();
}
