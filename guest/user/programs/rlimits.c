// SPDX-License-Identifier: Apache-2.0
//
// Resource limits: read, lowered, inherited; RLIMIT_NOFILE with EMFILE, RLIMIT_FSIZE with SIGXFSZ
// and EFBIG, RLIMIT_DATA and RLIMIT_AS with ENOMEM, RLIMIT_NPROC with EAGAIN for an unprivileged
// user, RLIMIT_CPU with SIGXCPU; what is refused.
// Rows of docs/fork-features.md: F06.
#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static void SetSoft(int which, rlim_t value) {
  struct rlimit limit;
  CHECK_INT(getrlimit(which, &limit), 0);
  limit.rlim_cur = value;
  CHECK_INT(setrlimit(which, &limit), 0);
  CHECK_INT(getrlimit(which, &limit), 0);
  CHECK(limit.rlim_cur == value);
}

static void Files(void* unused) {
  (void)unused;
  syscall(SYS_close_range, 3, ~0u, 0);
  SetSoft(RLIMIT_NOFILE, 10);
  for (int i = 3; i < 10; ++i) CHECK_INT(open("/dev/null", O_RDONLY), i);
  int fds[2];
  CHECK_ERR(open("/dev/null", O_RDONLY), EMFILE);
  CHECK_ERR(dup(0), EMFILE);
  CHECK_ERR(pipe(fds), EMFILE);
  CHECK_ERR(dup2(0, 10), EBADF);
  CHECK_ERR(fcntl(0, F_DUPFD, 10), EINVAL);
  CHECK_INT(sysconf(_SC_OPEN_MAX), 10);
  close(9);
  CHECK_ERR(pipe(fds), EMFILE);
  CHECK_INT(dup(0), 9);  // the failed pipe left nothing open
}

static void FileSize(void* ignore) {
  SetSoft(RLIMIT_FSIZE, 1000);
  if (ignore) signal(SIGXFSZ, SIG_IGN);
  char block[800];
  memset(block, 'x', sizeof(block));
  int fd = TempFile(0);
  CHECK_INT(write(fd, block, 800), 800);
  CHECK_INT(write(fd, block, 800), 200);  // cut at the limit
  CHECK_ERR(write(fd, block, 1), EFBIG);  // dies here by default
  CHECK_ERR(ftruncate(fd, 1001), EFBIG);
  CHECK_INT(lseek(fd, 0, SEEK_END), 1000);
}

static int cut_signals;
static void CountCut(int signal_number) { cut_signals += signal_number == SIGXFSZ; }

// sendfile and splice try what did not fit, and are told of the limit; copy_file_range keeps
// within.
static void FileSizeOfMoves(void* unused) {
  (void)unused;
  SetSoft(RLIMIT_FSIZE, 1000);
  Handle(SIGXFSZ, CountCut, 0);
  char block[900] = {0};
  int from = TempFile(0), to = TempFile(0), fds[2];
  CHECK_INT(write(from, block, 900), 900);
  CHECK_INT(lseek(to, 990, SEEK_SET), 990);
  off_t start = 0;
  CHECK_INT(sendfile(to, from, &start, 100), 10);
  CHECK_INT(start, 10);
  CHECK_INT(cut_signals, 1);
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(write(fds[1], block, 100), 100);
  CHECK_INT(lseek(to, 990, SEEK_SET), 990);
  CHECK_INT(splice(fds[0], NULL, to, NULL, 100, 0), 10);
  CHECK_INT(cut_signals, 2);
  start = 0;
  off_t end = 990;
  CHECK_INT(copy_file_range(from, &start, to, &end, 100, 0), 10);
  CHECK_INT(cut_signals, 2);
}

