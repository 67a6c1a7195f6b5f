// SPDX-License-Identifier: Apache-2.0
//
// F33, F38, uts namespaces, and namespaces as files: names and their limits, /proc/sys/kernel,
// /proc/PID/ns with readlink, stat, ioctl, setns by file and by pidfd.
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "guest/user/lib/namespaces.h"

enum { kPidfdOpen = 434, kNameMost = 64, kGetPidFrom = 0x8004b706, kGetTgidIn = 0x8004b709 };

// ---- Names ---------------------------------------------------------------------------------
static void ExpectNames(const char* host, const char* domain) {
  struct utsname names;
  CHECK_INT(uname(&names), 0);
  CHECK(strcmp(names.nodename, host) == 0);
  CHECK(strcmp(names.domainname, domain) == 0);
  char text[128], line[128];
  CHECK(ReadText("/proc/sys/kernel/hostname", text, sizeof(text)) > 0);
  snprintf(line, sizeof(line), "%s\n", host);
  CHECK(strcmp(text, line) == 0);
  CHECK(ReadText("/proc/sys/kernel/domainname", text, sizeof(text)) > 0);
  snprintf(line, sizeof(line), "%s\n", domain);
  CHECK(strcmp(text, line) == 0);
}

static void WriteName(const char* path, const char* name) {
  int fd = open(path, O_WRONLY);
  CHECK(fd >= 0);
  CHECK_INT(write(fd, name, strlen(name)), strlen(name));
  close(fd);
}

static void ChildNames(void* unused) {
  (void)unused;
  ExpectNames("inner", "example.org");
  CHECK_INT(sethostname("deepest", 7), 0);
}

static void Names(void* unused) {
  (void)unused;
  CHECK_INT(unshare(CLONE_NEWUTS), 0);
  CHECK_INT(sethostname("one", 3), 0);
  CHECK_INT(setdomainname("example.org", 11), 0);
  ExpectNames("one", "example.org");
  char most[kNameMost + 2];
  memset(most, 'm', sizeof(most));
  CHECK_ERR(sethostname(most, kNameMost + 1), EINVAL);
  CHECK_ERR(syscall(SYS_sethostname, most, -1), EINVAL);
  CHECK_ERR(setdomainname(most, kNameMost + 1), EINVAL);
  CHECK_ERR(syscall(SYS_sethostname, (void*)8, 5), EFAULT);
  ExpectNames("one", "example.org");
  CHECK_INT(sethostname(most, kNameMost), 0);
  most[kNameMost] = 0;
  ExpectNames(most, "example.org");
  WriteName("/proc/sys/kernel/hostname", "written\n");
  ExpectNames("written", "example.org");
  WriteName("/proc/sys/kernel/domainname", "by proc");
  ExpectNames("written", "by proc");
  CHECK_INT(sethostname("", 0), 0);
  CHECK_INT(setdomainname("example.org", 11), 0);
  ExpectNames("", "example.org");
  CHECK_INT(sethostname("inner", 5), 0);
  CHECK_INT(RunCloned(CLONE_NEWUTS, ChildNames, NULL), 0);
  ExpectNames("inner", "example.org");
  CHECK_INT(RunChild(ChildNames, NULL), 0);  // shared, without the flag
  ExpectNames("deepest", "example.org");
  CHECK_INT(setuid(1000), 0);
  CHECK_ERR(sethostname("x", 1), EPERM);
  CHECK_ERR(syscall(SYS_sethostname, most, -1), EPERM);
  CHECK_ERR(setdomainname("x", 1), EPERM);
}

// ---- Links -----------------------------------------------------------------------------------
static void LinkOf(pid_t pid, const char* name, char text[64]) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
  ssize_t n = readlink(path, text, 63);
  text[n > 0 ? n : 0] = 0;
}

static int OpenOf(pid_t pid, const char* name) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
  return open(path, O_RDONLY | O_CLOEXEC);
}

