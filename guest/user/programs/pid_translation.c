// SPDX-License-Identifier: Apache-2.0
//
// F33, ids as others see them: a process in a pid namespace has another number outside. Messages of
// unix sockets, record locks, owners of files, pidfds, timers, terminals, /proc mounted inside and
// outside.
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

#include "guest/user/lib/namespaces.h"

enum { kPidfdOpen = 434, kPidfdSendSignal = 424 };

struct Peer {
  int socket;  // this side's end
  pid_t outer;
};

// ---- Sockets -----------------------------------------------------------------------------------
static void SendByte(int fd, const struct ucred* claimed) {
  char byte = 'x';
  struct iovec part = {&byte, 1};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(struct ucred))];
  } control;
  struct msghdr message;
  memset(&message, 0, sizeof(message));
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (claimed) {
    memset(&control, 0, sizeof(control));
    message.msg_control = &control;
    message.msg_controllen = sizeof(control);
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(sizeof(*claimed));
    memcpy(CMSG_DATA(header), claimed, sizeof(*claimed));
  }
  CHECK_INT(sendmsg(fd, &message, 0), 1);
}

static pid_t SenderOfByte(int fd) {
  char byte;
  struct iovec part = {&byte, 1};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(struct ucred))];
  } control;
  struct msghdr message;
  memset(&message, 0, sizeof(message));
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof(control);
  CHECK_INT(recvmsg(fd, &message, 0), 1);
  struct ucred sender = {-1, 0, 0};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header) memcpy(&sender, CMSG_DATA(header), sizeof(sender));
  return sender.pid;
}

static void InnerEnd(void* peer_) {
  int fd = ((struct Peer*)peer_)->socket;
  CHECK_INT(SenderOfByte(fd), 0);  // from outside: has no number here
  SendByte(fd, NULL);
  struct ucred own = {1, getuid(), getgid()};
  SendByte(fd, &own);
  struct ucred nobody = {77, getuid(), getgid()};
  char byte = 'x';
  struct iovec part = {&byte, 1};
  char space[CMSG_SPACE(sizeof(nobody))] __attribute__((aligned(8)));
  memset(space, 0, sizeof(space));
  struct msghdr message;
  memset(&message, 0, sizeof(message));
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof(space);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof(nobody));
  memcpy(CMSG_DATA(header), &nobody, sizeof(nobody));
  CHECK_ERR(sendmsg(fd, &message, 0), ESRCH);
  struct ucred other;
  socklen_t length = sizeof(other);
  CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &length), 0);
  CHECK_INT(other.pid, 0);
}

