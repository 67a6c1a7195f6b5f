// SPDX-License-Identifier: Apache-2.0
//
// syslog(2), /dev/kmsg and /proc/kmsg: who may, what is refused, and in the guest, whose log nobody
// else reads, what is written, taken, shown and cleared, and what the console is told to show.
// Without the privilege (natively perhaps) everything is refused.
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/utsname.h>

#include "guest/user/lib/proc.h"

enum {
  kClose,
  kOpen,
  kRead,
  kReadAll,
  kReadClear,
  kClear,
  kConsoleOff,
  kConsoleOn,
  kConsoleLevel,
  kSizeUnread,
  kSizeBuffer,
};
#define DEV_KMSG "/dev/kmsg"

static char text[65536];
static bool own_log;

static long Syslog(int action, void* buffer, int length) {
  return syscall(SYS_syslog, action, buffer, length);
}

static void Refused(void* arg) {
  (void)arg;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  CHECK_INT(syscall(SYS_capget, &header, data), 0);
  data[1].effective &= ~(1u << (CAP_SYSLOG - 32));
  CHECK_INT(syscall(SYS_capset, &header, data), 0);
  const int kRestricted[] = {kClose,      kOpen,       kRead,      kReadClear,
                             kClear,      kConsoleOff, kConsoleOn, kConsoleLevel,
                             kSizeUnread, 11,          -1};
  for (size_t i = 0; i < sizeof(kRestricted) / sizeof(int); ++i) {
    CHECK_ERR(Syslog(kRestricted[i], NULL, -1), EPERM);  // before any look at the arguments
  }
  CHECK_ERR(Syslog(kReadAll, text, sizeof(text)), EPERM);
  CHECK_ERR(Syslog(kSizeBuffer, NULL, 0), EPERM);
  // On a host the files may be out of reach.
  CHECK_INT(open("/proc/kmsg", O_RDONLY), -1);
  CHECK(errno == EPERM || (!own_log && (errno == EACCES || errno == ENOENT)));
  CHECK_INT(open(DEV_KMSG, O_RDONLY), -1);
  CHECK(errno == EPERM || (!own_log && (errno == EACCES || errno == ENOENT)));
}

static void Arguments(void) {
  for (int action = kRead; action <= kReadClear; ++action) {
    CHECK_ERR(Syslog(action, NULL, 10), EINVAL);
    CHECK_ERR(Syslog(action, text, -1), EINVAL);
    CHECK_INT(Syslog(action, text, 0), 0);
    CHECK_ERR(Syslog(action, (void*)-4096L, 10), EFAULT);
  }
  CHECK_ERR(Syslog(kConsoleLevel, NULL, 0), EINVAL);
  CHECK_ERR(Syslog(kConsoleLevel, NULL, 9), EINVAL);
  CHECK_ERR(Syslog(kSizeBuffer + 1, NULL, 0), EINVAL);
  CHECK_ERR(Syslog(-1, NULL, 0), EINVAL);
  CHECK_INT(Syslog(kClose, NULL, 0), 0);
  CHECK_INT(Syslog(kOpen, NULL, 0), 0);
  CHECK(Syslog(kSizeBuffer, NULL, 0) >= 4096);
  CHECK(Syslog(kSizeUnread, NULL, 0) >= 0);
}

static void DeviceArguments(void) {
  int fd = open(DEV_KMSG, O_RDONLY | O_NONBLOCK);
  CHECK(fd >= 0);
  CHECK_ERR(lseek(fd, 1, SEEK_SET), ESPIPE);
  CHECK_ERR(lseek(fd, 0, SEEK_CUR), EINVAL);
  CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
  CHECK_ERR(read(fd, text, 8), EINVAL);  // no record is that short
  CHECK_INT(lseek(fd, 0, SEEK_END), 0);
  CHECK_ERR(read(fd, text, 8), EAGAIN);
  close(fd);
  fd = open(DEV_KMSG, O_WRONLY);
  CHECK(fd >= 0);
  CHECK_ERR(write(fd, text, 1025), EINVAL);
  CHECK_ERR(write(fd, (void*)8L, 5), EFAULT);
  close(fd);
}

static void Put(const char* message) {
  int fd = open(DEV_KMSG, O_WRONLY);
  CHECK_INT(write(fd, message, strlen(message)), strlen(message));
  close(fd);
}