static void ExpectKind(const char* name, int kind, unsigned long inode) {
  char text[64], expected[64], path[64];
  LinkOf(getpid(), name, text);
  int fd = OpenOf(getpid(), name);
  struct stat by_fd, by_path;
  struct statfs fs;
  CHECK_INT(fstat(fd, &by_fd), 0);
  snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
  CHECK_INT(stat(path, &by_path), 0);
  CHECK(by_fd.st_ino == by_path.st_ino && by_fd.st_dev == by_path.st_dev);
  CHECK(S_ISREG(by_fd.st_mode) && (by_fd.st_mode & 0777) == 0444);
  CHECK_INT(by_fd.st_ino, inode);
  CHECK_INT(fstatfs(fd, &fs), 0);
  CHECK_INT(fs.f_type, 0x6e736673);
  snprintf(expected, sizeof(expected), "%s:[%lu]", kind == CLONE_NEWUTS ? "uts" : "pid", inode);
  CHECK(strcmp(text, expected) == 0);
  CHECK_INT(ioctl(fd, NS_GET_NSTYPE), kind);
  CHECK_ERR(ioctl(fd, NS_GET_OWNER_UID, &by_fd), EINVAL);
  CHECK_ERR(ioctl(fd, NS_GET_PARENT), kind == CLONE_NEWPID ? EPERM : EINVAL);
  char byte;
  CHECK_ERR(read(fd, &byte, 1), EINVAL);
  CHECK_ERR(open(path, O_RDWR), EPERM);
  close(fd);
}

static void Links(void) {
  struct stat uts, pid;
  CHECK_INT(stat("/proc/self/ns/uts", &uts), 0);
  CHECK_INT(stat("/proc/self/ns/pid", &pid), 0);
  ExpectKind("uts", CLONE_NEWUTS, uts.st_ino);
  ExpectKind("pid", CLONE_NEWPID, pid.st_ino);
  ExpectKind("pid_for_children", CLONE_NEWPID, pid.st_ino);
  CHECK(access("/proc/thread-self/ns/uts", F_OK) == 0);
}

// ---- setns -----------------------------------------------------------------------------------
static Baton ready, end;

static void Holds(void* unused) {
  (void)unused;
  CHECK_INT(sethostname("held", 4), 0);
  Give(&ready);
  Take(&end);
}

static void ExitsWithPid(void* unused) {
  (void)unused;
  _exit(RawPid());
}

static void CannotLeave(void* outer_) {
  CHECK_ERR(setns(*(int*)outer_, 0), EINVAL);
  CHECK_ERR(setns(*(int*)outer_, CLONE_NEWPID), EINVAL);
}

static void ByFile(void* holder_) {
  pid_t holder = *(pid_t*)holder_;
  int uts = OpenOf(holder, "uts"), pid = OpenOf(holder, "pid"), own = OpenOf(getpid(), "pid");
  CHECK_ERR(setns(uts, CLONE_NEWPID), EINVAL);
  CHECK_ERR(setns(-1, 0), EBADF);
  int null = open("/dev/null", O_RDONLY);
  CHECK_ERR(setns(null, 0), EINVAL);
  CHECK_INT(setns(uts, CLONE_NEWUTS), 0);
  struct utsname names;
  CHECK_INT(uname(&names), 0);
  CHECK(strcmp(names.nodename, "held") == 0);
  CHECK_INT(setns(pid, 0), 0);
  char mine[64], children[64], theirs[64];
  LinkOf(getpid(), "pid", mine);
  LinkOf(getpid(), "pid_for_children", children);
  LinkOf(holder, "pid", theirs);
  CHECK(strcmp(children, theirs) == 0 && strcmp(mine, theirs) != 0);
  CHECK_INT(RunChild(ExitsWithPid, NULL), 2);
  CHECK_INT(RunChild(CannotLeave, &own), 0);
  CHECK_ERR(unshare(CLONE_NEWPID), EINVAL);  // children go elsewhere already
  // Ids across namespaces. Linux before 6.11 does not know how.
  int seen = ioctl(pid, kGetPidFrom, 1);
  if (seen >= 0 || errno != ENOTTY) {
    CHECK_INT(seen, holder);
    CHECK_INT(ioctl(pid, kGetTgidIn, holder), 1);
    CHECK_ERR(ioctl(pid, kGetTgidIn, getpid()), ESRCH);
    CHECK_ERR(ioctl(pid, kGetPidFrom, 99), ESRCH);
  }
  int parent = ioctl(pid, NS_GET_PARENT);
  struct stat above, here;
  CHECK(fstat(parent, &above) == 0 && fstat(own, &here) == 0 && above.st_ino == here.st_ino);
  // Home again.
  CHECK_INT(setns(own, CLONE_NEWPID), 0);
  CHECK_INT(unshare(CLONE_NEWPID), 0);
  CHECK_INT(readlink("/proc/self/ns/pid_for_children", mine, sizeof(mine)), -1);
  CHECK_INT(errno, ENOENT);  // nobody lives there yet
  CHECK_INT(RunChild(ExitsWithPid, NULL), 1);
}