static void Sockets(void) {
  int ends[2], on = 1;
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  CHECK_INT(setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
  CHECK_INT(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
  struct Peer peer = {ends[1], getpid()};
  SendByte(ends[0], NULL);
  pid_t child = CloneWith(CLONE_NEWPID, InnerEnd, &peer);
  CHECK_INT(SenderOfByte(ends[0]), child);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(SenderOfByte(ends[0]), child);  // the sender is gone, its number is told still
  struct ucred own;
  socklen_t length = sizeof(own);
  CHECK_INT(getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &own, &length), 0);
  CHECK_INT(own.pid, getpid());
  close(ends[0]);
  close(ends[1]);
  Ok("sockets");
}

// ---- Locks, owners ------------------------------------------------------------------------------
static Baton ready, end;

static void SetWholeLock(int fd) {
  struct flock lock;
  memset(&lock, 0, sizeof(lock));
  lock.l_type = F_WRLCK;
  CHECK_INT(fcntl(fd, F_SETLK, &lock), 0);
}

static pid_t HolderOf(int fd) {
  struct flock lock;
  memset(&lock, 0, sizeof(lock));
  lock.l_type = F_WRLCK;
  CHECK_INT(fcntl(fd, F_GETLK, &lock), 0);
  return lock.l_type == F_UNLCK ? -1 : lock.l_pid;
}

static void Locker(void* fd_) {
  int fd = *(int*)fd_;
  CHECK_INT(HolderOf(fd), 0);  // held outside
  CHECK_INT(fcntl(fd, F_GETOWN), 0);
  CHECK_ERR(fcntl(fd, F_SETOWN, 55), ESRCH);
  CHECK_INT(fcntl(fd, F_SETOWN, 1), 0);
  CHECK_INT(fcntl(fd, F_GETOWN), 1);
  Give(&ready);
  Take(&end);
}

static void Locks(void) {
  int fd = open("/tmp/fv_pid_translation", O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0);
  unlink("/tmp/fv_pid_translation");
  SetWholeLock(fd);
  CHECK_INT(fcntl(fd, F_SETOWN, getpid()), 0);
  pid_t child = CloneWith(CLONE_NEWPID, Locker, &fd);
  Take(&ready);
  CHECK_INT(fcntl(fd, F_GETOWN), child);
  Give(&end);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(fcntl(fd, F_GETOWN), 0);  // gone
  CHECK_INT(fcntl(fd, F_SETOWN, -getpgrp()), 0);
  CHECK_INT(fcntl(fd, F_GETOWN), -getpgrp());
  CHECK_INT(fcntl(fd, F_SETOWN, 0), 0);
  CHECK_INT(fcntl(fd, F_GETOWN), 0);
  close(fd);
  Ok("locks, owners");
}

static void HoldsLock(void* fd_) {
  SetWholeLock(*(int*)fd_);
  Give(&ready);
  Take(&end);
}

static void LocksInside(void) {
  int fd = open("/tmp/fv_pid_translation", O_RDWR | O_CREAT, 0600);
  unlink("/tmp/fv_pid_translation");
  pid_t child = CloneWith(CLONE_NEWPID, HoldsLock, &fd);
  Take(&ready);
  CHECK_INT(HolderOf(fd), child);
  Give(&end);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(HolderOf(fd), -1);
  close(fd);
  Ok("locks inside");
}

// ---- pidfds ---------------------------------------------------------------------------------
static void ExpectInfo(int fd, const char* expected) {
  char path[64], text[512];
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
  CHECK(ReadText(path, text, sizeof(text)) > 0);
  CHECK(strstr(text, expected) != NULL);
}

static void OuterFd(void* fd_) {
  // A process that has no number in here cannot be signalled, whoever gave its pidfd.
  CHECK_ERR(syscall(kPidfdSendSignal, *(int*)fd_, 0, NULL, 0), EINVAL);
  int own = (int)syscall(kPidfdOpen, 1, 0);
  CHECK(own >= 0);
  CHECK_ERR(syscall(kPidfdOpen, 50, 0), ESRCH);
}

static void Pauses(void* unused) {
  (void)unused;
  for (;;) pause();
}

static void Pidfds(void) {
  int own = (int)syscall(kPidfdOpen, getpid(), 0);
  CHECK_INT(RunCloned(CLONE_NEWPID, OuterFd, &own), 0);
  pid_t child = CloneWith(CLONE_NEWPID, Pauses, NULL);
  int fd = (int)syscall(kPidfdOpen, child, 0);
  char expected[64];
  snprintf(expected, sizeof(expected), "Pid:\t%d\nNSpid:\t%d\t1\n", child, child);
  ExpectInfo(fd, expected);
  CHECK_INT(syscall(kPidfdSendSignal, fd, SIGKILL, NULL, 0), 0);
  CHECK_INT(WaitShell(child), 128 + SIGKILL);
  ExpectInfo(fd, "Pid:\t-1\nNSpid:\t-1\n");
  close(fd);
  close(own);
  Ok("pidfds");
}

// ---- Other calls that take ids ------------------------------------------------------------------
static void Calls(void* unused) {
  (void)unused;
  cpu_set_t cpus;
  struct rlimit limit;
  CHECK_INT(syscall(SYS_sched_getscheduler, 1), SCHED_OTHER);
  CHECK_ERR(syscall(SYS_sched_getscheduler, 9), ESRCH);
  CHECK_INT(sched_getaffinity(1, sizeof(cpus), &cpus), 0);
  CHECK_INT(prlimit(1, RLIMIT_CORE, NULL, &limit), 0);
  CHECK_ERR(prlimit(9, RLIMIT_CORE, NULL, &limit), ESRCH);
  CHECK_INT(getpriority(PRIO_PROCESS, 1), getpriority(PRIO_PROCESS, 0));
  errno = 0;
  CHECK_ERR(getpriority(PRIO_PROCESS, 9), ESRCH);
  CHECK_ERR(syscall(SYS_tkill, 9, 0), ESRCH);
  CHECK_INT(syscall(SYS_tkill, 1, 0), 0);
  siginfo_t info;
  memset(&info, 0, sizeof(info));
  info.si_code = SI_QUEUE;
  info.si_pid = 1;
  Block(SIGUSR1);
  CHECK_INT(syscall(SYS_rt_sigqueueinfo, 1, SIGUSR1, &info), 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  CHECK_INT(sigwaitinfo(&set, &info), SIGUSR1);
  CHECK_INT(info.si_pid, 1);
}

// ---- SIGCHLD -----------------------------------------------------------------------------------
static volatile pid_t told;
static void Note(int signo, siginfo_t* info, void* context) {
  (void)signo;
  (void)context;
  told = info->si_pid;
}
static void Nothing(void* unused) { (void)unused; }

static void MiddleParent(void* unused) {
  (void)unused;
  HandleInfo(SIGCHLD, Note, SA_RESTART);
  CHECK_INT(RunCloned(CLONE_NEWPID, Nothing, NULL), 0);
  CHECK_INT(told, 2);
  CHECK_INT(RunChild(Nothing, NULL), 0);
  CHECK_INT(told, 3);
}

// ---- /proc -------------------------------------------------------------------------------------
enum { kMost = 40 };

static void ExpectNumbers(const char* path, const char* name, const int* expected, int count) {
  int numbers[kMost];
  CHECK_INT(StatusNumbers(path, name, numbers, kMost), count);
  for (int i = 0; i < count; ++i) CHECK_INT(numbers[i], expected[i]);
}

static void InProc(void* where_) {
  const char* where = (const char*)where_;
  char path[128], text[128];
  CHECK_INT(mount("proc", where, "proc", 0, NULL), 0);
  pid_t child = CloneWith(CLONE_NEWPID, Pauses, NULL);
  CHECK_INT(child, 2);
  snprintf(path, sizeof(path), "%s/self", where);
  ssize_t n = readlink(path, text, sizeof(text));
  CHECK(n == 1 && text[0] == '1');
  snprintf(path, sizeof(path), "%s/thread-self", where);
  n = readlink(path, text, sizeof(text) - 1);
  text[n > 0 ? n : 0] = 0;
  CHECK(strcmp(text, "1/task/1") == 0);
  snprintf(path, sizeof(path), "%s/1/stat", where);
  CHECK(ReadText(path, text, sizeof(text)) > 0);
  int pid, ppid, pgrp, session;
  CHECK_INT(sscanf(text, "%d (%*[^)]) %*c %d %d %d", &pid, &ppid, &pgrp, &session), 4);
  CHECK(pid == 1 && ppid == 0 && pgrp == 0 && session == 0);
  snprintf(path, sizeof(path), "%s/2/status", where);
  ExpectNumbers(path, "NSpid", (int[]){2, 1}, 2);
  ExpectNumbers(path, "NStgid", (int[]){2, 1}, 2);
  ExpectNumbers(path, "NSpgid", (int[]){0, 0}, 2);
  ExpectNumbers(path, "NSsid", (int[]){0, 0}, 2);
  ExpectNumbers(path, "PPid", (int[]){1}, 1);
  snprintf(path, sizeof(path), "%s/3", where);
  CHECK_ERR(access(path, F_OK), ENOENT);
  // The outer /proc shows outer numbers, whoever reads it.
  int numbers[kMost];
  snprintf(path, sizeof(path), "%s/1/status", where);
  CHECK_INT(StatusNumbers(path, "NSpid", numbers, kMost), 1);
  CHECK_INT(StatusNumbers("/proc/self/status", "NSpid", numbers, kMost), 2);
  CHECK_INT(numbers[1], 1);
  kill(child, SIGKILL);
  CHECK_INT(WaitShell(child), 128 + SIGKILL);
  CHECK_INT(umount(where), 0);
}

// Whoever has no number in there has no self either.
static void NoSelf(void* where_) {
  CHECK_INT(mount("proc", (char*)where_, "proc", 0, NULL), 0);
  Give(&ready);
  Take(&end);
  CHECK_INT(umount((char*)where_), 0);
}

static void Proc(void* unused) {
  (void)unused;
  KeepMountsPrivate();
  char where[] = "/tmp/fv_proc_XXXXXX";
  CHECK(mkdtemp(where) != NULL);
  CHECK_INT(RunCloned(CLONE_NEWPID, InProc, where), 0);
  pid_t child = CloneWith(CLONE_NEWPID, NoSelf, where);
  Take(&ready);
  char path[128], text[64];
  snprintf(path, sizeof(path), "%s/self", where);
  CHECK_ERR(readlink(path, text, sizeof(text)), ENOENT);
  CHECK_ERR(open(path, O_RDONLY), ENOENT);
  snprintf(path, sizeof(path), "%s/1/comm", where);
  CHECK_INT(access(path, F_OK), 0);
  Give(&end);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(rmdir(where), 0);
}

// ---- Terminals ---------------------------------------------------------------------------------
static int OpenSlave(int master) {
  char name[64];
  CHECK_INT(grantpt(master), 0);
  CHECK_INT(unlockpt(master), 0);
  CHECK_INT(ptsname_r(master, name, sizeof(name)), 0);
  return open(name, O_RDWR | O_NOCTTY);
}

// The init of a namespace leads the session of a terminal, whose foreground group it is in.
static void LeadsSession(void* slave_) {
  int slave = *(int*)slave_;
  CHECK_INT(setsid(), 1);
  CHECK_ERR(tcgetpgrp(slave), ENOTTY);
  CHECK_INT(ioctl(slave, TIOCSCTTY, 0), 0);
  CHECK_INT(tcgetsid(slave), 1);
  CHECK_INT(tcgetpgrp(slave), 1);
  CHECK_ERR(tcsetpgrp(slave, 77), ESRCH);
  CHECK_ERR(tcsetpgrp(slave, -1), EINVAL);
  CHECK_INT(tcsetpgrp(slave, 1), 0);
  Give(&ready);
  Take(&end);
}

static void Terminals(void) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  CHECK(master >= 0);
  int slave = OpenSlave(master);
  CHECK(slave >= 0);
  pid_t leader = CloneWith(CLONE_NEWPID, LeadsSession, &slave);
  Take(&ready);
  int group = -1, session = -1;
  CHECK_INT(ioctl(master, TIOCGPGRP, &group), 0);
  CHECK_INT(group, leader);
  CHECK_INT(ioctl(master, TIOCGSID, &session), 0);
  CHECK_INT(session, leader);
  Give(&end);
  CHECK_INT(WaitShell(leader), 0);
  close(slave);
  close(master);
  Ok("terminals");
}

int main(void) {
  ready = MakeBaton();
  end = MakeBaton();
  Sockets();
  Locks();
  LocksInside();
  Pidfds();
  Terminals();
  CHECK_INT(RunCloned(CLONE_NEWPID, Calls, NULL), 0);
  Ok("calls with ids");
  CHECK_INT(RunCloned(CLONE_NEWPID, MiddleParent, NULL), 0);
  Ok("SIGCHLD");
  CHECK_INT(RunChild(Proc, NULL), 0);
  Ok("/proc");
  return Finish();
}
