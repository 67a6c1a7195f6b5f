// SPDX-License-Identifier: Apache-2.0
//
// sysfs(2) and ustat(2), which few remember; STICKY_TIMEOUTS of personality(2); arch_prctl's
// CPUID commands; seals, and clones of blocks that a file system refuses; who made a file.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>

#include "guest/user/lib/proc.h"

static void Types(void) {
  char name[64] = "";
  long count = syscall(SYS_sysfs, 3);
  CHECK(count > 2);
  long proc = syscall(SYS_sysfs, 1, "proc");
  CHECK(proc >= 0 && proc < count);
  CHECK_INT(syscall(SYS_sysfs, 2, proc, name), 0);
  CHECK(strcmp(name, "proc") == 0);
  CHECK_ERR(syscall(SYS_sysfs, 1, "none such"), EINVAL);
  CHECK_ERR(syscall(SYS_sysfs, 1, ""), ENOENT);
  CHECK_ERR(syscall(SYS_sysfs, 1, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_sysfs, 2, count, name), EINVAL);
  CHECK_ERR(syscall(SYS_sysfs, 2, proc, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_sysfs, 4), EINVAL);
  Ok("sysfs");
}

static void FreeSpace(void) {
  struct {
    int blocks;
    unsigned long inodes;
    char name[6], pack[6];
  } space;
  struct stat root;
  memset(&space, 0x55, sizeof(space));
  CHECK_INT(stat("/proc", &root), 0);
  CHECK_INT(syscall(SYS_ustat, (unsigned)root.st_dev, &space), 0);
  CHECK_INT(space.blocks, 0);
  CHECK_INT(space.inodes, 0);
  CHECK_INT(space.name[0], 0);
  CHECK_ERR(syscall(SYS_ustat, (unsigned)root.st_dev, NULL), EFAULT);
  CHECK_ERR(syscall(SYS_ustat, -1u, &space), EINVAL);
  Ok("ustat");
}

static void Sticky(void) {
  struct timeval left = {0, 10};
  CHECK_INT(syscall(SYS_select, 0, NULL, NULL, NULL, &left), 0);
  CHECK_INT(left.tv_usec, 0);
  int old = personality(0xffffffff);
  CHECK(old != -1);
  CHECK_INT(personality((unsigned)old | STICKY_TIMEOUTS), old);
  left.tv_usec = 10;
  CHECK_INT(syscall(SYS_select, 0, NULL, NULL, NULL, &left), 0);
  CHECK_INT(left.tv_usec, 10);
  CHECK(personality((unsigned)old) != -1);
  Ok("sticky time-outs");
}

// Another machine and an old release, for programs that ask.
static void OtherNames(void) {
  struct utsname name;
  int old = personality(PER_LINUX32 | UNAME26);
  CHECK(old != -1);
  CHECK_INT(uname(&name), 0);
  CHECK(strcmp(name.machine, "i686") == 0);
  CHECK(strncmp(name.release, "2.6.", 4) == 0);
  CHECK(personality((unsigned)old) != -1);
  CHECK_INT(uname(&name), 0);
  CHECK(strcmp(name.machine, "x86_64") == 0 && strncmp(name.release, "2.6.", 4) != 0);
  Ok("names of another personality");
}

static void Clones(void) {
  int from = memfd_create("from", 0), to = memfd_create("to", 0);
  CHECK_ERR(ioctl(to, FICLONE, from), EOPNOTSUPP);
  struct file_clone_range range = {.src_fd = from};
  CHECK_ERR(ioctl(to, FICLONERANGE, &range), EOPNOTSUPP);
  CHECK_ERR(ioctl(to, FICLONERANGE, NULL), EFAULT);
  CHECK_ERR(ioctl(to, FICLONE, -1), EBADF);
  int dir = open("/tmp", O_RDONLY), zero = open("/dev/zero", O_RDONLY);
  int plain = open("/tmp", O_TMPFILE | O_RDWR, 0600);
  CHECK(plain >= 0);
  CHECK_ERR(ioctl(plain, FICLONE, dir), EISDIR);
  CHECK_ERR(ioctl(plain, FICLONE, open("/proc/self/stat", O_RDONLY)), EXDEV);
  CHECK_INT(fcntl(to, F_SETFL, O_APPEND), 0);
  CHECK_ERR(ioctl(to, FICLONE, from), EBADF);
  CHECK_ERR(syscall(SYS_sync_file_range, zero, 0L, 1L, 4), ESPIPE);
  Ok("no clones of blocks");
}

static void Sealed(void) {
  int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
  CHECK_INT(ftruncate(fd, 4096), 0);
  CHECK_INT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
  CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  CHECK_INT(errno, EPERM);
  CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
  char self[64];
  snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
  CHECK_INT(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  CHECK_ERR(open(self, O_RDWR | O_TRUNC), EPERM);
  CHECK_ERR(ftruncate(fd, 0), EPERM);
  CHECK_ERR(truncate(self, 8192), EPERM);
  CHECK_INT(ftruncate(fd, 4096), 0);
  Ok("sealed");
}

static void Created(void) {
  enum { kDupFdQuery = 1027, kCreatedQuery = 1028 };
  char path[64];
  snprintf(path, sizeof(path), "/tmp/fv_created.%d", getpid());
  int made = open(path, O_CREAT | O_RDWR, 0600), found = open(path, O_CREAT | O_RDWR, 0600);
  int same = dup(made);
  CHECK_INT(unlink(path), 0);
  CHECK_INT(fcntl(made, kCreatedQuery, 0), 1);
  CHECK_INT(fcntl(same, kCreatedQuery, 0), 1);
  CHECK_INT(fcntl(found, kCreatedQuery, 0), 0);
  CHECK_INT(fcntl(made, kDupFdQuery, same), 1);
  CHECK_INT(fcntl(made, kDupFdQuery, found), 0);
  CHECK_ERR(fcntl(made, kDupFdQuery, -1), EBADF);
  Ok("who made the file");
}

int main(void) {
  Types();
  FreeSpace();
  Sticky();
  OtherNames();
  Clones();
  Sealed();
  Created();
  return Finish();
}
