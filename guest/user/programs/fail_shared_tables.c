// SPDX-License-Identifier: Apache-2.0
//
// Memory that a living child shares, changed with every allocation of the kernel failing in turn:
// where fork lets page tables be shared (strategy ondemand), each of these calls has to get a table
// of its own first, and what it refuses is as it was. See guest/user/lib/fail.h.
#include <sys/uio.h>

#include "guest/user/lib/fail.h"
#include "guest/user/lib/memory.h"

// At least one whole page table, and half of the one behind it. Every table has enough pages to be
// worth sharing (docs/memory.md).
enum { kPages = 1280, kTable = 512, kSpread = 6, kSeed = 7 };

static unsigned char* memory;
static unsigned char* whole;  // where a page table begins
static Baton end;

static size_t Bad(void) {
  size_t bad = 0;
  for (int i = 0; i < kPages; i += kSpread) {
    bad += BadPages(memory + (size_t)i * kPage, 1, kSeed);
  }
  return bad;
}

static void Prepare(void) {
  if (memory != NULL) return;
  end = MakeBaton();
  memory = Pages(kPages);
  uintptr_t span = (uintptr_t)kTable * kPage;
  whole = (unsigned char*)(((uintptr_t)memory + span - 1) / span * span);
  for (int i = 0; i < kPages; i += kSpread) FillPages(memory + (size_t)i * kPage, 1, kSeed);
}

// `change` in a process whose memory a child of it has too. Both find what was there unless the
// change says otherwise by itself.
static long (*tested)(void);
static long Between(void) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    fv_failures = 0;
    Take(&end);
    CHECK_INT(Bad(), 0);
    _exit(ChildResult());
  }
  long result = tested();
  if (result < 0) CHECK_INT(Bad(), 0);
  Give(&end);
  int saved = fv_fail_errno;
  CHECK_INT(WaitShell(child), 0);
  fv_fail_errno = saved;
  return result;
}
// In a child of its own, whose memory is gone with it.
static long Shared(long (*change)(void)) {
  tested = change;
  return InChild(Between);
}

static long DoFork(void) {
  long pid = FAILING(fork());
  if (pid == 0) _exit(Bad() != 0);
  if (pid > 0) CHECK_INT(WaitShell((pid_t)pid), 0);
  return pid;
}
static long DoProtectPage(void) { return FAILING(mprotect(whole + kPage, kPage, PROT_READ)); }
static long DoProtectTable(void) {
  return FAILING(mprotect(whole, (size_t)kTable * kPage, PROT_READ));
}
static long DoProtectAll(void) {
  return FAILING(mprotect(memory + kPage, (size_t)(kPages - 2) * kPage, PROT_READ));
}
static long DoUnmapPage(void) { return FAILING(munmap(whole + kPage, kPage)); }
static long DoUnmapAcross(void) {
  return FAILING(munmap(whole + kTable / 2 * kPage, (size_t)kTable * kPage));
}
static long DoUnmapAll(void) { return FAILING(munmap(memory, (size_t)kPages * kPage)); }
static long DoMapOver(void) {
  return FAILING((long)mmap(whole + kPage, kPage, PROT_READ,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)) == -1
             ? -1
             : 0;
}
static long DoDiscard(void) {
  return FAILING(madvise(whole + kPage, (size_t)(kTable - 2) * kPage, MADV_DONTNEED));
}
static long DoFree(void) { return FAILING(madvise(whole, (size_t)kTable * kPage, MADV_FREE)); }
static long DoWipe(void) { return FAILING(madvise(whole + kPage, kPage, MADV_WIPEONFORK)); }
static long DoLock(void) { return FAILING(mlock(whole + kPage, 4 * kPage)); }
static long DoMove(void) {
  long moved = FAILING(
      (long)mremap(whole, (size_t)kTable * kPage, (size_t)(kTable + 8) * kPage, MREMAP_MAYMOVE));
  return moved == -1 ? -1 : 0;
}
static long DoMovePart(void) {
  long moved = FAILING((long)mremap(whole + kPage, 3 * kPage, 6 * kPage, MREMAP_MAYMOVE));
  return moved == -1 ? -1 : 0;
}
static long DoKernelWrite(void) {
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  CHECK_INT(write(ends[1], "x", 1), 1);
  return FAILING(read(ends[0], whole + 2 * kPage, 1));
}
static long DoWriteOther(void) {
  struct iovec from = {memory, kPage}, to = {whole + 2 * kPage, kPage};
  return FAILING(process_vm_writev(getpid(), &from, 1, &to, 1, 0));
}
// A fault without memory is tried again: it succeeds.
static long DoTouch(void) {
  FailBegin();
  for (int i = 0; i < kPages; i += 17 * kSpread) {
    memory[(size_t)i * kPage + 8] = 1;    // shared
    memory[(size_t)(i + 1) * kPage] = 1;  // not there yet
  }
  return FailEnd(0);
}
static void ExitsMeanwhile(void) {
  FailBegin();
  _exit(0);
}
static long DoExit(void) {
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) ExitsMeanwhile();
  return FailEnd(WaitShell(pid));
}

