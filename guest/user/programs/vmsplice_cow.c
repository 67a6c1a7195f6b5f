// SPDX-License-Identifier: Apache-2.0
//
// F62, F99: pages in a pipe's hands over fork and copy-on-write. The scenario of CVE-2020-29374: a
// child gives a page that it shares with its parent to a pipe and unmaps it; what the parent writes
// to the page afterwards must not come out of the pipe. And the other way round; vmsplice's counts
// and errors; process_vm_writev into a shared page; a page pinned more often than can be counted.
#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static ssize_t Splice(int fd, void* from, size_t bytes, unsigned flags) {
  struct iovec piece = {from, bytes};
  return vmsplice(fd, &piece, 1, flags);
}

static unsigned char* page;
static int pipe_fds[2];
static Baton spliced, written;

static void ChildKeepsThePage(void* flags) {
  CHECK_INT(Splice(pipe_fds[1], page, kPage, (unsigned)(uintptr_t)flags), kPage);
  CHECK_INT(munmap(page, kPage), 0);
  Give(&spliced);
  Take(&written);
  unsigned char copy[kPage];
  CHECK_INT(read(pipe_fds[0], copy, kPage), kPage);
  CHECK_INT(copy[0], 'o');
  CHECK_INT(copy[kPage - 1], 'o');
}

static void ParentsSecretStaysSecret(unsigned flags) {
  page = Pages(1);
  memset(page, 'o', kPage);
  CHECK_INT(pipe(pipe_fds), 0);
  spliced = MakeBaton();
  written = MakeBaton();
  pid_t child = Fork(ChildKeepsThePage, (void*)(uintptr_t)flags);
  Take(&spliced);
  memset(page, 's', kPage);
  Give(&written);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(page[0], 's');
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  CHECK_INT(munmap(page, kPage), 0);
  DropBaton(&spliced);
  DropBaton(&written);
}

static void ChildWrites(void* unused) {
  (void)unused;
  memset(page, 'c', kPage);
}

static void ParentsPipeKeepsItsContent(void) {
  page = Pages(1);
  memset(page, 'o', kPage);
  CHECK_INT(pipe(pipe_fds), 0);
  CHECK_INT(Splice(pipe_fds[1], page, kPage, 0), kPage);
  CHECK_INT(RunChild(ChildWrites, NULL), 0);
  char copy[kPage];
  CHECK_INT(read(pipe_fds[0], copy, kPage), kPage);
  CHECK_INT(copy[0], 'o');
  CHECK_INT(page[0], 'o');
  // Over a fork in between, a page in the pipe is not taken over by the one who writes.
  CHECK_INT(Splice(pipe_fds[1], page, kPage, 0), kPage);
  CHECK_INT(RunChild(ChildWrites, NULL), 0);
  memset(page, 'p', kPage);
  CHECK_INT(read(pipe_fds[0], copy, kPage), kPage);
  CHECK_INT(copy[7], 'o');
  // Without a fork the pipe has the page itself.
  CHECK_INT(Splice(pipe_fds[1], page, kPage, 0), kPage);
  page[7] = 'n';
  CHECK_INT(read(pipe_fds[0], copy, kPage), kPage);
  CHECK_INT(copy[7], 'n');
  CHECK_INT(munmap(page, kPage), 0);
  Ok("F62 F99 the pipe keeps its content");
}

static void CountsAndErrors(void) {
  unsigned char* many = Pages(20);
  FillPages(many, 20, 1);
  CHECK_INT(Splice(pipe_fds[1], many, 20 * kPage, 0), 16 * kPage);
  CHECK_ERR(Splice(pipe_fds[1], many, kPage, SPLICE_F_NONBLOCK), EAGAIN);
  unsigned char* back = Pages(20);
  CHECK_INT(read(pipe_fds[0], back, 20 * kPage), 16 * kPage);
  CHECK_INT(BadPages(back, 16, 1), 0);
  // Pieces that straddle pages take a slot each.
  CHECK_INT(Splice(pipe_fds[1], many + kPage - 100, 200, 0), 200);
  CHECK_INT(write(pipe_fds[1], "tail", 4), 4);
  CHECK_INT(read(pipe_fds[0], back, kPage), 204);
  CHECK(memcmp(back, many + kPage - 100, 200) == 0 && memcmp(back + 200, "tail", 4) == 0);
  CHECK_INT(munmap(many + 2 * kPage, kPage), 0);
  CHECK_INT(Splice(pipe_fds[1], many, 4 * kPage, 0), 2 * kPage);
  CHECK_ERR(Splice(pipe_fds[1], many + 2 * kPage, kPage, 0), EFAULT);
  CHECK_INT(read(pipe_fds[0], back, 4 * kPage), 2 * kPage);
  CHECK_ERR(Splice(pipe_fds[1], many, kPage, 0x100), EINVAL);
  CHECK_INT(Splice(pipe_fds[1], many, 0, 0), 0);
  unsigned char* fresh = Pages(1);  // the zero frame
  CHECK_INT(Splice(pipe_fds[1], fresh, 100, 0), 100);
  fresh[0] = 1;
  CHECK_INT(read(pipe_fds[0], back, kPage), 100);
  CHECK_INT(back[0], 0);
  close(pipe_fds[0]);
  Handle(SIGPIPE, SIG_IGN, 0);
  CHECK_ERR(Splice(pipe_fds[1], many, kPage, 0), EPIPE);
  close(pipe_fds[1]);
  CHECK_INT(munmap(many, 20 * kPage), 0);
  Ok("vmsplice counts, errors");
}