// The messages in `text`, without times, are these: "<12> one\n<12> two\n".
static void CheckLines(long length, const char* want) {
  CHECK(length >= 0);
  char seen[1024] = "";
  size_t at = 0;
  bool in_time = false;
  for (long i = 0; i < length && at + 1 < sizeof(seen); ++i) {
    if (text[i] == '[') in_time = true;
    if (!in_time) seen[at++] = text[i];
    if (text[i] == ']') in_time = false;
  }
  if (strcmp(seen, want) != 0) Say("FAIL: log is \"%s\", not \"%s\"", seen, want), ++fv_failures;
}

static void Shown(void) {
  CHECK_INT(Syslog(kClear, NULL, 0), 0);
  CHECK_INT(Syslog(kReadAll, text, sizeof(text)), 0);
  Put("one\n");
  Put("<6>two");
  CheckLines(Syslog(kReadAll, text, sizeof(text)), "<12> one\n<14> two\n");
  CheckLines(Syslog(kReadAll, text, 30), "<14> two\n");  // the newest that fit
  CheckLines(Syslog(kReadAll, text, 5), "");
  CHECK_ERR(Syslog(kReadClear, (void*)8L, 100), EFAULT);
  CheckLines(Syslog(kReadClear, text, sizeof(text)), "<12> one\n<14> two\n");
  CHECK_INT(Syslog(kReadAll, text, sizeof(text)), 0);
  Put("<30>lines\nof one");  // facility 3, level 6
  CheckLines(Syslog(kReadAll, text, sizeof(text)), "<30> lines\n<30> of one\n");
}

static void TakesWhenThereIsSome(void* arg) {
  (void)arg;
  CheckLines(Syslog(kRead, text, sizeof(text)), "<12> late\n");
}

static void Interrupted(int signal_number) { (void)signal_number; }

static void Taken(void) {
  while (Syslog(kSizeUnread, NULL, 0) > 0) CHECK(Syslog(kRead, text, sizeof(text)) > 0);
  Put("one");
  Put("two");
  long bytes = Syslog(kSizeUnread, NULL, 0);
  CHECK(bytes > 20);
  CHECK_INT(Syslog(kRead, text, 4), 4);  // a piece of the first
  CHECK_INT(memcmp(text, "<12>", 4), 0);
  CHECK_INT(Syslog(kSizeUnread, NULL, 0), bytes - 4);
  long more = Syslog(kRead, text, (int)bytes / 2 - 4);
  CheckLines(more, " one\n");
  CheckLines(Syslog(kRead, text, sizeof(text)), "<12> two\n");
  CHECK_INT(Syslog(kSizeUnread, NULL, 0), 0);
  pid_t reader = Fork(TakesWhenThereIsSome, NULL);
  AwaitSleep(reader, reader);
  Put("late");
  CHECK_INT(WaitShell(reader), 0);
  Handle(SIGALRM, Interrupted, 0);
  ualarm(1000, 1000);
  CHECK_ERR(Syslog(kRead, text, sizeof(text)), EINTR);
  ualarm(0, 0);
}

static void ProcFile(void) {
  int fd = open("/proc/kmsg", O_RDONLY | O_NONBLOCK);
  CHECK(fd >= 0);
  struct pollfd ready = {fd, POLLIN, 0};
  CHECK_INT(poll(&ready, 1, 0), 0);
  CHECK_ERR(read(fd, text, sizeof(text)), EAGAIN);
  Put("three");
  CHECK_INT(poll(&ready, 1, -1), 1);
  CHECK_INT(ready.revents, POLLIN);
  CheckLines(read(fd, text, sizeof(text)), "<12> three\n");
  CHECK_INT(Syslog(kSizeUnread, NULL, 0), 0);
  CHECK_INT(close(fd), 0);
}