static long ForkAgain(void) { return Shared(DoFork); }
static long ProtectPage(void) { return Shared(DoProtectPage); }
static long ProtectTable(void) { return Shared(DoProtectTable); }
static long ProtectAll(void) { return Shared(DoProtectAll); }
static long UnmapPage(void) { return Shared(DoUnmapPage); }
static long UnmapAcross(void) { return Shared(DoUnmapAcross); }
static long UnmapAll(void) { return Shared(DoUnmapAll); }
static long MapOver(void) { return Shared(DoMapOver); }
static long Discard(void) { return Shared(DoDiscard); }
static long Free(void) { return Shared(DoFree); }
static long Wipe(void) { return Shared(DoWipe); }
static long Lock(void) { return Shared(DoLock); }
static long Move(void) { return Shared(DoMove); }
static long MovePart(void) { return Shared(DoMovePart); }
static long KernelWrite(void) { return Shared(DoKernelWrite); }
static long WriteOther(void) { return Shared(DoWriteOther); }
static long Touch(void) { return Shared(DoTouch); }
static long Exit(void) { return Shared(DoExit); }

static const FailCase kCases[] = {
    {"shared_fork", ForkAgain, Prepare, {ENOMEM}},
    {"shared_mprotect_page", ProtectPage, Prepare, {ENOMEM}},
    {"shared_mprotect_table", ProtectTable, Prepare, {ENOMEM}},
    {"shared_mprotect_all", ProtectAll, Prepare, {ENOMEM}},
    {"shared_munmap_page", UnmapPage, Prepare, {ENOMEM}},
    {"shared_munmap_across", UnmapAcross, Prepare, {ENOMEM}},
    {"shared_munmap_all", UnmapAll, Prepare, {ENOMEM}},
    {"shared_mmap_fixed", MapOver, Prepare, {ENOMEM}},
    {"shared_dontneed", Discard, Prepare, {ENOMEM}},
    {"shared_free", Free, Prepare, {ENOMEM}},
    {"shared_wipeonfork", Wipe, Prepare, {ENOMEM, EAGAIN}},
    {"shared_mlock", Lock, Prepare, {ENOMEM, EAGAIN}},
    {"shared_mremap", Move, Prepare, {ENOMEM}},
    {"shared_mremap_part", MovePart, Prepare, {ENOMEM}},
    {"shared_kernel_writes", KernelWrite, Prepare, {EFAULT}},
    {"shared_process_vm_writev", WriteOther, Prepare, {ENOMEM, EFAULT}},
    {"shared_touch", Touch, Prepare, {0}},
    {"shared_exit", Exit, Prepare, {0}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