static void AddressSpace(void* unused) {
  (void)unused;
  SetSoft(RLIMIT_AS, 64 << 20);
  CHECK_ERR((long)mmap(NULL, 100 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
  void* fits = mmap(NULL, 10 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(fits != MAP_FAILED);
  CHECK_ERR((long)mremap(fits, 10 << 20, 100 << 20, MREMAP_MAYMOVE), ENOMEM);
  if (fork() == 0) _exit(ChildResult());
  int status;
  wait(&status);
  CHECK_INT(status, 0);
}

static void CpuTime(void* unused) {
  (void)unused;
  struct rlimit limit = {1, 2};
  CHECK_INT(setrlimit(RLIMIT_CPU, &limit), 0);
  for (;;) {
  }
}

enum { kFirstUser = 20000, kUsers = 30000 };
static Baton never;
static void Blocks(void* unused) {
  (void)unused;
  Take(&never);
}

static void Processes(void* unused) {
  (void)unused;
  // A user of chance: all of his processes count, and this program may run more than once at a
  // time.
  unsigned short choice = 0;
  CHECK_INT(getrandom(&choice, sizeof(choice), 0), sizeof(choice));
  if (setuid(kFirstUser + choice % kUsers) != 0) {  // not everybody may, nor has each number
    CHECK(errno == EPERM || errno == EINVAL);
    return;
  }
  never = MakeBaton();
  SetSoft(RLIMIT_NPROC, 4);
  for (int i = 0; i < 3; ++i) Fork(Blocks, NULL);
  CHECK_ERR(fork(), EAGAIN);
  CHECK_ERR(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), EAGAIN);
  Give(&never);
  int status;
  CHECK(wait(&status) > 0);
  Fork(Blocks, NULL);  // room for one again
  CHECK_ERR(fork(), EAGAIN);
  for (int i = 0; i < 3; ++i) Give(&never);
  for (int i = 0; i < 3; ++i) CHECK(wait(&status) > 0);
}

static void Idles(void* unused) {
  (void)unused;
  CHECK_INT(setuid(23457), 0);
  Take(&never);
}

// setuid to a user who has too many processes succeeds, and the next execve is refused. The caller
// itself does not count.
static void TooManyForExec(void* unused) {
  (void)unused;
  if (geteuid() != 0) return;
  char* nothing[] = {NULL};
  never = MakeBaton();
  pid_t before = Fork(Idles, NULL);
  AwaitSleep(before, before);
  pid_t child = fork();
  if (child == 0) {
    SetSoft(RLIMIT_NPROC, 0);
    CHECK_INT(setuid(23457), 0);
    CHECK_ERR(execve("/nowhere", nothing, nothing), EAGAIN);
    _exit(ChildResult());
  }
  CHECK_INT(WaitShell(child), 0);
  Give(&never);
  CHECK_INT(WaitShell(before), 0);
  SetSoft(RLIMIT_NPROC, 0);
  CHECK_INT(setuid(23457), 0);
  CHECK_ERR(execve("/nowhere", nothing, nothing), ENOENT);
}

static void Inherits(void* unused) {
  (void)unused;
  struct rlimit limit;
  CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
  CHECK(limit.rlim_cur == 123);
}

int main(void) {
  struct rlimit limit, got;
  CHECK_INT(RunChild(Files, NULL), 0);
  Ok("NOFILE");
  CHECK_INT(RunChild(FileSize, NULL), 128 + SIGXFSZ);
  CHECK_INT(RunChild(FileSize, (void*)1), 0);
  CHECK_INT(RunChild(FileSizeOfMoves, NULL), 0);
  Ok("FSIZE");
  CHECK_INT(RunChild(AddressSpace, NULL), 0);
  Ok("AS");
  CHECK_INT(RunChild(Processes, NULL), 0);
  CHECK_INT(RunChild(TooManyForExec, NULL), 0);
  Ok("NPROC");
  CHECK_INT(RunChild(CpuTime, NULL), 128 + SIGXCPU);
  Ok("CPU");
  SetSoft(RLIMIT_NOFILE, 123);
  CHECK_INT(RunChild(Inherits, NULL), 0);
  limit.rlim_cur = 5;
  limit.rlim_max = 4;
  CHECK_ERR(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
  CHECK_ERR(syscall(SYS_setrlimit, 99, &limit), EINVAL);
  CHECK_ERR(syscall(SYS_getrlimit, 99, &limit), EINVAL);
  CHECK_INT(syscall(SYS_prlimit64, getpid(), RLIMIT_NOFILE, NULL, &got), 0);
  CHECK(got.rlim_cur == 123);
  CHECK_ERR(syscall(SYS_prlimit64, 1 << 22, RLIMIT_NOFILE, NULL, &got), ESRCH);
  Ok("refused");
  return Finish();
}
