// SPDX-License-Identifier: Apache-2.0
//
// Locks on files and fork: flock belongs to the open file and is shared with the child; fcntl
// record locks belong to the process, are not inherited, and go with any close of the file.
#include <fcntl.h>
#include <sys/file.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kOpenFileSet = 37 };  // F_OFD_SETLK, which <fcntl.h> has for GNU only

static char path[] = "/tmp/fv_locksXXXXXX";
static int fd;

static int Record(int file, int command, short type, off_t start, off_t length) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  int result = fcntl(file, command, &lock);
  return command == F_GETLK && result == 0 ? lock.l_type : result;
}

static void ChildRecords(void* unused) {
  (void)unused;
  CHECK_ERR(Record(fd, F_SETLK, F_WRLCK, 0, 10), EAGAIN);  // the parent's
  CHECK_INT(Record(fd, F_GETLK, F_WRLCK, 5, 1), F_WRLCK);
  CHECK_INT(Record(fd, F_SETLK, F_WRLCK, 10, 10), 0);  // beside it
  CHECK_INT(Record(fd, F_GETLK, F_RDLCK, 30, 1), F_UNLCK);
}

static void ChildFlock(void* unused) {
  (void)unused;
  CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), 0);  // the same open file: it has the lock
  int other = open(path, O_RDWR);
  CHECK_ERR(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  CHECK_ERR(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
}

// F_GETLK tells the lock that starts first, whatever the order in which they were taken.
static void ChildAsks(void* unused) {
  (void)unused;
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  CHECK_INT(fcntl(fd, F_GETLK, &lock), 0);
  CHECK_INT(lock.l_start, 5);
  CHECK_INT(lock.l_len, 3);
  CHECK_INT(lock.l_pid, getppid());
}

static Baton locked;

static void WaitsForLock(void* unused) {
  (void)unused;
  Give(&locked);
  CHECK_INT(Record(fd, F_SETLKW, F_WRLCK, 0, 10), 0);
}

int main(void) {
  fd = mkstemp(path);
  CHECK(fd >= 0);
  CHECK_INT(Record(fd, F_SETLK, F_WRLCK, 0, 10), 0);
  CHECK_INT(Record(fd, F_SETLK, F_RDLCK, 4, 2), 0);  // one's own may change
  CHECK_INT(Record(fd, F_SETLK, F_WRLCK, 4, 2), 0);
  CHECK_INT(RunChild(ChildRecords, NULL), 0);
  CHECK_INT(Record(fd, F_GETLK, F_WRLCK, 10, 10), F_UNLCK);  // gone with the child
  CHECK_INT(Record(fd, F_SETLK, F_UNLCK, 0, 0), 0);
  CHECK_INT(Record(fd, F_SETLK, F_WRLCK, 20, 5), 0);
  CHECK_INT(Record(fd, F_SETLK, F_RDLCK, 5, 3), 0);
  CHECK_INT(RunChild(ChildAsks, NULL), 0);
  CHECK_INT(Record(fd, F_SETLK, F_WRLCK, 0, 10), 0);
  Ok("records");
  locked = MakeBaton();
  pid_t child = Fork(WaitsForLock, NULL);
  Take(&locked);
  AwaitSleep(child, child);
  CHECK_INT(Record(fd, F_SETLK, F_UNLCK, 0, 0), 0);
  CHECK_INT(WaitShell(child), 0);
  Ok("waits");
  CHECK_INT(Record(fd, F_SETLK, F_WRLCK, 0, 10), 0);
  close(open(path, O_RDONLY));  // any close of the file drops them all
  child = Fork(WaitsForLock, NULL);
  Take(&locked);
  CHECK_INT(WaitShell(child), 0);
  Ok("dropped by a close");
  CHECK_INT(flock(fd, LOCK_EX), 0);
  CHECK_INT(RunChild(ChildFlock, NULL), 0);
  int other = open(path, O_RDWR);
  CHECK_ERR(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);  // the child's end did not unlock
  CHECK_INT(flock(fd, LOCK_UN), 0);
  CHECK_INT(flock(other, LOCK_SH | LOCK_NB), 0);
  Ok("flock");
  // A change of type is two steps: one that is refused has lost the lock (flock(2)).
  CHECK_INT(flock(fd, LOCK_SH | LOCK_NB), 0);
  CHECK_ERR(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  CHECK_INT(flock(other, LOCK_EX | LOCK_NB), 0);
  CHECK_INT(flock(other, LOCK_SH | LOCK_NB), 0);
  CHECK_INT(flock(other, LOCK_SH | LOCK_NB), 0);
  CHECK_INT(flock(fd, LOCK_SH | LOCK_NB), 0);
  Ok("flock changes");
  CHECK_INT(Record(fd, kOpenFileSet, F_WRLCK, 0, 10), 0);
  CHECK_INT(flock(fd, LOCK_UN), 0);
  CHECK_ERR(Record(other, kOpenFileSet, F_WRLCK, 0, 10), EAGAIN);
  CHECK_INT(unlink(path), 0);
  Ok("flock leaves other kinds alone");
  return Finish();
}
