// SPDX-License-Identifier: Apache-2.0
//
// What mount(2) can say of a tmpfs: size, inodes, mode and owner; remounts; nosuid, nodev, noexec,
// times; moving a mount; propagation; umount2's flags; and what statfs, /proc/self/mounts and
// mountinfo tell of it. Where there are mount namespaces it works in one of its own.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "guest/user/lib/guest.h"
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static char dir[] = "/tmp/fv_optionsXXXXXX";
static char a[64], b[64], path[128];

static const char* In(const char* where, const char* name) {
  snprintf(path, sizeof(path), "%s/%s", where, name);
  return path;
}

static void Mount(const char* options) { CHECK_INT(mount("fv", a, "tmpfs", 0, options), 0); }

static int Remount(unsigned long flags, const char* options) {
  return mount("fv", a, "tmpfs", MS_REMOUNT | flags, options);
}

static struct statfs Statfs(void) {
  struct statfs info;
  CHECK_INT(statfs(a, &info), 0);
  return info;
}

// The line about `where` in a file of /proc/self; its text is overwritten by the next call.
static const char* LineOf(const char* file, const char* where) {
  static char text[65536], found[512];
  char needle[80];
  int fd = open(file, O_RDONLY);
  CHECK(fd >= 0);
  size_t length = 0;
  for (ssize_t got; (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0;) {
    length += (size_t)got;
  }
  close(fd);
  text[length] = 0;
  snprintf(needle, sizeof(needle), " %s ", where);
  for (char* line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    if (strstr(line, needle)) return strncpy(found, line, sizeof(found) - 1);
  }
  return "";
}
static const char* Shown(void) { return LineOf("/proc/self/mounts", a); }

static int NewFile(const char* name) {
  int fd = open(In(a, name), O_CREAT | O_RDWR, 0644);
  CHECK(fd >= 0);
  return fd;
}

static void TouchesLastPage(void* arg) {
  int fd = *(int*)arg;
  volatile char* map = mmap(NULL, 17 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(map != MAP_FAILED);
  map[16 * kPage] = 1;
}

static void Sizes(void) {
  static char data[20 * kPage];
  Mount("size=64k,nr_inodes=100");
  struct statfs info = Statfs();
  CHECK(info.f_blocks == 16 && info.f_bfree == 16 && info.f_bavail == 16 && info.f_bsize == kPage);
  CHECK(info.f_files == 100 && info.f_ffree == 99);
  CHECK(strstr(Shown(), ",size=64k,nr_inodes=100"));
  int fd = NewFile("big"), other = NewFile("other");
  CHECK_INT(write(fd, data, sizeof(data)), 16 * kPage);
  CHECK_ERR(write(fd, data, 1), ENOSPC);
  CHECK_ERR(write(other, data, 1), ENOSPC);
  CHECK_INT(Statfs().f_bfree, 0);
  CHECK_INT(ftruncate(other, 1 << 20), 0);  // a hole takes none
  CHECK_INT(ftruncate(fd, 17 * kPage), 0);
  CHECK_INT(RunChild(TouchesLastPage, &fd), 128 + SIGBUS);
  CHECK_INT(ftruncate(fd, 14 * kPage), 0);
  CHECK_INT(Statfs().f_bfree, 2);
  CHECK_ERR(fallocate(other, 0, 0, 3 * kPage), ENOSPC);
  CHECK_INT(Statfs().f_bfree, 2);
  CHECK_INT(fallocate(other, 0, 0, 2 * kPage), 0);
  CHECK_INT(Statfs().f_bfree, 0);
  CHECK_INT(unlink(In(a, "big")), 0);
  CHECK_INT(Statfs().f_bfree, 0);  // still open
  close(fd);
  AWAIT_ON_HOST(Statfs().f_bfree == 14);
  CHECK_INT(Statfs().f_bfree, 14);
  close(other);
  CHECK_INT(umount(a), 0);
  Ok("size");
}

static void Inodes(void) {
  char from[128];
  Mount("nr_inodes=4");
  close(NewFile("1"));
  CHECK_INT(mkdir(In(a, "2"), 0700), 0);
  CHECK_INT(symlink("x", In(a, "3")), 0);
  CHECK_INT(Statfs().f_ffree, 0);
  CHECK_ERR(open(In(a, "4"), O_CREAT | O_RDWR, 0600), ENOSPC);
  CHECK_ERR(mkdir(In(a, "4"), 0700), ENOSPC);
  CHECK_ERR(symlink("x", In(a, "4")), ENOSPC);
  CHECK_ERR(mknod(In(a, "4"), S_IFIFO | 0600, 0), ENOSPC);
  snprintf(from, sizeof(from), "%s", In(a, "1"));
  CHECK_ERR(link(from, In(a, "4")), ENOSPC);  // a name takes as much as an inode
  CHECK_INT(rmdir(In(a, "2")), 0);
  CHECK_INT(link(from, In(a, "4")), 0);
  CHECK_INT(Statfs().f_ffree, 0);
  CHECK_INT(rename(In(a, "3"), from), 0);
  CHECK_INT(Statfs().f_ffree, 1);
  CHECK_INT(unlink(from), 0);
  CHECK_INT(unlink(In(a, "4")), 0);
  CHECK_INT(Statfs().f_ffree, 3);
  CHECK_INT(umount(a), 0);
  Ok("inodes");
}

static void Owners(void) {
  struct stat info;
  Mount("mode=0750");
  CHECK_INT(stat(a, &info), 0);
  CHECK_INT(info.st_mode, S_IFDIR | 0750);
  CHECK(strstr(Shown(), ",mode=750"));
  CHECK_INT(umount(a), 0);
  if (mount("fv", a, "tmpfs", 0, "uid=3,gid=4,mode=700") == 0) {  // may be no ids of a namespace's
    CHECK_INT(stat(a, &info), 0);
    CHECK(info.st_uid == 3 && info.st_gid == 4);
    CHECK_INT(umount(a), 0);
  }
  const char* kBad[] = {"size=x", "size=",        "size",   "nosuch=1", "nosuch",
                        "mode=9", "nr_inodes=1%", "uid=-1", "size=4k;"};
  for (size_t i = 0; i < sizeof(kBad) / sizeof(char*); ++i) {
    CHECK_ERR(mount("fv", a, "tmpfs", 0, kBad[i]), EINVAL);
  }
  CHECK_ERR(mount("fv", a, NULL, 0, NULL), EINVAL);
  CHECK_ERR(mount("fv", a, "tmpfs", 0, (void*)8), EFAULT);
  Ok("mode and owner, and what is refused");
}

static void Remounts(void) {
  static char data[8 * kPage];
  Mount("size=32k,nr_inodes=10");
  int fd = NewFile("file");
  CHECK_INT(write(fd, data, sizeof(data)), sizeof(data));
  CHECK_ERR(Remount(0, "size=28k"), EINVAL);
  CHECK_ERR(Remount(0, "nr_inodes=1"), EINVAL);
  CHECK_ERR(Remount(0, "nosuch"), EINVAL);
  CHECK_INT(Remount(0, "size=40k"), 0);
  CHECK_INT(Statfs().f_blocks, 10);
  CHECK_INT(Statfs().f_files, 10);
  CHECK_INT(write(fd, data, sizeof(data)), 2 * kPage);
  CHECK_INT(Remount(0, "size=0"), 0);  // no limit, and none again
  CHECK_INT(Statfs().f_blocks, 0);
  CHECK_ERR(Remount(0, "size=1m"), EINVAL);
  CHECK_INT(write(fd, data, sizeof(data)), sizeof(data));
  close(fd);
  CHECK_INT(Remount(MS_RDONLY | MS_NOSUID, NULL), 0);
  CHECK_INT(Statfs().f_flags & (ST_RDONLY | ST_NOSUID), ST_RDONLY | ST_NOSUID);
  CHECK_ERR(open(In(a, "file"), O_WRONLY), EROFS);
  CHECK_INT(umount(a), 0);
  Ok("remount");
}

static void Executes(void* arg) {
  char* argv[] = {(char*)arg, NULL};
  CHECK_ERR(execve((char*)arg, argv, argv + 1), EACCES);
}

static void Flags(void) {
  CHECK_INT(mount("fv", a, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), 0);
  CHECK(strstr(Shown(), " tmpfs rw,nosuid,nodev,noexec,relatime"));
  CHECK_INT(Statfs().f_flags & (ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RELATIME | ST_NOATIME),
            ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RELATIME);
  int fd = NewFile("program");
  CHECK_INT(write(fd, "#!/bin/sh\n", 10), 10);
  CHECK_INT(fchmod(fd, 0755), 0);
  CHECK(mmap(NULL, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED);
  CHECK_INT(errno, EPERM);
  void* map = mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, fd, 0);
  CHECK(map != MAP_FAILED);
  CHECK_ERR(mprotect(map, kPage, PROT_READ | PROT_EXEC), EACCES);
  CHECK_INT(munmap(map, kPage), 0);
  close(fd);
  CHECK_ERR(access(In(a, "program"), X_OK), EACCES);
  CHECK_INT(access(a, X_OK), 0);
  CHECK_INT(RunChild(Executes, (void*)In(a, "program")), 0);
  if (mknod(In(a, "null"), S_IFCHR | 0666, makedev(1, 3)) == 0) {
    CHECK_ERR(open(In(a, "null"), O_RDONLY), EACCES);
  }
  CHECK_INT(Remount(MS_NOATIME, NULL), 0);
  CHECK(strstr(Shown(), " tmpfs rw,noatime"));
  CHECK_INT(Remount(MS_NODEV, NULL), 0);  // the times stay
  CHECK(strstr(Shown(), " tmpfs rw,nodev,noatime"));
  struct stat before, after;
  CHECK_INT(stat(In(a, "program"), &before), 0);
  char byte;
  fd = open(In(a, "program"), O_RDONLY);
  CHECK_INT(read(fd, &byte, 1), 1);
  close(fd);
  CHECK_INT(stat(In(a, "program"), &after), 0);
  CHECK(before.st_atim.tv_sec == after.st_atim.tv_sec &&
        before.st_atim.tv_nsec == after.st_atim.tv_nsec);
  CHECK_INT(umount(a), 0);
  Ok("flags");
}

static void Moves(void) {
  Mount(NULL);
  close(NewFile("file"));
  CHECK_INT(mkdir(In(a, "below"), 0700), 0);
  char below[128];
  snprintf(below, sizeof(below), "%s", In(a, "below"));
  CHECK_ERR(mount(a, below, NULL, MS_MOVE, NULL), ELOOP);
  CHECK_ERR(mount(below, b, NULL, MS_MOVE, NULL), EINVAL);
  CHECK_ERR(mount(NULL, b, NULL, MS_MOVE, NULL), EINVAL);
  CHECK_ERR(mount("/tmp/fv_no_such_dir", b, NULL, MS_MOVE, NULL), ENOENT);
  CHECK_ERR(mount(a, In(a, "file"), NULL, MS_MOVE, NULL), EINVAL);
  CHECK_INT(mount(a, b, NULL, MS_MOVE, NULL), 0);
  CHECK_ERR(access(In(a, "file"), F_OK), ENOENT);
  CHECK_INT(access(In(b, "file"), F_OK), 0);
  CHECK_INT(chdir(In(b, "below")), 0);
  char cwd[128] = "";
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, path) == 0);
  CHECK_INT(chdir("../.."), 0);
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, dir) == 0);
  CHECK_INT(chdir("/"), 0);
  // A mount in it moves along, and is its child.
  CHECK_INT(mount("fv", In(b, "below"), "tmpfs", 0, NULL), 0);
  CHECK_INT(mount(b, a, NULL, MS_MOVE, NULL), 0);
  int id = 0, parent = 0, inner = 0, inner_parent = 0;
  CHECK_INT(sscanf(LineOf("/proc/self/mountinfo", a), "%d %d", &id, &parent), 2);
  CHECK_INT(sscanf(LineOf("/proc/self/mountinfo", below), "%d %d", &inner, &inner_parent), 2);
  CHECK(inner != id && inner_parent == id && parent != id);
  CHECK_ERR(umount(a), EBUSY);
  CHECK_INT(umount(below), 0);
  CHECK_INT(umount(a), 0);
  Ok("move");
}

