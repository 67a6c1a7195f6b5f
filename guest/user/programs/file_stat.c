// SPDX-License-Identifier: Apache-2.0
//
// What stat, statx, access, chmod, umask and utimensat say about files, directories, pipes and
// devices; statfs of /tmp.
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "guest/user/lib/check.h"

static const char kPath[] = "/tmp/fv_stat";

static long Mode(const char* path) {
  struct stat status;
  return stat(path, &status) == 0 ? (long)status.st_mode : -errno;
}

static void Files(void) {
  struct stat status;
  umask(022);
  int fd = open(kPath, O_WRONLY | O_CREAT | O_EXCL, 0666);
  CHECK_INT(fstat(fd, &status), 0);
  CHECK_INT(status.st_mode, S_IFREG | 0644);
  CHECK_INT(status.st_nlink, 1);
  CHECK_INT(status.st_uid, geteuid());
  CHECK_INT(status.st_size, 0);
  CHECK_INT(status.st_blocks, 0);
  CHECK_INT(write(fd, "12345", 5), 5);
  CHECK_INT(fstat(fd, &status), 0);
  CHECK_INT(status.st_size, 5);
  CHECK_INT(status.st_blksize, 4096);
  CHECK_INT(umask(0), 022);
  CHECK_INT(chmod(kPath, 0751), 0);
  CHECK_INT(Mode(kPath), S_IFREG | 0751);
  CHECK_INT(fchmod(fd, 04700), 0);
  CHECK_INT(Mode(kPath), S_IFREG | 04700);
  struct stat again;
  CHECK_INT(stat(kPath, &again), 0);
  CHECK(again.st_ino == status.st_ino && again.st_dev == status.st_dev);
  CHECK_ERR(stat("/tmp/fv_missing", &again), ENOENT);
  CHECK_ERR(fstat(99, &again), EBADF);
  CHECK_ERR(fstatat(AT_FDCWD, "", &again, 0), ENOENT);
  CHECK_INT(fstatat(fd, "", &again, AT_EMPTY_PATH), 0);
  CHECK_INT(again.st_ino, status.st_ino);
  close(fd);
  Ok("files");
}

static void Kinds(void) {
  struct stat status;
  int fds[2];
  CHECK_INT(Mode("/tmp") & S_IFMT, S_IFDIR);
  CHECK_INT(Mode("/") & S_IFMT, S_IFDIR);
  CHECK_INT(stat("/dev/null", &status), 0);
  CHECK_INT(status.st_mode, S_IFCHR | 0666);
  CHECK_INT(major(status.st_rdev), 1);
  CHECK_INT(minor(status.st_rdev), 3);
  CHECK_INT(stat("/dev/zero", &status), 0);
  CHECK_INT(minor(status.st_rdev), 5);
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(fstat(fds[0], &status), 0);
  CHECK_INT(status.st_mode, S_IFIFO | 0600);
  umask(027);
  CHECK_INT(mkdir("/tmp/fv_stat_dir", 0777), 0);
  CHECK_INT(Mode("/tmp/fv_stat_dir"), S_IFDIR | 0750);
  CHECK_INT(rmdir("/tmp/fv_stat_dir"), 0);
  Ok("kinds");
}

static void Times(void) {
  struct stat status;
  struct timespec times[2] = {{1000000, 5000}, {2000000, 6000}};
  CHECK_INT(utimensat(AT_FDCWD, kPath, times, 0), 0);
  CHECK_INT(stat(kPath, &status), 0);
  CHECK_INT(status.st_atim.tv_sec, 1000000);
  CHECK_INT(status.st_mtim.tv_sec, 2000000);
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_nsec = UTIME_NOW;
  CHECK_INT(utimensat(AT_FDCWD, kPath, times, 0), 0);
  CHECK_INT(stat(kPath, &status), 0);
  CHECK_INT(status.st_atim.tv_sec, 1000000);
  CHECK(status.st_mtim.tv_sec > 1700000000);
  CHECK_ERR(utimensat(AT_FDCWD, "/tmp/fv_missing", NULL, 0), ENOENT);
  Ok("times");
}

static void Access(void) {
  CHECK_INT(chmod(kPath, 0600), 0);
  CHECK_INT(access(kPath, F_OK), 0);
  CHECK_INT(access(kPath, R_OK | W_OK), 0);
  CHECK_ERR(access(kPath, X_OK), EACCES);
  CHECK_INT(access("/tmp", R_OK | W_OK | X_OK), 0);
  CHECK_ERR(access("/tmp/fv_missing", F_OK), ENOENT);
  CHECK_ERR(access(kPath, 9), EINVAL);
  CHECK_INT(faccessat(AT_FDCWD, kPath, R_OK, 0), 0);
  struct statx extended;
  CHECK_INT(syscall(SYS_statx, AT_FDCWD, kPath, 0, STATX_BASIC_STATS, &extended), 0);
  CHECK_INT(extended.stx_mode, S_IFREG | 0600);
  CHECK_INT(extended.stx_size, 5);
  CHECK_INT(extended.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
  struct statfs filesystem;
  CHECK_INT(statfs("/tmp", &filesystem), 0);
  CHECK(filesystem.f_bsize > 0 && filesystem.f_namelen == 255);
  CHECK_ERR(statfs("/tmp/fv_missing", &filesystem), ENOENT);
  Ok("access, statx, statfs");
}

int main(void) {
  unlink(kPath);
  Files();
  Kinds();
  Times();
  Access();
  CHECK_INT(unlink(kPath), 0);
  return Finish();
}
