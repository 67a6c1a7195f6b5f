// SPDX-License-Identifier: Apache-2.0
//
// Pseudo-terminals (pty(7)): the pair and its names, line editing with echo, raw mode, packet mode,
// queues, hang-ups, controlling terminals and job control.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "guest/user/lib/capabilities.h"

static int OpenMaster(void) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  CHECK(master >= 0);
  return master;
}

static int OpenSlave(int master, int flags) {
  CHECK_INT(grantpt(master), 0);
  CHECK_INT(unlockpt(master), 0);
  char name[64];
  CHECK_INT(ptsname_r(master, name, sizeof(name)), 0);
  return open(name, O_RDWR | flags);
}

// Reads once and compares.
static void Expect(int fd, const char* text) {
  char got[256];
  long count = read(fd, got, sizeof(got));
  CHECK_INT(count, strlen(text));
  CHECK(memcmp(got, text, strlen(text)) == 0);
}

static void Type(int fd, const char* text) {
  CHECK_INT(write(fd, text, strlen(text)), strlen(text));
}

// The master has something to read: the slave's writes arrive a little later on Linux.
static void ExpectSoon(int master, const char* text) {
  char got[256];
  size_t have = 0;
  while (have < strlen(text)) {
    struct pollfd one = {master, POLLIN, 0};
    CHECK_INT(poll(&one, 1, -1), 1);
    long count = read(master, got + have, sizeof(got) - have);
    CHECK(count > 0);
    have += (size_t)count;
  }
  CHECK_INT(have, strlen(text));
  CHECK(memcmp(got, text, have) == 0);
}

// A terminal that is somebody's own is opened by nobody without privilege.
static void Exclusive(void* path) {
  GiveUpCapabilities();
  CHECK_ERR(open(path, O_RDWR | O_NOCTTY), EBUSY);
}

static void Names(void) {
  int master = OpenMaster();
  int value = -1;
  CHECK_INT(ioctl(master, TIOCGPTLCK, &value), 0);
  CHECK_INT(value, 1);
  char name[64];
  CHECK_INT(ptsname_r(master, name, sizeof(name)), 0);
  CHECK_ERR(open(name, O_RDWR | O_NOCTTY), EIO);
  int slave = OpenSlave(master, O_NOCTTY);
  CHECK(slave >= 0);
  CHECK_INT(isatty(slave), 1);
  struct stat status;
  CHECK_INT(fstat(slave, &status), 0);
  CHECK(S_ISCHR(status.st_mode));
  unsigned number = 0;
  CHECK_INT(ioctl(master, TIOCGPTN, &number), 0);
  CHECK(status.st_rdev == (dev_t)((136 << 8) | (number & 0xff)));
  CHECK_ERR(ioctl(slave, TIOCGPTN, &number), ENOTTY);
  int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  CHECK(peer >= 0);
  close(peer);
  CHECK_INT(ioctl(slave, TIOCEXCL), 0);
  CHECK_INT(ioctl(slave, TIOCGEXCL, &value), 0);
  CHECK_INT(value, 1);
  CHECK_INT(RunChild(Exclusive, name), 0);
  CHECK_INT(ioctl(slave, TIOCNXCL), 0);
  peer = open(name, O_RDWR | O_NOCTTY);
  CHECK(peer >= 0);
  close(peer);
  close(slave);
  close(master);
  CHECK_ERR(open(name, O_RDWR | O_NOCTTY), ENOENT);
  Ok("names");
}

static void Lines(void) {
  int master = OpenMaster();
  int slave = OpenSlave(master, O_NOCTTY);
  Type(master, "hello\n");
  Expect(slave, "hello\n");
  ExpectSoon(master, "hello\r\n");
  Type(master, "ab\177c\001\n");
  Expect(slave, "ac\001\n");
  ExpectSoon(master, "ab\b \bc^A\r\n");
  Type(master, "one two\027x\n");
  Expect(slave, "one x\n");
  ExpectSoon(master, "one two\b \b\b \b\b \bx\r\n");
  Type(master, "ab\025c\n");
  Expect(slave, "c\n");
  ExpectSoon(master, "ab\b \b\b \bc\r\n");
  Type(master, "\004");
  Expect(slave, "");
  Type(slave, "out\n");
  ExpectSoon(master, "out\r\n");
  close(slave);
  close(master);
  Ok("lines");
}

