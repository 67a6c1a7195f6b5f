// SPDX-License-Identifier: Apache-2.0
//
// Files and names with every allocation of the kernel failing in turn: open, create, mkdir, mknod,
// symlink, link, rename, write, truncate, directories, descriptors, locks, /proc. See
// guest/user/lib/fail.h.
#include <dirent.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "guest/user/lib/fail.h"
#include "guest/user/lib/memory.h"

static char directory[] = "/tmp/fv_failXXXXXX";

static void RemoveDirectory(void) {
  unlink("there");
  rmdir("below");
  rmdir(directory);
}

// A directory of the program's own, made once: a file and a directory in it.
static void InDirectory(void) {
  if (access("there", F_OK) == 0) return;
  atexit(RemoveDirectory);
  CHECK(mkdtemp(directory) != NULL);
  CHECK_INT(chdir(directory), 0);
  CHECK_INT(close(creat("there", 0600)), 0);
  CHECK_INT(mkdir("below", 0700), 0);
}

static long Closed(long fd) {
  if (fd >= 0) CHECK_INT(close((int)fd), 0);
  return fd;
}

// A name that is too long to stand in its directory entry itself.
#define LONG_NAME \
  "a_name_that_is_longer_than_those_that_most_files_have_and_needs_memory_of_its_own"

static long Open(void) { return Closed(FAILING(open("there", O_RDWR))); }
static long Create(void) {
  long fd = Closed(FAILING(open(LONG_NAME, O_CREAT | O_RDWR, 0600)));
  CHECK_INT(unlink(LONG_NAME), fd >= 0 ? 0 : -1);
  return fd;
}
static long Tmpfile(void) { return Closed(FAILING(open(".", O_TMPFILE | O_RDWR, 0600))); }
static long Mkdir(void) {
  long result = FAILING(mkdir("new", 0700));
  CHECK_INT(rmdir("new"), result);
  return result;
}
static long Mkfifo(void) {
  long result = FAILING(mkfifo("new", 0600));
  CHECK_INT(unlink("new"), result);
  return result;
}
static long OpenFifo(void) {
  CHECK_INT(mkfifo("fifo", 0600), 0);
  long fd = Closed(FAILING(open("fifo", O_RDWR)));
  CHECK_INT(unlink("fifo"), 0);
  return fd;
}
static long Symlink(void) {
  long result = FAILING(symlink(LONG_NAME, "new"));
  CHECK_INT(unlink("new"), result);
  return result;
}
static long Link(void) {
  long result = FAILING(link("there", "new"));
  CHECK_INT(unlink("new"), result);
  return result;
}
static long Rename(void) {
  long result = FAILING(rename("there", LONG_NAME));
  CHECK_INT(rename(LONG_NAME, "there"), result);
  CHECK_INT(access("there", F_OK), 0);
  return result;
}
static long RenameOver(void) {
  CHECK_INT(close(creat("other", 0600)), 0);
  long result = FAILING(rename("other", "there"));
  CHECK_INT(access("there", F_OK), 0);
  if (result != 0) CHECK_INT(unlink("other"), 0);
  return result;
}
static long RenameExchange(void) {  // a long name for a short one
  CHECK_INT(close(creat(LONG_NAME, 0600)), 0);
  long result = FAILING(syscall(SYS_renameat2, AT_FDCWD, "there", AT_FDCWD, LONG_NAME, 2));
  CHECK_INT(access("there", F_OK), 0);
  CHECK_INT(unlink(LONG_NAME), 0);
  return result;
}
static long Unlink(void) {
  CHECK_INT(close(creat("other", 0600)), 0);
  long result = FAILING(unlink("other"));
  if (result != 0) CHECK_INT(unlink("other"), 0);
  return result;
}
static long Rmdir(void) {
  CHECK_INT(mkdir("other", 0700), 0);
  long result = FAILING(rmdir("other"));
  if (result != 0) CHECK_INT(rmdir("other"), 0);
  return result;
}
static long Readlink(void) {
  char text[64];
  return FAILING(readlink("/proc/self/exe", text, sizeof(text)));
}
static long Stat(void) {
  struct stat status;
  return FAILING(stat("below/../there", &status));
}
static long StatMissing(void) {
  struct stat status;
  long result = FAILING(stat("below/missing", &status));
  return result == -1 && errno == ENOENT ? 0 : result;
}
static long Chdir(void) {
  long result = FAILING(chdir("below"));
  if (result == 0) CHECK_INT(chdir(".."), 0);
  return result;
}
static long Getcwd(void) {
  char text[128];
  return FAILING(syscall(SYS_getcwd, text, sizeof(text)));
}

static long WriteFile(void) {
  static char data[3 * kPage];
  int fd = TempFile(0);
  long result = FAILING(write(fd, data, sizeof(data)));
  CHECK(lseek(fd, 0, SEEK_END) == (result < 0 ? 0 : result));
  CHECK_INT(close(fd), 0);
  return result;
}
static long WriteFar(void) {  // the index of the pages grows
  int fd = TempFile(1);
  long result = FAILING(pwrite(fd, "x", 1, (off_t)1 << 40));
  CHECK_INT(close(fd), 0);
  return result;
}
static long Truncate(void) {  // the rest of the last page becomes zero
  int fd = TempFile(2);
  long result = FAILING(ftruncate(fd, 100));
  CHECK_INT(close(fd), 0);
  return result;
}
static long Allocate(void) {
  int fd = TempFile(0);
  long result = FAILING(syscall(SYS_fallocate, fd, 0, 0L, 3L * kPage));
  CHECK_INT(close(fd), 0);
  return result;
}
static long Sendfile(void) {
  int from = TempFile(2), to = TempFile(0);
  off_t at = 0;
  long result = FAILING(sendfile(to, from, &at, 2 * kPage));
  CHECK_INT(close(from), 0);
  CHECK_INT(close(to), 0);
  return result;
}
static long ReadHole(void) {
  char byte;
  int fd = TempFile(0);
  CHECK_INT(ftruncate(fd, 3 * kPage), 0);
  long result = FAILING(pread(fd, &byte, 1, kPage));
  CHECK_INT(close(fd), 0);
  return result;
}