static void ByPidfd(void* holder_) {
  int fd = (int)syscall(kPidfdOpen, *(pid_t*)holder_, 0);
  CHECK(fd >= 0);
  CHECK_ERR(setns(fd, 0), EINVAL);
  CHECK_ERR(setns(fd, CLONE_VM), EINVAL);
  CHECK_INT(setns(fd, CLONE_NEWUTS | CLONE_NEWPID), 0);
  struct utsname names;
  CHECK_INT(uname(&names), 0);
  CHECK(strcmp(names.nodename, "held") == 0);
  CHECK_INT(RunChild(ExitsWithPid, NULL), 4);
  close(fd);
}

static void Unprivileged(void* holder_) {
  int uts = OpenOf(*(pid_t*)holder_, "uts");
  int pid = OpenOf(*(pid_t*)holder_, "pid");
  CHECK_INT(setuid(1000), 0);
  CHECK_ERR(setns(uts, 0), EPERM);
  CHECK_ERR(setns(pid, 0), EPERM);
  CHECK_ERR(open("/proc/1/ns/uts", O_RDONLY), EACCES);
}

// A namespace lives on in an open file, but takes nobody after its init.
static void AfterTheEnd(int uts, int pid) {
  CHECK_INT(setns(uts, 0), 0);
  struct utsname names;
  CHECK_INT(uname(&names), 0);
  CHECK(strcmp(names.nodename, "held") == 0);
  CHECK_INT(setns(pid, 0), 0);
  CHECK_ERR(fork(), ENOMEM);
}

static void Setns(void* unused) {
  (void)unused;
  pid_t holder = CloneWith(CLONE_NEWPID | CLONE_NEWUTS, Holds, NULL);
  Take(&ready);
  CHECK_INT(RunChild(ByFile, &holder), 0);
  CHECK_INT(RunChild(ByPidfd, &holder), 0);
  CHECK_INT(RunChild(Unprivileged, &holder), 0);
  int uts = OpenOf(holder, "uts"), pid = OpenOf(holder, "pid");
  int fd = (int)syscall(kPidfdOpen, holder, 0);
  Give(&end);
  siginfo_t info;
  CHECK_INT(waitid(P_PID, (id_t)holder, &info, WEXITED | WNOWAIT), 0);
  CHECK_ERR(setns(fd, CLONE_NEWUTS), ESRCH);  // a zombie has none
  char link[64];
  LinkOf(holder, "uts", link);
  CHECK(link[0] == 0);
  CHECK_INT(WaitShell(holder), 0);
  CHECK_ERR(setns(fd, CLONE_NEWUTS), ESRCH);
  AfterTheEnd(uts, pid);
}

int main(void) {
  ready = MakeBaton();
  end = MakeBaton();
  CHECK_INT(RunChild(Names, NULL), 0);
  Ok("uts namespaces");
  Links();
  Ok("links");
  CHECK_INT(RunChild(Setns, NULL), 0);
  Ok("setns");
  return Finish();
}