// One page in 66,560 slots: a kernel whose count is narrower copies the rest.
static void PinnedOften(void) {
  enum { kPipes = 260, kSlots = 256 };
  static int fds[kPipes][2];
  static struct iovec pieces[kSlots];
  page = Pages(1);
  memset(page, 'x', kPage);
  for (int i = 0; i < kSlots; ++i) pieces[i] = (struct iovec){page + i, 1};
  int made = 0;
  int whole = 1;
  for (; made < kPipes && pipe(fds[made]) == 0; ++made) {
    whole = whole && fcntl(fds[made][1], F_SETPIPE_SZ, kSlots * kPage) == kSlots * kPage;
    ssize_t n = vmsplice(fds[made][1], pieces, kSlots, SPLICE_F_NONBLOCK);
    CHECK(whole ? n == kSlots : n > 0);
  }
  CHECK(made > 100);
  char copy[kSlots];
  for (int i = 0; i < made; ++i) {
    ssize_t n = read(fds[i][0], copy, sizeof(copy));
    CHECK(n > 0 && copy[0] == 'x' && copy[n - 1] == 'x');
    close(fds[i][0]);
    close(fds[i][1]);
  }
  page[0] = 'y';
  CHECK_INT(munmap(page, kPage), 0);
  Ok("pinned often");
}

static void WritesToParent(void* parent) {
  char text[] = "new";
  struct iovec local = {text, sizeof(text)};
  struct iovec remote = {page, sizeof(text)};
  CHECK_INT(process_vm_writev((pid_t)(intptr_t)parent, &local, 1, &remote, 1, 0), sizeof(text));
  CHECK(strcmp((char*)page, "old") == 0);
}

static void ForeignWrite(void) {
  page = Pages(1);
  strcpy((char*)page, "old");
  CHECK_INT(RunChild(WritesToParent, (void*)(intptr_t)getpid()), 0);
  CHECK(strcmp((char*)page, "new") == 0);
  CHECK_INT(munmap(page, kPage), 0);
  Ok("F62 process_vm_writev");
}

static volatile int stop;
static void* ForksOften(void* unused) {
  (void)unused;
  for (int i = 0; i < 20; ++i) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (WaitShell(child) != 0) return (void*)1;
  }
  stop = 1;
  return NULL;
}

// read(2) into a page that the other thread's fork makes copy-on-write each time.
static void ReadsWhileForking(void) {
  page = Pages(1);
  CHECK_INT(pipe(pipe_fds), 0);
  pthread_t thread;
  CHECK_INT(pthread_create(&thread, NULL, ForksOften, NULL), 0);
  unsigned rounds = 0;
  do {
    unsigned char byte = (unsigned char)(++rounds % 251);
    CHECK_INT(write(pipe_fds[1], &byte, 1), 1);
    CHECK_INT(read(pipe_fds[0], page + rounds % kPage, 1), 1);
    if (page[rounds % kPage] != byte) {
      CHECK_INT(page[rounds % kPage], byte);
      break;
    }
    sched_yield();
  } while (!stop);
  void* result = NULL;
  CHECK_INT(pthread_join(thread, &result), 0);
  CHECK(result == NULL);
  Ok("F62 read while another thread forks");
}

int main(void) {
  ParentsSecretStaysSecret(0);
  ParentsSecretStaysSecret(SPLICE_F_GIFT);
  Ok("F62 F99 CVE-2020-29374");
  ParentsPipeKeepsItsContent();
  CountsAndErrors();
  PinnedOften();
  ForeignWrite();
  ReadsWhileForking();
  return Finish();
}
