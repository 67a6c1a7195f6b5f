// SPDX-License-Identifier: Apache-2.0
//
// madvise: DONTNEED drops pages, DONTFORK leaves them out of the child, WIPEONFORK gives it zeros,
// and their opposites; FREE; what is refused.
// Rows of docs/fork-features.md: F52 F53 F98.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static unsigned char* memory;

static void DontNeed(void) {
  FillPages(memory, 8, 1);
  CHECK_INT(madvise(memory + 2 * kPage, 2 * kPage, MADV_DONTNEED), 0);
  CHECK_INT(BadPages(memory, 2, 1), 0);
  for (int i = 0; i < 2 * kPage; i += 100) CHECK_INT(memory[2 * kPage + i], 0);
  memory[2 * kPage] = 9;
  CHECK_INT(memory[2 * kPage], 9);
  int fd = TempFile(1);
  unsigned char* file = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  file[0] = 'X';
  CHECK_INT(madvise(file, kPage, MADV_DONTNEED), 0);
  CHECK_INT(file[0], 'a');  // the file again
  unsigned char* shared = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  shared[1] = 'Y';
  CHECK_INT(madvise(shared, kPage, MADV_DONTNEED), 0);
  CHECK_INT(shared[1], 'Y');
  CHECK_INT(madvise(memory, 8 * kPage, MADV_FREE), 0);
  memory[0] = 3;
  CHECK_INT(memory[0], 3);
  Ok("DONTNEED, FREE");
}

static void ChildLooks(void* unused) {
  (void)unused;
  CHECK_INT(memory[0], 10);
  CHECK_INT(ProbeRead(memory + 2 * kPage), -SIGSEGV);
  CHECK_INT(ProbeRead(memory + 3 * kPage), -SIGSEGV);
  CHECK_INT(memory[4 * kPage], 0);
  CHECK_INT(memory[5 * kPage], 0);
  memory[4 * kPage] = 99;
  CHECK_INT(memory[6 * kPage], 16);
  // WIPEONFORK is inherited, DONTFORK has nothing to inherit.
  if (fork() == 0) {
    CHECK_INT(memory[4 * kPage], 0);
    _exit(ChildResult());
  }
  int status;
  wait(&status);
  CHECK_INT(ShellStatus(status), 0);
}

static void AllThere(void* unused) {
  (void)unused;
  for (int i = 0; i < 8; ++i) CHECK_INT(memory[i * kPage], 10 + i);
}

static void Forks(void) {
  for (int i = 0; i < 8; ++i) memory[i * kPage] = (unsigned char)(10 + i);
  CHECK_INT(madvise(memory + 2 * kPage, 2 * kPage, MADV_DONTFORK), 0);
  CHECK_INT(madvise(memory + 4 * kPage, 2 * kPage, MADV_WIPEONFORK), 0);
  CHECK_INT(RunChild(ChildLooks, NULL), 0);
  for (int i = 0; i < 8; ++i) CHECK_INT(memory[i * kPage], 10 + i);
  Ok("DONTFORK, WIPEONFORK");
  CHECK_INT(madvise(memory + 2 * kPage, 2 * kPage, MADV_DOFORK), 0);
  CHECK_INT(madvise(memory + 4 * kPage, 2 * kPage, MADV_KEEPONFORK), 0);
  CHECK_INT(RunChild(AllThere, NULL), 0);
  Ok("DOFORK, KEEPONFORK");
}

static void DropsInChild(void* unused) {
  (void)unused;
  CHECK_INT(madvise(memory, 8 * kPage, MADV_DONTNEED), 0);
  for (int i = 0; i < 8; ++i) CHECK_INT(memory[i * kPage], 0);
}

static void Refused(void) {
  CHECK_ERR(madvise(memory + 1, kPage, MADV_DONTNEED), EINVAL);
  CHECK_ERR(madvise(memory, kPage, 12345), EINVAL);
  CHECK_INT(madvise(memory, 0, MADV_DONTNEED), 0);
  CHECK_INT(munmap(memory + 4 * kPage, kPage), 0);
  memory[6 * kPage] = 1;
  CHECK_ERR(madvise(memory, 8 * kPage, MADV_DONTNEED), ENOMEM);
  CHECK_INT(memory[6 * kPage], 0);  // done on both sides of the hole all the same
  void* shared = SharedMemory(kPage);
  CHECK_ERR(madvise(shared, kPage, MADV_WIPEONFORK), EINVAL);
  CHECK_ERR(madvise(shared, kPage, MADV_FREE), EINVAL);
  Ok("refused");
}

int main(void) {
  memory = Pages(8);
  DontNeed();
  Forks();
  CHECK_INT(RunChild(DropsInChild, NULL), 0);
  AllThere(NULL);
  Ok("dropped in a child");
  Refused();
  return Finish();
}
