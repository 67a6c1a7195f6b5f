// SPDX-License-Identifier: Apache-2.0
//
// The calls that name a file relative to a directory, and the older ones beside them: made, linked,
// renamed, changed and looked at by stat; mknod of a FIFO, times, openat2, getdents.
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "guest/user/lib/proc.h"

static long Mtime(int dir, const char* name) {
  struct stat st;
  return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mtime : -1;
}

static int ModeOf(int dir, const char* name) {
  struct stat st;
  return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (int)st.st_mode : -1;
}

static void Names(int dir) {
  CHECK_INT(syscall(SYS_mkdirat, dir, "sub", 0700), 0);
  int fd = openat(dir, "file", O_CREAT | O_RDWR, 0600);
  CHECK(fd >= 0);
  CHECK_INT(syscall(SYS_linkat, dir, "file", dir, "hard", 0), 0);
  CHECK_INT(syscall(SYS_symlinkat, "file", dir, "soft"), 0);
  char text[16] = "";
  CHECK_INT(syscall(SYS_readlinkat, dir, "soft", text, sizeof(text)), 4);
  CHECK_INT(syscall(SYS_renameat2, dir, "hard", dir, "file", 1), -1);  // NOREPLACE
  CHECK_INT(errno, EEXIST);
  CHECK_INT(syscall(SYS_renameat2, dir, "file", dir, "sub/moved", 0), 0);
  CHECK_INT(syscall(SYS_mknodat, dir, "fifo", S_IFIFO | 0600, 0), 0);
  CHECK_INT(ModeOf(dir, "fifo"), S_IFIFO | 0600);
  CHECK_INT(syscall(SYS_fchmodat, dir, "hard", 0640), 0);
  CHECK_INT(ModeOf(dir, "hard"), S_IFREG | 0640);
  CHECK_INT(syscall(SYS_fchownat, dir, "hard", -1, -1, 0), 0);
  CHECK_INT(syscall(SYS_fchown, fd, -1, -1), 0);
  close(fd);
  Ok("made, linked, renamed, changed");
}

static void Times(int dir) {
  struct timeval times[2] = {{1000, 0}, {2000, 0}};
  CHECK_INT(syscall(SYS_futimesat, dir, "hard", times), 0);
  CHECK_INT(Mtime(dir, "hard"), 2000);
  CHECK_INT(fchdir(dir), 0);
  CHECK_INT(syscall(SYS_utimes, "hard", times), 0);
  long pair[2] = {3000, 4000};
  CHECK_INT(syscall(SYS_utime, "hard", pair), 0);
  CHECK_INT(Mtime(dir, "hard"), 4000);
  CHECK_INT(syscall(SYS_lchown, "soft", -1, -1), 0);
  CHECK_INT(syscall(SYS_mknod, "fifo2", S_IFIFO | 0600, 0), 0);
  int fd = (int)syscall(SYS_creat, "created", 0600);
  CHECK(fd >= 0);
  CHECK_INT(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
  struct statfs fs;
  CHECK_INT(syscall(SYS_fstatfs, fd, &fs), 0);
  CHECK(fs.f_bsize > 0);
  close(fd);
  Ok("times and older calls");
}

static void OpenHow(int dir) {
  unsigned long long how[3] = {O_RDONLY, 0, 0};
  int fd = (int)syscall(SYS_openat2, dir, "sub", how, sizeof(how));
  CHECK(fd >= 0);
  close(fd);
  CHECK_ERR(syscall(SYS_openat2, dir, "sub", how, 8), EINVAL);
  how[0] = 1ull << 60;
  CHECK_ERR(syscall(SYS_openat2, dir, "sub", how, sizeof(how)), EINVAL);
  Ok("openat2");
}

// struct linux_dirent: inode, offset, length of the record, name.
static int CountOldEntries(int dir) {
  char buffer[2048];
  lseek(dir, 0, SEEK_SET);
  int count = 0;
  for (long n; (n = syscall(SYS_getdents, dir, buffer, sizeof(buffer))) > 0;) {
    for (long at = 0; at < n; ++count) {
      unsigned short length;
      memcpy(&length, buffer + at + 16, sizeof(length));
      at += length;
    }
  }
  return count;
}

int main(void) {
  char path[] = "/tmp/fv_atXXXXXX";
  CHECK(mkdtemp(path));
  int dir = open(path, O_RDONLY | O_DIRECTORY);
  umask(0);
  Names(dir);
  Times(dir);
  OpenHow(dir);
  CHECK_INT(CountOldEntries(dir), 8);  // . .. sub hard soft fifo fifo2 created
  const char* files[] = {"hard", "soft", "fifo", "fifo2", "created", "sub/moved"};
  for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); ++i) {
    CHECK_INT(unlinkat(dir, files[i], 0), 0);
  }
  CHECK_INT(unlinkat(dir, "sub", AT_REMOVEDIR), 0);
  CHECK_INT(rmdir(path), 0);
  Ok("getdents, removed");
  return Finish();
}
