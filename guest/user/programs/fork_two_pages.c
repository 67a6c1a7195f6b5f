// SPDX-License-Identifier: Apache-2.0
//
// The program that docs/life-of-a-fork.md follows: two pages, of which the child writes the first
// and the parent then both. System calls by number, so that nothing else stands between the events.
// Rows of docs/fork-features.md: F61.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/user/lib/check.h"

enum { kPage = 4096 };

int main(void) {
  volatile char* pages = mmap((void*)0x10000000, 2 * kPage, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  CHECK(pages == (volatile char*)0x10000000);
  pages[0] = 'a';
  pages[kPage] = 'b';

  long pid = syscall(SYS_fork);
  CHECK(pid >= 0);
  if (pid == 0) {
    pages[0] = 'c';  // shared with the parent: copied
    _exit(pages[0] == 'c' && pages[kPage] == 'b' ? 7 : 1);
  }
  int status = -1;
  CHECK_INT(waitpid((pid_t)pid, &status, 0), pid);
  CHECK_INT(WEXITSTATUS(status), 7);
  CHECK_INT(pages[0], 'a');
  pages[0] = 'p';  // the child has gone: the frame is the parent's again, no copy
  pages[kPage] = 'q';
  CHECK_INT(pages[0], 'p');
  CHECK_INT(pages[kPage], 'q');
  Ok("two pages");
  return Finish();
}
