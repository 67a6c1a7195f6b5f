// SPDX-License-Identifier: Apache-2.0
//
// What /proc shows of a process that has ended: as a zombie it keeps its numbers and loses memory,
// files and directories; once it is waited for, descriptors that were opened on its directory lead
// nowhere. /proc/PID/mem of a process that executes or ends shows nothing of what comes then.
#include <sys/stat.h>

#include "guest/user/lib/guest.h"
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

// 0, or the error of opening the file in the directory of the process.
static int Opens(int directory, const char* name) {
  const int fd = openat(directory, name, O_RDONLY);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

// Bytes read at first, at most 1, or minus the error.
static int Reads(int directory, const char* name) {
  char byte;
  const int fd = openat(directory, name, O_RDONLY);
  if (fd < 0) return -errno;
  const ssize_t n = read(fd, &byte, 1);
  const int result = n < 0 ? -errno : (int)n;
  close(fd);
  return result;
}

static int LinkError(int directory, const char* name) {
  char text[64];
  return readlinkat(directory, name, text, sizeof(text)) < 0 ? errno : 0;
}

// A zombie's files are the real root's, which a native run need not be.
static int IsHidden(int error) { return error == EACCES && !InGuest(); }

static void Zombie(int directory) {
  static const char* const kOfMemory[] = {"environ", "auxv", "pagemap", "mem", "smaps_rollup"};
  static const char* const kEmpty[] = {"cmdline", "maps", "smaps"};
  static const char* const kFilled[] = {"stat",  "statm",        "status",        "limits",
                                        "comm",  "oom_score",    "oom_score_adj", "schedstat",
                                        "wchan", "timerslack_ns"};
  static const char* const kLinks[] = {"exe", "cwd", "root", "fd/0"};
  for (size_t i = 0; i < sizeof(kOfMemory) / sizeof(kOfMemory[0]); ++i) {
    const int error = Opens(directory, kOfMemory[i]);
    CHECK(error == ESRCH || IsHidden(error));
  }
  for (size_t i = 0; i < sizeof(kEmpty) / sizeof(kEmpty[0]); ++i) {
    CHECK_INT(Reads(directory, kEmpty[i]), 0);
  }
  for (size_t i = 0; i < sizeof(kFilled) / sizeof(kFilled[0]); ++i) {
    CHECK_INT(Reads(directory, kFilled[i]), 1);
  }
  for (size_t i = 0; i < sizeof(kLinks) / sizeof(kLinks[0]); ++i) {
    const int error = LinkError(directory, kLinks[i]);
    CHECK(error == ENOENT || IsHidden(error));
  }
}

static void Reaped(int directory) {
  char text[64];
  static const char* const kNames[] = {"stat", "cmdline", "fd", "exe", "no such thing"};
  struct stat status;
  for (size_t i = 0; i < sizeof(kNames) / sizeof(kNames[0]); ++i) {
    CHECK_INT(Opens(directory, kNames[i]), ESRCH);
    CHECK_ERR(fstatat(directory, kNames[i], &status, AT_SYMLINK_NOFOLLOW), ESRCH);
  }
  CHECK_ERR(readlinkat(directory, "cwd", text, sizeof(text)), ESRCH);
  CHECK_INT(fstat(directory, &status), 0);
}

static void Ended(void) {
  char path[32], byte;
  siginfo_t info;
  const pid_t pid = fork();
  if (pid == 0) _exit(3);
  CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
  snprintf(path, sizeof(path), "/proc/%d", pid);
  const int directory = open(path, O_RDONLY | O_DIRECTORY);
  const int stat_file = openat(directory, "stat", O_RDONLY);
  const int comm = openat(directory, "comm", O_RDONLY);
  Zombie(directory);
  Ok("zombie");
  CHECK_INT(WaitShell(pid), 3);
  Reaped(directory);
  CHECK_ERR(open(path, O_RDONLY), ENOENT);
  CHECK_ERR(read(stat_file, &byte, 1), ESRCH);
  CHECK_ERR(read(comm, &byte, 1), ESRCH);
  close(directory);
  close(stat_file);
  close(comm);
  Ok("reaped");
}

// The file belongs to the memory, not to the process.
static void Memory(const char* self) {
  char path[32], byte = 'x';
  static unsigned char word = 'w';
  const Baton begin = MakeBaton(), end = MakeBaton();
  const pid_t pid = fork();
  if (pid == 0) {
    Take(&begin);
    char fds[2][12];
    snprintf(fds[0], sizeof(fds[0]), "%d", begin.read_end);
    snprintf(fds[1], sizeof(fds[1]), "%d", end.write_end);
    execl(self, self, fds[0], fds[1], NULL);
    _exit(97);
  }
  snprintf(path, sizeof(path), "/proc/%d/mem", pid);
  const int memory = open(path, O_RDWR);
  CHECK_INT(pread(memory, &byte, 1, (off_t)(uintptr_t)&word), 1);
  CHECK_INT(byte, 'w');
  Give(&begin);
  Take(&end);  // it has executed
  AWAIT_ON_HOST(pread(memory, &byte, 1, (off_t)(uintptr_t)&word) == 0);
  CHECK_INT(pread(memory, &byte, 1, (off_t)(uintptr_t)&word), 0);
  CHECK_INT(pwrite(memory, "z", 1, (off_t)(uintptr_t)&word), 0);
  const int after = open(path, O_RDONLY);
  CHECK_INT(pread(after, &byte, 1, (off_t)(uintptr_t)&word), 1);
  Give(&begin);
  CHECK_INT(WaitShell(pid), 'w');
  AWAIT_ON_HOST(pread(after, &byte, 1, (off_t)(uintptr_t)&word) == 0);
  CHECK_INT(pread(after, &byte, 1, (off_t)(uintptr_t)&word), 0);
  close(memory);
  close(after);
  Ok("memory");
}

static void BecomesUser(void* gates) {
  const Baton* const* gate = gates;
  CHECK_INT(setgid(65533), 0);
  CHECK_INT(setuid(65534), 0);
  Give(gate[0]);
  Take(gate[1]);
}

// Whose it is shows even where its files are closed to its user. It takes a real root.
static void Owner(void) {
  char path[32];
  struct stat status;
  const Baton ready = MakeBaton(), go = MakeBaton();
  const Baton* gates[] = {&ready, &go};
  const pid_t pid = Fork(BecomesUser, gates);
  Take(&ready);
  snprintf(path, sizeof(path), "/proc/%d", pid);
  CHECK_INT(stat(path, &status), 0);
  CHECK(status.st_uid == 65534 && status.st_gid == 65533);
  snprintf(path, sizeof(path), "/proc/%d/environ", pid);
  CHECK_INT(stat(path, &status), 0);
  CHECK(status.st_uid == 0 && status.st_gid == 0);
  Give(&go);
  CHECK_INT(WaitShell(pid), 0);
}

int main(int argc, char** argv) {
  static volatile unsigned char word = 'w';
  if (argc > 2) {
    const Baton begin = {atoi(argv[1]), -1}, end = {-1, atoi(argv[2])};
    Give(&end);
    Take(&begin);
    return word;
  }
  Ended();
  Memory(argv[0]);
  if (InGuest()) Owner();
  Ok("owner");
  return Finish();
}