static void Propagates(void) {
  CHECK_ERR(mount(NULL, a, NULL, MS_PRIVATE, NULL), EINVAL);  // no mount's root
  Mount(NULL);
  CHECK_ERR(mount(NULL, a, NULL, MS_PRIVATE | MS_SHARED, NULL), EINVAL);
  CHECK_ERR(mount(NULL, a, NULL, MS_PRIVATE | MS_NOSUID, NULL), EINVAL);
  CHECK_INT(mount(NULL, a, NULL, MS_SHARED, NULL), 0);
  CHECK(strstr(LineOf("/proc/self/mountinfo", a), " shared:"));
  CHECK_INT(mount(NULL, a, NULL, MS_UNBINDABLE, NULL), 0);
  CHECK(strstr(LineOf("/proc/self/mountinfo", a), " unbindable - tmpfs fv rw"));
  CHECK_INT(mount(NULL, dir, NULL, MS_PRIVATE, NULL) == 0, 0);
  CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE | MS_SILENT, NULL), 0);
  CHECK(strstr(LineOf("/proc/self/mountinfo", a), "relatime - tmpfs fv rw"));
  CHECK_INT(umount(a), 0);
  Ok("propagation");
}

static void Unmounts(void) {
  CHECK_ERR(umount2("/tmp/fv_no_such_dir", 0), ENOENT);
  CHECK_ERR(umount2(a, 0), EINVAL);
  CHECK_ERR(umount2(a, 0x10), EINVAL);
  Mount(NULL);
  CHECK_ERR(umount2(a, MNT_EXPIRE | MNT_FORCE), EINVAL);
  CHECK_ERR(umount2(a, MNT_EXPIRE | MNT_DETACH), EINVAL);
  int fd = NewFile("file");
  CHECK_ERR(umount2(a, MNT_EXPIRE), EBUSY);
  close(fd);
  CHECK_ERR(umount2(a, MNT_EXPIRE), EAGAIN);
  CHECK_INT(access(In(a, "file"), F_OK), 0);  // somebody has been there
  CHECK_ERR(umount2(a, MNT_EXPIRE), EAGAIN);
  CHECK_INT(umount2(a, MNT_EXPIRE), 0);
  CHECK_ERR(umount(a), EINVAL);
  Mount(NULL);
  CHECK_INT(symlink(a, In(dir, "link")), 0);
  CHECK_ERR(umount2(path, UMOUNT_NOFOLLOW), EINVAL);
  CHECK_INT(umount2(path, 0), 0);
  CHECK_INT(unlink(path), 0);
  Ok("umount2");
}

int main(void) {
  if (geteuid() != 0) {  // nothing of this is for others
    CHECK_ERR(umount2("/tmp/fv_no_such_dir", 0), ENOENT);
    CHECK_ERR(umount2("/tmp", 0), EPERM);
    return Finish();
  }
  // EINVAL: a kernel without mount namespaces, whose one tree is the test's own.
  if (unshare(CLONE_NEWNS) != 0 && errno != EINVAL) {
    FailAt(__FILE__, __LINE__, "unshare", errno);
    return Finish();
  }
  CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
  CHECK(mkdtemp(dir));
  snprintf(a, sizeof(a), "%s/a", dir);
  snprintf(b, sizeof(b), "%s/b", dir);
  CHECK_INT(mkdir(a, 0700), 0);
  CHECK_INT(mkdir(b, 0700), 0);
  Sizes();
  Inodes();
  Owners();
  Remounts();
  Flags();
  Moves();
  Propagates();
  Unmounts();
  CHECK_INT(rmdir(a), 0);
  CHECK_INT(rmdir(b), 0);
  CHECK_INT(rmdir(dir), 0);
  return Finish();
}
