// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes on tmpfs (xattr(7)): set, get, list, remove; by path, link and descriptor;
// which kinds of file have which; what is refused to whom.
#include <sys/stat.h>
#include <sys/xattr.h>

#include "guest/user/lib/proc.h"

static char dir[] = "/dev/shm/fv_xattrXXXXXX";
static char file[64], link_name[64], fifo[64];
static char value[70000];

static void Values(void) {
  CHECK_INT(setxattr(file, "user.b", "two", 3, 0), 0);
  CHECK_INT(setxattr(file, "user.a", "one", 3, XATTR_CREATE), 0);
  CHECK_ERR(setxattr(file, "user.a", "x", 1, XATTR_CREATE), EEXIST);
  CHECK_ERR(setxattr(file, "user.c", "x", 1, XATTR_REPLACE), ENODATA);
  CHECK_INT(getxattr(file, "user.a", NULL, 0), 3);
  CHECK_INT(getxattr(file, "user.a", value, sizeof(value)), 3);
  CHECK(memcmp(value, "one", 3) == 0);
  CHECK_ERR(getxattr(file, "user.a", value, 2), ERANGE);
  CHECK_INT(setxattr(file, "user.a", "longer", 6, XATTR_REPLACE), 0);
  CHECK_INT(getxattr(file, "user.a", value, sizeof(value)), 6);
  CHECK_INT(setxattr(file, "user.empty", NULL, 0, 0), 0);
  CHECK_INT(getxattr(file, "user.empty", value, sizeof(value)), 0);
  CHECK_ERR(getxattr(file, "user.none", value, sizeof(value)), ENODATA);
  Ok("values");
}

// The names in `text`, whether `name` is one of them.
static int Lists(const char* text, ssize_t bytes, const char* name) {
  for (ssize_t at = 0; at < bytes; at += (ssize_t)strlen(text + at) + 1) {
    if (strcmp(text + at, name) == 0) return 1;
  }
  return 0;
}

static void Names(void) {
  ssize_t bytes = listxattr(file, value, sizeof(value));
  CHECK(bytes >= 7 + 7 + 11);
  CHECK_INT(listxattr(file, NULL, 0), bytes);
  CHECK(Lists(value, bytes, "user.a") && Lists(value, bytes, "user.b"));
  CHECK(Lists(value, bytes, "user.empty"));
  CHECK_ERR(listxattr(file, value, 8), ERANGE);
  CHECK_INT(removexattr(file, "user.b"), 0);
  CHECK_ERR(removexattr(file, "user.b"), ENODATA);
  bytes = listxattr(file, value, sizeof(value));
  CHECK(!Lists(value, bytes, "user.b") && Lists(value, bytes, "user.a"));
  Ok("names");
}

static void Handles(void) {
  int fd = open(file, O_RDONLY);
  CHECK_INT(fsetxattr(fd, "user.fd", "3", 1, 0), 0);
  CHECK_INT(getxattr(link_name, "user.fd", value, 10), 1);
  CHECK_INT(fgetxattr(fd, "user.fd", value, 10), 1);
  CHECK(Lists(value, flistxattr(fd, value, sizeof(value)), "user.fd"));
  CHECK_INT(fremovexattr(fd, "user.fd"), 0);
  CHECK_ERR(lgetxattr(link_name, "user.a", value, 10), ENODATA);
  CHECK_ERR(lsetxattr(link_name, "user.a", "x", 1, 0), EPERM);
  CHECK_INT(lsetxattr(link_name, "trusted.l", "x", 1, 0), 0);
  CHECK_INT(lgetxattr(link_name, "trusted.l", value, 10), 1);
  CHECK(Lists(value, llistxattr(link_name, value, sizeof(value)), "trusted.l"));
  CHECK_INT(lremovexattr(link_name, "trusted.l"), 0);
  CHECK_ERR(setxattr(fifo, "user.a", "x", 1, 0), EPERM);
  CHECK_ERR(getxattr(fifo, "user.a", value, 10), ENODATA);
  CHECK_INT(setxattr(fifo, "trusted.a", "x", 1, 0), 0);
  CHECK_INT(setxattr(dir, "user.dir", "x", 1, 0), 0);
  close(fd);
  int path = open(file, O_PATH);
  CHECK_ERR(fgetxattr(path, "user.a", value, 10), EBADF);
  close(path);
  int ends[2];
  CHECK_INT(pipe(ends), 0);
  CHECK_ERR(fgetxattr(ends[0], "trusted.a", value, 10), EOPNOTSUPP);
  Ok("kinds of file");
}

