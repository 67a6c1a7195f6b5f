// SPDX-License-Identifier: Apache-2.0
//
// Pseudo-terminals and core files with every allocation of the kernel failing in turn: the pair
// opened, a controlling terminal, fork of who has one, bytes both ways; a process that dumps core
// dies of its signal whatever becomes of the file. See guest/user/lib/fail.h.
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>

#include "guest/user/lib/fail.h"
#include "guest/user/lib/memory.h"

static long Closed(long fd) {
  if (fd >= 0) CHECK_INT(close((int)fd), 0);
  return fd;
}

static long OpenMaster(void) { return Closed(FAILING(open("/dev/ptmx", O_RDWR | O_NOCTTY))); }

static int master;
static char slave_name[32];
static void MakeMaster(void) {
  master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  int unlocked = 0, number = -1;
  CHECK_INT(ioctl(master, TIOCSPTLCK, &unlocked), 0);
  CHECK_INT(ioctl(master, TIOCGPTN, &number), 0);
  snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
}
static long OpenSlave(void) {
  MakeMaster();
  long result = Closed(FAILING(open(slave_name, O_RDWR | O_NOCTTY)));
  CHECK_INT(close(master), 0);
  return result;
}
static long OpenPeer(void) {
  MakeMaster();
  long result = Closed(FAILING(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY)));
  CHECK_INT(close(master), 0);
  return result;
}

static int MakePair(void) {
  MakeMaster();
  int slave = open(slave_name, O_RDWR | O_NOCTTY);
  CHECK(slave >= 0);
  return slave;
}
static long WriteMaster(void) {  // and the echo comes back
  int slave = MakePair();
  long result = FAILING(write(master, "some text\n", 10));
  CHECK_INT(close(slave), 0);
  CHECK_INT(close(master), 0);
  return result;
}
static long WriteSlave(void) {
  int slave = MakePair();
  char text[64];
  long result = FAILING(write(slave, "some text\n", 10));
  if (result > 0) CHECK(read(master, text, sizeof(text)) > 0);
  CHECK_INT(close(slave), 0);
  CHECK_INT(close(master), 0);
  return result;
}
static long Attributes(void) {
  int slave = MakePair();
  struct termios mode;
  CHECK_INT(tcgetattr(slave, &mode), 0);
  mode.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
  long result = FAILING(tcsetattr(slave, TCSANOW, &mode));
  CHECK_INT(close(slave), 0);
  CHECK_INT(close(master), 0);
  return result;
}

static long DoControl(void) {
  CHECK(setsid() >= 0);
  int slave = MakePair();
  return FAILING(ioctl(slave, TIOCSCTTY, 0));
}
static long Control(void) { return InChild(DoControl); }
static long DoOpenControls(void) {  // the first terminal that a leader opens is its session's
  CHECK(setsid() >= 0);
  MakeMaster();
  return FAILING(open(slave_name, O_RDWR));
}
static long OpenControls(void) { return InChild(DoOpenControls); }
static long DoFork(void) {
  Handle(SIGHUP, SIG_IGN, 0);
  CHECK(setsid() >= 0);
  int slave = MakePair();
  CHECK_INT(ioctl(slave, TIOCSCTTY, 0), 0);
  long pid = FAILING(fork());
  if (pid == 0) _exit(Closed(open("/dev/tty", O_RDWR)) < 0);
  int saved = fv_fail_errno;
  if (pid > 0) CHECK_INT(WaitShell((pid_t)pid), 0);
  fv_fail_errno = saved;
  return pid;
}
static long ForkAgain(void) { return InChild(DoFork); }
static long DoOpenTty(void) {
  CHECK(setsid() >= 0);
  CHECK_INT(ioctl(MakePair(), TIOCSCTTY, 0), 0);
  return FAILING(open("/dev/tty", O_RDWR));
}
static long OpenTty(void) { return InChild(DoOpenTty); }
static long HangUp(void) {  // its session hears of it
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    CHECK_INT(ioctl(MakePair(), TIOCSCTTY, 0), 0);
    FailBegin();
    close(master);
    for (;;) pause();
  }
  CHECK_INT(FailEnd(WaitShell(pid)), 128 + SIGHUP);
  return 0;
}

// ---- Core files ---------------------------------------------------------------------------------
static char directory[] = "/tmp/fv_coreXXXXXX";
static void RemoveDirectory(void) {
  unlink("core");
  rmdir(directory);
}
static void InDirectory(void) {
  CHECK(mkdtemp(directory) != NULL);
  atexit(RemoveDirectory);
  CHECK_INT(chdir(directory), 0);
}
static long Core(void) {
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &all);
    FailBegin();
    kill(getpid(), SIGQUIT);
    _exit(0);
  }
  CHECK_INT(FailEnd(WaitShell(pid)), 128 + SIGQUIT);
  unlink("core");
  return 0;
}

static const FailCase kCases[] = {
    {"open_ptmx", OpenMaster, NULL, {ENOMEM, ENOSPC}},
    {"open_slave", OpenSlave, NULL, {ENOMEM}},
    {"open_peer", OpenPeer, NULL, {ENOMEM}},
    {"write_master", WriteMaster, NULL, {ENOMEM}},
    {"write_slave", WriteSlave, NULL, {ENOMEM}},
    {"tcsetattr", Attributes, NULL, {ENOMEM}},
    {"tiocsctty", Control, NULL, {ENOMEM}},
    {"open_controlling", OpenControls, NULL, {ENOMEM}},
    {"open_tty", OpenTty, NULL, {ENOMEM}},
    {"fork_with_terminal", ForkAgain, NULL, {ENOMEM}},
    {"hang_up", HangUp, NULL, {0}},
    {"core_file", Core, InDirectory, {0}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
