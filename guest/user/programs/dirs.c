// SPDX-License-Identifier: Apache-2.0
//
// Directories: getdents64 lists each name once whatever the buffer's size, rewinding, entries
// removed while reading; chdir, fchdir, getcwd, openat relative to a directory; cwd over fork.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "guest/user/lib/proc.h"

enum { kFiles = 150 };

static const char kTop[] = "/tmp/fv_dirs";

static void Touch(int directory, int number) {
  char name[32];
  snprintf(name, sizeof(name), "entry_%03d", number);
  int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
  CHECK(fd >= 0);
  close(fd);
}

// Counts each name by system call with a small buffer.
static int CountRaw(int directory, size_t buffer_size, int* seen) {
  char buffer[4096];
  int dots = 0;
  CHECK_INT(lseek(directory, 0, SEEK_SET), 0);
  for (long n; (n = syscall(SYS_getdents64, directory, buffer, buffer_size)) > 0;) {
    for (long at = 0; at < n;) {
      struct dirent* entry = (struct dirent*)(buffer + at);
      int number;
      if (sscanf(entry->d_name, "entry_%d", &number) == 1) {
        ++seen[number];
        CHECK_INT(entry->d_type, DT_REG);
      } else {
        dots += strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        CHECK_INT(entry->d_type, DT_DIR);
      }
      at += entry->d_reclen;
    }
  }
  return dots;
}

static void List(int directory) {
  size_t sizes[] = {40, 300, 4096};
  for (int i = 0; i < 3; ++i) {
    int seen[kFiles] = {0};
    CHECK_INT(CountRaw(directory, sizes[i], seen), 2);
    for (int j = 0; j < kFiles; ++j) CHECK_INT(seen[j], 1);
  }
  char buffer[8];
  lseek(directory, 0, SEEK_SET);
  CHECK_ERR(syscall(SYS_getdents64, directory, buffer, 8), EINVAL);
  CHECK_ERR(syscall(SYS_getdents64, 99, buffer, 8), EBADF);
  Ok("getdents64");
}

static void RemoveWhileReading(void) {
  DIR* stream = opendir(kTop);
  CHECK(stream != NULL);
  int removed = 0;
  for (struct dirent* entry; (entry = readdir(stream));) {
    if (entry->d_name[0] == '.') continue;
    CHECK_INT(unlinkat(dirfd(stream), entry->d_name, 0), 0);
    ++removed;
  }
  closedir(stream);
  CHECK_INT(removed, kFiles);
  Ok("removed while reading");
}

static void ChildMoves(void* unused) {
  (void)unused;
  char cwd[100];
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, kTop) == 0);
  CHECK_INT(chdir("sub"), 0);
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/tmp/fv_dirs/sub") == 0);
  CHECK_INT(chdir(".."), 0);
  CHECK_INT(chdir("./sub/.././/sub/"), 0);
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/tmp/fv_dirs/sub") == 0);
  CHECK_INT(chdir("/../.."), 0);
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
}

static void Moving(int directory) {
  char cwd[100];
  CHECK_INT(fchdir(directory), 0);
  CHECK_INT(mkdir("sub", 0755), 0);
  CHECK_INT(RunChild(ChildMoves, NULL), 0);
  CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, kTop) == 0);
  CHECK(getcwd(cwd, 5) == NULL && errno == ERANGE);
  CHECK_ERR(chdir("missing"), ENOENT);
  CHECK_ERR(fchdir(99), EBADF);
  int file = open("sub/file", O_CREAT | O_RDWR, 0644);
  CHECK_ERR(fchdir(file), ENOTDIR);
  CHECK_ERR(chdir("sub/file"), ENOTDIR);
  CHECK_ERR(openat(file, "x", O_RDONLY), ENOTDIR);
  CHECK_ERR(openat(99, "x", O_RDONLY), EBADF);
  CHECK_INT(close(openat(99, "/dev/null", O_RDONLY)), 0);  // absolute: the directory is ignored
  CHECK_INT(unlinkat(directory, "sub/file", 0), 0);
  CHECK_INT(rmdir("sub"), 0);
  close(file);
  Ok("moving about");
}

int main(void) {
  CHECK_INT(mkdir(kTop, 0755), 0);
  int directory = open(kTop, O_RDONLY | O_DIRECTORY);
  CHECK(directory >= 0);
  for (int i = 0; i < kFiles; ++i) Touch(directory, i);
  List(directory);
  RemoveWhileReading();
  Moving(directory);
  CHECK_INT(chdir("/"), 0);
  CHECK_INT(rmdir(kTop), 0);
  return Finish();
}