static void Arguments(void) {
  char name[300];
  memset(name, 'n', sizeof(name));
  memcpy(name, "user.", 5);
  name[256] = 0;
  CHECK_ERR(setxattr(file, name, "x", 1, 0), ERANGE);
  name[255] = 0;
  CHECK_INT(setxattr(file, name, "x", 1, 0), 0);
  CHECK_INT(removexattr(file, name), 0);
  CHECK_ERR(setxattr(file, "", "x", 1, 0), ERANGE);
  CHECK_ERR(setxattr(file, "user.", "x", 1, 0), EINVAL);
  CHECK_ERR(setxattr(file, "nospace", "x", 1, 0), EOPNOTSUPP);
  CHECK_ERR(setxattr(file, "other.a", "x", 1, 0), EOPNOTSUPP);
  CHECK_ERR(getxattr(file, "other.a", value, 10), EOPNOTSUPP);
  CHECK_ERR(setxattr(file, "user.a", "x", 1, 4), EINVAL);
  CHECK_ERR(setxattr(file, "user.a", value, 65537, 0), E2BIG);
  CHECK_INT(setxattr(file, "user.big", value, 65536, 0), 0);
  CHECK_INT(getxattr(file, "user.big", value, sizeof(value)), 65536);
  CHECK_INT(removexattr(file, "user.big"), 0);
  CHECK_ERR(syscall(SYS_setxattr, file, 16, "x", 1, 0), EFAULT);
  CHECK_ERR(syscall(SYS_setxattr, file, "user.a", 16, 1, 0), EFAULT);
  CHECK_ERR(getxattr("/dev/shm/fv_no_such_file", "user.a", value, 10), ENOENT);
  Ok("arguments");
}

static void AsNobody(void* arg) {
  (void)arg;
  CHECK_INT(setuid(65534), 0);
  CHECK_INT(getxattr(file, "user.a", value, 10), 6);
  CHECK_ERR(setxattr(file, "user.a", "x", 1, 0), EACCES);
  CHECK_ERR(removexattr(file, "user.a"), EACCES);
  CHECK_ERR(setxattr(file, "trusted.a", "x", 1, 0), EPERM);
  CHECK_ERR(getxattr(file, "trusted.t", value, 10), ENODATA);
  CHECK_ERR(setxattr(file, "security.a", "x", 1, 0), EPERM);
  CHECK(!Lists(value, listxattr(file, value, sizeof(value)), "trusted.t"));
}

int main(void) {
  CHECK(mkdtemp(dir));
  CHECK_INT(chmod(dir, 0755), 0);
  snprintf(file, sizeof(file), "%s/file", dir);
  snprintf(link_name, sizeof(link_name), "%s/link", dir);
  snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
  close(open(file, O_CREAT | O_RDWR, 0644));
  CHECK_INT(symlink(file, link_name), 0);
  CHECK_INT(mkfifo(fifo, 0644), 0);
  Values();
  Names();
  Handles();
  Arguments();
  CHECK_INT(setxattr(file, "trusted.t", "x", 1, 0), 0);
  CHECK_INT(setxattr(file, "security.s", "x", 1, 0), 0);
  CHECK_INT(RunChild(AsNobody, NULL), 0);
  Ok("permissions");
  unlink(fifo);
  unlink(link_name);
  unlink(file);
  CHECK_INT(rmdir(dir), 0);
  return Finish();
}