static void Raw(void) {
  int master = OpenMaster();
  int slave = OpenSlave(master, O_NOCTTY);
  struct termios settings;
  CHECK_INT(tcgetattr(slave, &settings), 0);
  cfmakeraw(&settings);
  CHECK_INT(tcsetattr(slave, TCSANOW, &settings), 0);
  Type(master, "\003x\r");
  Expect(slave, "\003x\r");
  CHECK_INT(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
  char byte;
  CHECK_ERR(read(slave, &byte, 1), EAGAIN);
  Type(slave, "a\nb");
  ExpectSoon(master, "a\nb");
  int on = 1;
  CHECK_INT(ioctl(master, TIOCPKT, &on), 0);
  Type(slave, "data");
  struct pollfd one = {master, POLLIN, 0};
  CHECK_INT(poll(&one, 1, -1), 1);
  char got[16];
  CHECK_INT(read(master, got, sizeof(got)), 5);
  CHECK_INT(got[0], 0);
  CHECK_INT(tcflush(slave, TCIFLUSH), 0);
  CHECK_INT(read(master, got, sizeof(got)), 1);
  CHECK_INT(got[0], TIOCPKT_FLUSHREAD);
  close(slave);
  close(master);
  Ok("raw");
}

static void HangUps(void) {
  int master = OpenMaster();
  int slave = OpenSlave(master, O_NOCTTY);
  Type(slave, "last");
  close(slave);
  ExpectSoon(master, "last");
  char byte;
  CHECK_ERR(read(master, &byte, 1), EIO);
  struct pollfd one = {master, POLLIN, 0};
  CHECK_INT(poll(&one, 1, 0), 1);
  CHECK(one.revents & POLLHUP);
  slave = OpenSlave(master, O_NOCTTY);
  CHECK(slave >= 0);
  close(master);
  CHECK_INT(read(slave, &byte, 1), 0);
  CHECK_ERR(write(slave, "x", 1), EIO);
  one.fd = slave;
  CHECK_INT(poll(&one, 1, 0), 1);
  CHECK(one.revents & POLLHUP);
  close(slave);
  Ok("hang-ups");
}

static Baton reading;

static void ReadsToTheEnd(void* master) {
  int slave = OpenSlave(*(int*)master, O_NOCTTY);
  close(*(int*)master);
  Give(&reading);
  char byte;
  CHECK_ERR(read(slave, &byte, 1), EIO);  // the master goes while it waits
  CHECK_INT(read(slave, &byte, 1), 0);
}

static void MasterGoes(void) {
  int master = OpenMaster();
  reading = MakeBaton();
  pid_t child = Fork(ReadsToTheEnd, &master);
  Take(&reading);
  AwaitSleep(child, child);
  close(master);
  CHECK_INT(WaitShell(child), 0);
  DropBaton(&reading);
  Ok("the master goes while a slave reads");
}

// A line has 4096 bytes at most, its end included; what is more is lost.
static void LongLine(void) {
  static char sent[5000], got[9000];
  int master = OpenMaster();
  int slave = OpenSlave(master, O_NOCTTY);
  struct termios settings;
  CHECK_INT(tcgetattr(slave, &settings), 0);
  settings.c_lflag &= ~(tcflag_t)ECHO;
  CHECK_INT(tcsetattr(slave, TCSANOW, &settings), 0);
  memset(sent, 'z', sizeof(sent));
  CHECK_INT(write(master, sent, sizeof(sent)), sizeof(sent));
  Type(master, "\nnext\n");
  CHECK_INT(read(slave, got, sizeof(got)), 4096);
  CHECK_INT(got[4095], '\n');
  Expect(slave, "next\n");
  close(slave);
  close(master);
  Ok("long line");
}

// The child of forkpty: a session leader in front of its terminal.
static void InSession(void) {
  CHECK_INT(tcgetpgrp(0), getpid());
  CHECK_INT(tcgetsid(0), getpid());
  int tty = open("/dev/tty", O_RDWR);
  CHECK(tty >= 0);
  close(tty);
  sigset_t resize;
  sigemptyset(&resize);
  sigaddset(&resize, SIGWINCH);
  sigprocmask(SIG_BLOCK, &resize, NULL);
  CHECK_INT(write(1, "ready\n", 6), 6);
  int signal_number = 0;
  CHECK_INT(sigwait(&resize, &signal_number), 0);
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    char byte;
    (void)!read(0, &byte, 1);  // in the background: stopped
    _exit(1);
  }
  setpgid(child, child);
  int status;
  CHECK_INT(waitpid(child, &status, WUNTRACED), child);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
  signal(SIGTTOU, SIG_IGN);
  CHECK_INT(tcsetpgrp(0, child), 0);
  CHECK_INT(write(1, "front\n", 6), 6);
  CHECK_INT(kill(child, SIGCONT), 0);
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  CHECK_INT(tcgetpgrp(0), child);  // the group is gone, its name stays
  CHECK_INT(tcsetpgrp(0, getpid()), 0);
  CHECK_INT(write(1, "done\n", 5), 5);
  for (;;) {
    pause();  // until the master closes
  }
}

static void Session(void) {
  int master = OpenMaster();
  CHECK_INT(grantpt(master), 0);
  CHECK_INT(unlockpt(master), 0);
  pid_t child = fork();
  if (child == 0) {
    setsid();
    int slave = OpenSlave(master, 0);
    close(master);
    dup2(slave, 0);
    dup2(slave, 1);
    close(slave);
    InSession();
  }
  ExpectSoon(master, "ready\r\n");
  struct winsize size = {.ws_row = 10, .ws_col = 20};
  CHECK_INT(ioctl(master, TIOCSWINSZ, &size), 0);
  ExpectSoon(master, "front\r\n");
  Type(master, "\003");
  ExpectSoon(master, "^Cdone\r\n");
  close(master);
  int status;
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
  Ok("session");
}

int main(void) {
  Names();
  Lines();
  Raw();
  HangUps();
  MasterGoes();
  LongLine();
  Session();
  return Finish();
}
