// SPDX-License-Identifier: Apache-2.0
//
// Names: link, unlink while open, rename over files and directories, symbolic links, mkdir and
// rmdir, the errors of each.
#include <fcntl.h>
#include <sys/stat.h>

#include "guest/user/lib/check.h"

static void Make(const char* path, const char* content) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  CHECK(fd >= 0);
  CHECK_INT(write(fd, content, strlen(content)), strlen(content));
  close(fd);
}

static int Holds(const char* path, const char* content) {
  char buffer[64] = "";
  int fd = open(path, O_RDONLY);
  ssize_t n = read(fd, buffer, sizeof(buffer) - 1);
  close(fd);
  return n == (ssize_t)strlen(content) && memcmp(buffer, content, (size_t)n) == 0;
}

static long Links(const char* path) {
  struct stat status;
  return lstat(path, &status) == 0 ? (long)status.st_nlink : -errno;
}

static void LinksAndUnlink(void) {
  Make("a", "A");
  CHECK_INT(link("a", "b"), 0);
  CHECK_INT(Links("a"), 2);
  CHECK_ERR(link("a", "b"), EEXIST);
  CHECK_ERR(link("missing", "c"), ENOENT);
  int fd = open("a", O_RDWR);
  CHECK_INT(unlink("a"), 0);
  CHECK_INT(Links("b"), 1);
  CHECK_INT(unlink("b"), 0);
  struct stat status;
  CHECK_INT(fstat(fd, &status), 0);
  CHECK_INT(status.st_nlink, 0);
  char byte;
  CHECK_INT(read(fd, &byte, 1), 1);
  CHECK_INT(write(fd, "more", 4), 4);
  CHECK_INT(lseek(fd, 0, SEEK_END), 5);
  close(fd);
  CHECK_ERR(unlink("a"), ENOENT);
  CHECK_ERR(unlink("."), EISDIR);
  Ok("link and unlink");
}

static void Directories(void) {
  CHECK_INT(mkdir("d", 0755), 0);
  CHECK_ERR(mkdir("d", 0755), EEXIST);
  CHECK_INT(Links("d"), 2);
  CHECK_INT(mkdir("d/e", 0700), 0);
  CHECK_INT(Links("d"), 3);
  CHECK_ERR(rmdir("d"), ENOTEMPTY);
  CHECK_ERR(unlink("d"), EISDIR);
  CHECK_ERR(mkdir("missing/x", 0755), ENOENT);
  Make("f", "F");
  CHECK_ERR(mkdir("f/x", 0755), ENOTDIR);
  CHECK_ERR(rmdir("f"), ENOTDIR);
  CHECK_ERR(rmdir("d/."), EINVAL);
  CHECK_INT(rmdir("d/e"), 0);
  CHECK_INT(Links("d"), 2);
  CHECK_INT(rmdir("d"), 0);
  CHECK_ERR(rmdir("d"), ENOENT);
  unlink("f");
  Ok("directories");
}

static void Renames(void) {
  Make("one", "1");
  Make("two", "2");
  CHECK_INT(rename("one", "two"), 0);
  CHECK(Holds("two", "1"));
  CHECK_ERR(access("one", F_OK), ENOENT);
  CHECK_ERR(rename("missing", "x"), ENOENT);
  CHECK_INT(rename("two", "two"), 0);
  CHECK_INT(mkdir("p", 0755), 0);
  CHECK_INT(mkdir("q", 0755), 0);
  Make("q/file", "Q");
  CHECK_ERR(rename("two", "p"), EISDIR);
  CHECK_ERR(rename("p", "two"), ENOTDIR);
  CHECK_ERR(rename("p", "q"), ENOTEMPTY);
  CHECK_ERR(rename("q", "q/inside"), EINVAL);
  CHECK_INT(rename("q", "p"), 0);
  CHECK(Holds("p/file", "Q"));
  CHECK_INT(rename("p/file", "two"), 0);
  CHECK(Holds("two", "Q"));
  CHECK_INT(renameat(AT_FDCWD, "two", AT_FDCWD, "p/two"), 0);
  CHECK_INT(unlinkat(AT_FDCWD, "p/two", 0), 0);
  CHECK_INT(unlinkat(AT_FDCWD, "p", AT_REMOVEDIR), 0);
  Ok("rename");
}

static void SymbolicLinks(void) {
  char target[64];
  Make("real", "R");
  CHECK_INT(symlink("real", "soft"), 0);
  CHECK(Holds("soft", "R"));
  memset(target, '#', sizeof(target));
  CHECK_INT(readlink("soft", target, sizeof(target)), 4);
  CHECK(memcmp(target, "real#", 5) == 0);
  CHECK_INT(readlink("soft", target, 2), 2);
  CHECK_ERR(readlink("real", target, 10), EINVAL);
  CHECK_ERR(readlink("missing", target, 10), ENOENT);
  CHECK_ERR(symlink("x", "soft"), EEXIST);
  struct stat status;
  CHECK_INT(lstat("soft", &status), 0);
  CHECK(S_ISLNK(status.st_mode) && status.st_size == 4);
  CHECK_INT(stat("soft", &status), 0);
  CHECK(S_ISREG(status.st_mode) && status.st_size == 1);
  CHECK_ERR(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
  CHECK_INT(symlink("gone", "dangling"), 0);
  CHECK_ERR(stat("dangling", &status), ENOENT);
  CHECK_INT(close(open("dangling", O_WRONLY | O_CREAT, 0644)), 0);  // creates the target
  CHECK_INT(unlink("gone"), 0);
  CHECK_INT(symlink("loop2", "loop1"), 0);
  CHECK_INT(symlink("loop1", "loop2"), 0);
  CHECK_ERR(open("loop1", O_RDONLY), ELOOP);
  CHECK_INT(mkdir("dir", 0755), 0);
  CHECK_INT(symlink("dir", "dirlink"), 0);
  Make("dirlink/x", "X");
  CHECK(Holds("dir/x", "X"));
  CHECK(Holds("dir/../dirlink/./x", "X"));
  CHECK_ERR(rmdir("dirlink"), ENOTDIR);
  for (const char** name =
           (const char*[]){"real", "soft", "dangling", "loop1", "loop2", "dir/x", "dirlink", NULL};
       *name; ++name) {
    CHECK_INT(unlink(*name), 0);
  }
  CHECK_INT(rmdir("dir"), 0);
  Ok("symbolic links");
}

int main(void) {
  CHECK_INT(mkdir("/tmp/fv_names", 0755), 0);
  CHECK_INT(chdir("/tmp/fv_names"), 0);
  LinksAndUnlink();
  Directories();
  Renames();
  SymbolicLinks();
  CHECK_INT(chdir("/"), 0);
  CHECK_INT(rmdir("/tmp/fv_names"), 0);
  return Finish();
}
