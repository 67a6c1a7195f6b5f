// SPDX-License-Identifier: Apache-2.0
//
// Limits under /proc/sys that can be set, and that they are obeyed: kernel.threads-max,
// kernel.pid_max, fs.nr_open, fs.pipe-max-size; who may, and what is refused. They are the
// machine's, so on Linux they are only read.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static const char* kThreadsMax = "/proc/sys/kernel/threads-max";
static const char* kPidMax = "/proc/sys/kernel/pid_max";
static const char* kNrOpen = "/proc/sys/fs/nr_open";
static const char* kPipeMax = "/proc/sys/fs/pipe-max-size";

static long Get(const char* path) {
  char text[32] = "";
  int fd = open(path, O_RDONLY);
  CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
  close(fd);
  return atol(text);
}

static int Set(const char* path, const char* value) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return errno;
  ssize_t n = write(fd, value, strlen(value));
  int error = n < 0 ? errno : 0;
  close(fd);
  return error;
}

static void SetBack(const char* path, long value) {
  char text[32];
  snprintf(text, sizeof(text), "%ld\n", value);
  CHECK_INT(Set(path, text), 0);
}

static void Threads(void) {
  long before = Get(kThreadsMax);
  pid_t children[32];
  int made = 0;
  Baton gate = MakeBaton();
  CHECK_INT(Set(kThreadsMax, "20"), 0);
  for (; made < 32; ++made) {
    children[made] = fork();
    if (children[made] == 0) {
      Take(&gate);
      _exit(0);
    }
    if (children[made] < 0) break;
  }
  CHECK_INT(errno, EAGAIN);
  CHECK(made > 5 && made < 20);
  SetBack(kThreadsMax, before);
  for (int i = 0; i < made; ++i) Give(&gate);
  for (int i = 0; i < made; ++i) CHECK_INT(WaitShell(children[i]), 0);
  DropBaton(&gate);
  CHECK_INT(Set(kThreadsMax, "19"), EINVAL);
  CHECK_INT(Set(kThreadsMax, "many"), EINVAL);
  CHECK_INT(Set(kThreadsMax, "-1"), EINVAL);
}

static void Leave(void* unused) { (void)unused; }

static void Wait2(void* gate) { Take(gate); }

// Numbers from 300 on are given out again when the limit is reached; those above stay in use.
static void Numbers(void) {
  const long before = Get(kPidMax);
  const pid_t far = 5000;
  struct clone_args call = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&far, .set_tid_size = 1};
  Baton gate = MakeBaton();
  const long held = syscall(SYS_clone3, &call, sizeof(call));
  if (held == 0) {
    Take(&gate);
    _exit(0);
  }
  CHECK_INT(held, far);
  CHECK_INT(Set(kPidMax, "302"), 0);
  pid_t last;
  do {
    last = Fork(Leave, NULL);
    CHECK(last < 302);
    CHECK_INT(WaitShell(last), 0);
  } while (last != 301);
  const pid_t first = Fork(Wait2, &gate), second = Fork(Wait2, &gate);
  CHECK_INT(first, 300);
  CHECK_INT(second, 301);
  CHECK_ERR(fork(), EAGAIN);
  CHECK_ERR(syscall(SYS_clone3, &call, sizeof(call)), EINVAL);
  CHECK_INT(Set(kPidMax, "300"), EINVAL);
  CHECK_INT(Set(kPidMax, "4194305"), EINVAL);
  SetBack(kPidMax, before);
  for (int i = 0; i < 3; ++i) Give(&gate);
  CHECK_INT(WaitShell(first) + WaitShell(second) + WaitShell((pid_t)held), 0);
  CHECK_INT(WaitShell(Fork(Leave, NULL)), 0);
}

static void Descriptors(void) {
  long before = Get(kNrOpen);
  struct rlimit limit = {2048, 2048};
  CHECK_INT(Set(kNrOpen, "1024"), 0);
  CHECK_ERR(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
  SetBack(kNrOpen, before);
  CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void AsUser(void* unused) {
  (void)unused;
  int fds[2];
  CHECK_INT(setuid(65534), 0);
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(fcntl(fds[0], F_SETPIPE_SZ, 128 * 1024), 128 * 1024);
  CHECK_ERR(fcntl(fds[0], F_SETPIPE_SZ, 256 * 1024), EPERM);
  CHECK_INT(Set(kPipeMax, "1048576"), EACCES);
}

static void Pipes(void) {
  long before = Get(kPipeMax);
  CHECK_INT(Set(kPipeMax, "100000"), 0);
  CHECK_INT(Get(kPipeMax), 131072);  // as much as a pipe can have: a power of two
  CHECK_INT(RunChild(AsUser, NULL), 0);
  CHECK_INT(Set(kPipeMax, "0"), EINVAL);
  SetBack(kPipeMax, before);
}

int main(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  CHECK(Get(kThreadsMax) >= 20);
  CHECK(Get(kNrOpen) >= 1024 && Get(kPipeMax) >= kPage);
  if (strstr(name.release, "forkvisor")) {
    Threads();
    Numbers();
    Descriptors();
    Pipes();
  }
  Ok("limits under /proc/sys");
  return Finish();
}