static void DeviceFile(void) {
  CHECK_INT(Syslog(kClear, NULL, 0), 0);
  int fd = open(DEV_KMSG, O_RDONLY | O_NONBLOCK), other = open(DEV_KMSG, O_RDONLY | O_NONBLOCK);
  CHECK_INT(lseek(fd, 0, SEEK_DATA), 0);
  CHECK_INT(lseek(other, 0, SEEK_END), 0);
  Put("<13>a\\b\tc");
  for (int i = 0; i < 2; ++i) {
    memset(text, 0, 200);
    unsigned priority = 0;
    unsigned long sequence = 0, us = 0;
    char rest[64] = "";
    CHECK(read(i == 0 ? fd : other, text, sizeof(text)) > 0);
    CHECK_INT(sscanf(text, "%u,%lu,%lu,-;%63[^\n]", &priority, &sequence, &us, rest), 4);
    CHECK_INT(priority, 13);
    CHECK_INT(strcmp(rest, "a\\x5cb\\x09c"), 0);
  }
  CHECK_ERR(read(fd, text, sizeof(text)), EAGAIN);
  CHECK_INT(Syslog(kConsoleOff, NULL, 0), 0);
  for (int i = 0; i < 100; ++i) Put("one of many that push the first ones out");
  CHECK_INT(Syslog(kConsoleOn, NULL, 0), 0);
  CHECK_ERR(read(fd, text, sizeof(text)), EPIPE);
  CHECK(read(fd, text, sizeof(text)) > 0);
  CHECK(Syslog(kSizeUnread, NULL, 0) <= 65536);
  CHECK(Syslog(kRead, text, sizeof(text)) > 0);
  close(fd);
  close(other);
}

static int ConsoleShows(void) {
  char levels[64] = "";
  int fd = open("/proc/sys/kernel/printk", O_RDONLY), level = -1, message = -1, least = -1;
  CHECK(read(fd, levels, sizeof(levels) - 1) > 0);
  CHECK_INT(sscanf(levels, "%d\t%d\t%d", &level, &message, &least), 3);
  CHECK_INT(message, 4);
  CHECK_INT(least, 1);
  close(fd);
  return level;
}

static void Console(void) {
  const int before = ConsoleShows();
  CHECK_INT(Syslog(kConsoleLevel, NULL, 5), 0);
  CHECK_INT(ConsoleShows(), 5);
  CHECK_INT(Syslog(kConsoleOff, NULL, 0), 0);
  CHECK_INT(ConsoleShows(), 1);
  CHECK_INT(Syslog(kConsoleOff, NULL, 0), 0);
  CHECK_INT(Syslog(kConsoleOn, NULL, 0), 0);
  CHECK_INT(ConsoleShows(), 5);
  CHECK_INT(Syslog(kConsoleOn, NULL, 0), 0);
  CHECK_INT(ConsoleShows(), 5);
  CHECK_INT(Syslog(kConsoleOff, NULL, 0), 0);
  CHECK_INT(Syslog(kConsoleLevel, NULL, 8), 0);  // takes back what was switched off
  CHECK_INT(Syslog(kConsoleOn, NULL, 0), 0);
  CHECK_INT(ConsoleShows(), 8);
  CHECK_INT(Syslog(kConsoleLevel, NULL, before), 0);
  int fd = open("/proc/sys/kernel/printk", O_WRONLY);
  CHECK_INT(write(fd, "6\n", 2), 2);
  CHECK_INT(ConsoleShows(), 6);
  CHECK_INT(write(fd, "7 4 1 7\n", 8), 8);
  CHECK_ERR(write(fd, "x\n", 2), EINVAL);
  CHECK_INT(ConsoleShows(), 7);
  close(fd);
}

int main(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  own_log = strstr(name.release, "forkvisor") != NULL;
  CHECK_INT(RunChild(Refused, NULL), 0);
  Ok("refused without the capability");
  const bool allowed = Syslog(kClose, NULL, 0) == 0;
  if (allowed) Arguments();
  if (allowed && access(DEV_KMSG, R_OK | W_OK) == 0) DeviceArguments();
  Ok("arguments");
  if (own_log) {
    CHECK(allowed);
    long length = Syslog(kReadAll, text, sizeof(text));
    CHECK(length > 0 && strstr(text, "] Linux version "));
    Shown();
  }
  Ok("shown and cleared");
  if (own_log) Taken();
  Ok("taken");
  if (own_log) ProcFile();
  Ok("/proc/kmsg");
  if (own_log) DeviceFile();
  Ok("/dev/kmsg");
  if (own_log) Console();
  Ok("console");
  return Finish();
}