static long ListDirectory(void) {
  char entries[1024];
  int fd = open(".", O_RDONLY | O_DIRECTORY);
  long result = FAILING(syscall(SYS_getdents64, fd, entries, sizeof(entries)));
  CHECK_INT(close(fd), 0);
  return result;
}

// In children: the part of the table that is made stays with it.
static long DupHigh(void) { return FAILING(dup2(1, 900)); }
static long DupTo(void) { return InChild(DupHigh); }
static long DupFromHigh(void) { return FAILING(fcntl(1, F_DUPFD, 800)); }
static long DupFrom(void) { return InChild(DupFromHigh); }

static long LockRange(void) {  // the middle of a lock is given up: it becomes two
  int fd = TempFile(1);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 100};
  CHECK_INT(fcntl(fd, F_SETLK, &lock), 0);
  lock.l_type = F_UNLCK;
  lock.l_start = 40;
  lock.l_len = 10;
  long result = FAILING(fcntl(fd, F_SETLK, &lock));
  CHECK_INT(close(fd), 0);
  return result;
}
static long LockFile(void) {
  int fd = TempFile(1);
  long result = FAILING(flock(fd, LOCK_EX));
  CHECK_INT(close(fd), 0);
  return result;
}

// /proc files make their text when they are read.
static long ReadProc(const char* path) {
  char text[256];
  int fd = open(path, O_RDONLY);
  CHECK(fd >= 0);
  long result = FAILING(read(fd, text, sizeof(text)));
  CHECK_INT(close(fd), 0);
  return result;
}
static long ProcMaps(void) { return ReadProc("/proc/self/maps"); }
static long ProcStatus(void) { return ReadProc("/proc/self/status"); }
static long ProcStat(void) { return ReadProc("/proc/stat"); }
static long ProcCmdline(void) { return ReadProc("/proc/self/cmdline"); }
static long ProcOpen(void) { return Closed(FAILING(open("/proc/self/task/../stat", O_RDONLY))); }
static long ProcList(void) {
  char entries[4096];
  int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
  long result = FAILING(syscall(SYS_getdents64, fd, entries, sizeof(entries)));
  CHECK_INT(close(fd), 0);
  return result;
}
static long ProcReopen(void) { return Closed(FAILING(open("/proc/self/fd/1", O_WRONLY))); }

static const FailCase kCases[] = {
    {"open", Open, InDirectory, {ENOMEM}},
    {"create", Create, InDirectory, {ENOMEM, ENOSPC}},
    {"tmpfile", Tmpfile, InDirectory, {ENOMEM, ENOSPC}},
    {"mkdir", Mkdir, InDirectory, {ENOMEM, ENOSPC}},
    {"mkfifo", Mkfifo, InDirectory, {ENOMEM, ENOSPC}},
    {"open_fifo", OpenFifo, InDirectory, {ENOMEM}},
    {"symlink", Symlink, InDirectory, {ENOMEM, ENOSPC}},
    {"link", Link, InDirectory, {ENOMEM}},
    {"rename", Rename, InDirectory, {ENOMEM}},
    {"rename_over", RenameOver, InDirectory, {ENOMEM}},
    {"rename_exchange", RenameExchange, InDirectory, {ENOMEM}},
    {"unlink", Unlink, InDirectory, {ENOMEM}},
    {"rmdir", Rmdir, InDirectory, {ENOMEM}},
    {"readlink", Readlink, NULL, {ENOMEM}},
    {"stat", Stat, InDirectory, {ENOMEM}},
    {"stat_missing", StatMissing, InDirectory, {ENOMEM}},
    {"chdir", Chdir, InDirectory, {ENOMEM}},
    {"getcwd", Getcwd, NULL, {ENOMEM}},
    {"write", WriteFile, NULL, {ENOMEM}},
    {"write_far", WriteFar, NULL, {ENOMEM}},
    {"truncate", Truncate, NULL, {ENOMEM}},
    {"fallocate", Allocate, NULL, {ENOMEM}},
    {"sendfile", Sendfile, NULL, {ENOMEM}},
    {"read_hole", ReadHole, NULL, {ENOMEM}},
    {"getdents", ListDirectory, InDirectory, {ENOMEM}},
    {"dup2", DupTo, NULL, {ENOMEM}},
    {"fcntl_dupfd", DupFrom, NULL, {ENOMEM}},
    {"fcntl_lock", LockRange, NULL, {ENOLCK}},
    {"flock", LockFile, NULL, {ENOMEM}},
    {"proc_maps", ProcMaps, NULL, {ENOMEM}},
    {"proc_status", ProcStatus, NULL, {ENOMEM}},
    {"proc_stat", ProcStat, NULL, {ENOMEM}},
    {"proc_cmdline", ProcCmdline, NULL, {ENOMEM}},
    {"proc_open", ProcOpen, NULL, {ENOMEM}},
    {"proc_list", ProcList, NULL, {ENOMEM}},
    {"proc_reopen", ProcReopen, NULL, {ENOMEM, ENXIO}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
