// SPDX-License-Identifier: Apache-2.0
//
// Truncation under mappings: pages beyond the new end are gone from shared and private mappings
// alike, also private copies, also in a child that maps the file; what grows back is zero.
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static int fd;
static unsigned char *shared, *private;
static Baton to_child, to_parent;

static void Child(void* unused) {
  (void)unused;
  private[2 * kPage] = 'C';
  Give(&to_parent);
  Take(&to_child);  // the parent has truncated to one page
  CHECK_INT(ProbeRead(private + 2 * kPage), -SIGBUS);
  CHECK_INT(ProbeRead(shared + kPage), -SIGBUS);
  CHECK_INT(private[0], 'P');
  Give(&to_parent);
  Take(&to_child);  // and grown to four again
  CHECK_INT(private[2 * kPage], 0);
  CHECK_INT(shared[2 * kPage], 0);
  shared[3 * kPage] = 's';
}

int main(void) {
  to_child = MakeBaton();
  to_parent = MakeBaton();
  fd = TempFile(4);
  shared = mmap(NULL, 4 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  private = mmap(NULL, 4 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  CHECK(shared != MAP_FAILED && private != MAP_FAILED);
  private[0] = 'P';
  private[kPage] = 'P';
  CHECK_INT(shared[2 * kPage], 'c');
  pid_t child = Fork(Child, NULL);
  Take(&to_parent);
  CHECK_INT(private[2 * kPage], 'c');
  CHECK_INT(ftruncate(fd, kPage), 0);
  CHECK_INT(ProbeRead(private + kPage), -SIGBUS);  // the private copy is gone as well
  CHECK_INT(ProbeRead(shared + 3 * kPage), -SIGBUS);
  CHECK_INT(private[0], 'P');
  Give(&to_child);
  Take(&to_parent);
  Ok("cut");
  CHECK_INT(ftruncate(fd, 4 * kPage), 0);
  CHECK_INT(private[kPage], 0);
  CHECK_INT(shared[3 * kPage], 0);
  Give(&to_child);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(shared[3 * kPage], 's');
  CHECK_INT(private[3 * kPage], 's');
  Ok("grown again");
  // Inside a page: what is cut off reads as zero in mappings at once.
  CHECK_INT(pwrite(fd, "0123456789", 10, 0), 10);
  CHECK_INT(ftruncate(fd, 5), 0);
  CHECK(memcmp(shared, "01234\0\0\0\0\0", 10) == 0);
  CHECK_INT(ftruncate(fd, 10), 0);
  char bytes[10];
  CHECK_INT(pread(fd, bytes, 10, 0), 10);
  CHECK(memcmp(bytes, "01234\0\0\0\0\0", 10) == 0);
  Ok("inside a page");
  return Finish();
}
