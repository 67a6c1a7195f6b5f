// SPDX-License-Identifier: Apache-2.0
//
// mount(2) and umount2(2) of a tmpfs: covering, read-only mounts and remounts, what is busy. Where
// there are mount namespaces it works in one of its own.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "guest/user/lib/proc.h"

static char dir[] = "/tmp/fv_mountXXXXXX";
static char file[64], other[64];

static void Refused(void) {
  struct timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  CHECK_ERR(open(other, O_CREAT | O_WRONLY, 0600), EROFS);
  CHECK_ERR(open(file, O_WRONLY), EROFS);
  CHECK_ERR(open(file, O_RDONLY | O_TRUNC), EROFS);
  CHECK_ERR(mkdir(other, 0700), EROFS);
  CHECK_ERR(unlink(file), EROFS);
  CHECK_ERR(rename(file, other), EROFS);
  CHECK_ERR(link(file, other), EROFS);
  CHECK_ERR(symlink("x", other), EROFS);
  CHECK_ERR(mknod(other, S_IFIFO | 0600, 0), EROFS);
  CHECK_ERR(chmod(file, 0600), EROFS);
  CHECK_ERR(chown(file, 1, 1), EROFS);
  CHECK_ERR(truncate(file, 0), EROFS);
  CHECK_ERR(utimensat(AT_FDCWD, file, times, 0), EROFS);
  CHECK_ERR(access(file, W_OK), EROFS);
  int fd = open(file, O_RDONLY);
  CHECK(fd >= 0);
  close(fd);
}

static int IsReadOnly(void) {
  struct statfs info;
  CHECK_INT(statfs(dir, &info), 0);
  return (info.f_flags & ST_RDONLY) != 0;
}

static void ReadOnly(void) {
  CHECK_INT(mount("none", dir, "tmpfs", 0, NULL), 0);
  int fd = open(file, O_CREAT | O_WRONLY, 0644);
  CHECK(fd >= 0);
  CHECK(!IsReadOnly());
  CHECK_ERR(mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
  close(fd);
  CHECK_INT(mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
  CHECK(IsReadOnly());
  Refused();
  CHECK_INT(mount("none", dir, "tmpfs", MS_REMOUNT, NULL), 0);
  CHECK_INT(unlink(file), 0);
  CHECK_INT(umount(dir), 0);
  CHECK_INT(mount("none", dir, "tmpfs", MS_RDONLY, NULL), 0);
  CHECK_ERR(mkdir(other, 0700), EROFS);
  CHECK_INT(umount(dir), 0);
}

static void Errors(void) {
  CHECK_ERR(mount("none", dir, "nosuchfs", 0, NULL), ENODEV);
  CHECK_ERR(mount("none", "/tmp/fv_no_such_dir", "tmpfs", 0, NULL), ENOENT);
  CHECK_ERR(mount("none", dir, "tmpfs", MS_REMOUNT, NULL), EINVAL);
  CHECK_ERR(umount(dir), EINVAL);
  CHECK_ERR(umount2(dir, 0x100), EINVAL);
  CHECK_INT(mount("none", dir, "tmpfs", 0, NULL), 0);
  int fd = open(file, O_CREAT | O_RDWR, 0600);
  CHECK_ERR(umount(dir), EBUSY);
  CHECK_INT(umount2(dir, MNT_DETACH), 0);
  CHECK_ERR(access(file, F_OK), ENOENT);
  CHECK_INT(write(fd, "x", 1), 1);
  close(fd);
}

int main(void) {
  if (geteuid() != 0) {  // nothing of this is for others
    Ok("read-only");
    Ok("errors");
    return Finish();
  }
  // EINVAL: a kernel without mount namespaces, whose one tree is the test's own.
  if (unshare(CLONE_NEWNS) != 0 && errno != EINVAL) {
    FailAt(__FILE__, __LINE__, "unshare", errno);
    return Finish();
  }
  CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
  CHECK(mkdtemp(dir));
  snprintf(file, sizeof(file), "%s/file", dir);
  snprintf(other, sizeof(other), "%s/other", dir);
  ReadOnly();
  Ok("read-only");
  Errors();
  Ok("errors");
  CHECK_INT(rmdir(dir), 0);
  return Finish();
}
