// SPDX-License-Identifier: Apache-2.0
//
// vhangup: the terminal's session loses it, its leader gets SIGHUP and SIGCONT; files that were
// open on it are dead, and it can be opened anew. What was in the way of a login is gone.
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "guest/user/lib/guest.h"
#include "guest/user/lib/proc.h"

static volatile int hang_ups, continues;

static void Count(int signal_number) {
  if (signal_number == SIGHUP) {
    ++hang_ups;
  } else {
    ++continues;
  }
}

static int HangUp(void) { return (int)syscall(SYS_vhangup); }

static void NoTerminal(void* unused) {
  (void)unused;
  setsid();
  CHECK_INT(HangUp(), 0);
}

static void AsUser(void* unused) {
  (void)unused;
  CHECK_INT(setuid(65534), 0);
  CHECK_ERR(HangUp(), EPERM);
}

static const char* slave;
static Baton to_child, to_leader;

// In the foreground, where it is told of the end of its session only.
static void InForeground(void* fd) {
  char byte;
  setpgid(0, 0);
  Give(&to_leader);
  Take(&to_child);
  CHECK_INT(hang_ups + continues, 0);
  CHECK_INT(read(*(int*)fd, &byte, 1), 0);
}

static void OldFile(int fd) {
  char byte;
  struct termios settings;
  struct pollfd one = {fd, POLLIN | POLLOUT, 0};
  CHECK_INT(read(fd, &byte, 1), 0);
  CHECK_ERR(write(fd, "x", 1), EIO);
  CHECK_ERR(ioctl(fd, TCGETS, &settings), EIO);
  CHECK_INT(poll(&one, 1, 0), 1);
  CHECK_INT(one.revents, POLLIN | POLLOUT | POLLERR | POLLHUP);
  CHECK_ERR(tcgetsid(fd), EIO);
}

static void Leader(void* unused) {
  (void)unused;
  struct termios settings;
  setsid();
  int fd = open(slave, O_RDWR);
  Handle(SIGHUP, Count, 0);
  Handle(SIGCONT, Count, 0);
  signal(SIGTTOU, SIG_IGN);
  const pid_t child = Fork(InForeground, &fd);
  Take(&to_leader);
  CHECK_INT(tcsetpgrp(fd, child), 0);
  CHECK_INT(HangUp(), 0);
  CHECK(hang_ups == 1 && continues == 1);
  Give(&to_child);
  CHECK_INT(WaitShell(child), 0);
  OldFile(fd);
  CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
  const int again = open(slave, O_RDWR | O_NOCTTY);
  CHECK_INT(ioctl(again, TCGETS, &settings), 0);
  CHECK_INT(write(again, "new", 3), 3);
  CHECK_ERR(write(fd, "old", 3), EIO);
  const int controlling = open(slave, O_RDWR);
  CHECK_INT(tcgetsid(controlling), getpid());
}

int main(void) {
  char text[8];
  if (!InGuest()) {  // it takes a right that few have on a machine that others use
    Ok("no terminal");
    Ok("permission");
    Ok("hung up");
    return Finish();
  }
  CHECK_INT(RunChild(NoTerminal, NULL), 0);
  Ok("no terminal");
  CHECK_INT(RunChild(AsUser, NULL), 0);
  Ok("permission");
  to_child = MakeBaton();
  to_leader = MakeBaton();
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  CHECK_INT(grantpt(master), 0);
  CHECK_INT(unlockpt(master), 0);
  slave = ptsname(master);
  CHECK_INT(RunChild(Leader, NULL), 0);
  CHECK_INT(read(master, text, sizeof(text)), 3);
  CHECK_ERR(read(master, text, sizeof(text)), EIO);
  Ok("hung up");
  return Finish();
}
