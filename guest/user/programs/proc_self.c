// SPDX-License-Identifier: Apache-2.0
//
// What programs read in /proc about themselves: exe, cmdline, maps, stat, status, fd, comm, and of
// a child: its state while it runs, sleeps, is stopped, and is a zombie.
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "guest/user/lib/guest.h"
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static char text[65536];

static ssize_t ReadFile(const char* path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  ssize_t total = 0;
  for (ssize_t n; (n = read(fd, text + total, sizeof(text) - 1 - (size_t)total)) > 0;) total += n;
  text[total] = 0;
  close(fd);
  return total;
}

static long Field(const char* name) {
  const char* line = strstr(text, name);
  return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

static void ExeAndStatus(const char* argv0) {
  char path[512] = "";
  ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
  CHECK(n > 0 && path[0] == '/');
  CHECK(strcmp(BaseName(path), BaseName(argv0)) == 0);
  CHECK(ReadFile("/proc/self/cmdline") > 0);
  CHECK(strcmp(text, argv0) == 0);
  CHECK(ReadFile("/proc/self/comm") > 0);
  CHECK(strncmp(text, BaseName(argv0), 9) == 0);
  CHECK(ReadFile("/proc/self/status") > 0);
  CHECK_INT(Field("\nPid:"), getpid());
  CHECK_INT(Field("\nTgid:"), getpid());
  CHECK_INT(Field("\nPPid:"), getppid());
  CHECK_INT(Field("\nThreads:"), 1);
  CHECK_INT(Field("\nUid:"), getuid());
  CHECK(Field("\nVmRSS:") > 0);
  Ok("exe, cmdline, comm, status");
}

static void Stat(void) {
  CHECK(ReadFile("/proc/self/stat") > 0);
  CHECK_INT(strtol(text, NULL, 10), getpid());
  char* after = strrchr(text, ')');
  CHECK(after != NULL);
  char state = 0;
  int parent = 0, group = 0, session = 0;
  CHECK_INT(sscanf(after + 1, " %c %d %d %d", &state, &parent, &group, &session), 4);
  CHECK_INT(state, 'R');
  CHECK_INT(parent, getppid());
  CHECK_INT(group, getpgrp());
  CHECK_INT(session, getsid(0));
  Ok("stat");
}

// Finds the line of maps that holds the address; its permissions.
static const char* Permissions(const void* address) {
  static char permissions[8];
  ReadFile("/proc/self/maps");
  for (char* line = text; line && *line;) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx %4s", &from, &to, permissions) == 3 &&
        (unsigned long)address >= from && (unsigned long)address < to) {
      return permissions;
    }
    line = strchr(line, '\n');
    if (line) ++line;
  }
  return "none";
}

static void Maps(void) {
  static int data = 1;
  unsigned char* memory = Pages(4);
  CHECK_INT(mprotect(memory + kPage, kPage, PROT_READ), 0);
  CHECK(strcmp(Permissions((void*)(uintptr_t)Maps), "r-xp") == 0);
  CHECK(strcmp(Permissions(&data), "rw-p") == 0);
  CHECK(strcmp(Permissions(memory), "rw-p") == 0);
  CHECK(strcmp(Permissions(memory + kPage), "r--p") == 0);
  CHECK(strcmp(Permissions(memory + 2 * kPage), "rw-p") == 0);
  CHECK(strcmp(Permissions(SharedMemory(4096)), "rw-s") == 0);
  CHECK(strcmp(Permissions((void*)8), "none") == 0);
  int local;
  CHECK(strcmp(Permissions(&local), "rw-p") == 0);
  ReadFile("/proc/self/maps");
  CHECK(strstr(text, "[stack]") != NULL);
  Ok("maps");
}

static char StateOf(pid_t pid) {
  char path[32];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  if (ReadFile(path) < 0) return '-';
  char* after = strrchr(text, ')');
  return after ? after[2] : '?';
}

static Baton gate;
static void Blocks(void* unused) {
  (void)unused;
  Take(&gate);
}

static void States(void) {
  gate = MakeBaton();
  pid_t child = Fork(Blocks, NULL);
  while (StateOf(child) != 'S') sched_yield();
  kill(child, SIGSTOP);
  int status;
  CHECK_INT(waitpid(child, &status, WUNTRACED), child);
  char state = StateOf(child);
  CHECK_INT(state, InGuest() || state != 't' ? 'T' : 't');  // natively a tracer shows through
  kill(child, SIGCONT);
  Give(&gate);
  siginfo_t info;
  CHECK_INT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
  CHECK_INT(StateOf(child), 'Z');
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(StateOf(child), '-');
  Ok("states of a child");
}

// /proc/PID/syscall: the call that a process sleeps in, with its arguments.
static void SleepsIn(void) {
  gate = MakeBaton();
  pid_t child = Fork(Blocks, NULL);
  AwaitSleep(child, child);
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/syscall", child);
  unsigned long number = 0, fd = 0, buffer = 0, count = 0;
  ReadFile(path);
  CHECK_INT(sscanf(text, "%lu 0x%lx 0x%lx 0x%lx", &number, &fd, &buffer, &count), 4);
  CHECK(number == SYS_read && fd == (unsigned long)gate.read_end && buffer != 0 && count == 1);
  Give(&gate);
  CHECK_INT(WaitShell(child), 0);
  Ok("the call that a child sleeps in");
}

static void Descriptors(void) {
  int fd = open("/dev/null", O_RDONLY);
  char path[64], target[64] = "";
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  CHECK(readlink(path, target, sizeof(target) - 1) > 0);
  CHECK(strcmp(target, "/dev/null") == 0);
  DIR* stream = opendir("/proc/self/fd");
  CHECK(stream != NULL);
  int found = 0;
  for (struct dirent* entry; stream && (entry = readdir(stream));) {
    found += entry->d_name[0] != '.' && atoi(entry->d_name) == fd;
  }
  CHECK_INT(found, 1);
  Ok("fd");
}

int main(int argc, char** argv) {
  (void)argc;
  ExeAndStatus(argv[0]);
  Stat();
  Maps();
  States();
  SleepsIn();
  Descriptors();
  return Finish();
}
