// SPDX-License-Identifier: Apache-2.0
//
// pidfds and threads (F97): a pidfd stays that of the process when a thread that does not lead it
// executes another program, and is readable when the last thread has ended, not the first; pidfds
// of single threads; signals to a thread, a process, a group; what is left once the process was
// waited for.
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#include "guest/user/lib/proc.h"

enum { kPidfdThread = O_EXCL, kToThread = 1, kToProcess = 2, kToGroup = 4 };

static Baton begin, end;
static const char* self;

static int PidfdOpen(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static int Send(int pidfd, int signo, unsigned flags) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, flags);
}
static int Events(int pidfd) {
  struct pollfd one = {pidfd, POLLIN, 0};
  CHECK(poll(&one, 1, 0) >= 0);
  return one.revents;
}

// Waits until /proc shows the state.
static void AwaitState(pid_t pid, char wanted) {
  char path[32], text[256];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  for (char state = 0; state != wanted; Rest()) {
    const int fd = open(path, O_RDONLY);
    const ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    state = strrchr(text, ')')[2];
  }
}

static void* ExecutesWhenTold(void* unused) {
  Take(&begin);
  char fds[2][12];
  snprintf(fds[0], sizeof(fds[0]), "%d", begin.read_end);
  snprintf(fds[1], sizeof(fds[1]), "%d", end.write_end);
  execl(self, self, fds[0], fds[1], NULL);
  return unused;
}

static void OverExec(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, ExecutesWhenTold, NULL);
    for (;;) pause();
  }
  const int pidfd = PidfdOpen(pid, 0);
  const int waits = epoll_create1(0);
  struct epoll_event event = {EPOLLIN, {0}};
  siginfo_t info;
  CHECK_INT(epoll_ctl(waits, EPOLL_CTL_ADD, pidfd, &event), 0);
  Give(&begin);
  Take(&end);
  CHECK_INT(Events(pidfd), 0);
  CHECK_INT(epoll_wait(waits, &event, 1, 0), 0);
  CHECK_INT(Send(pidfd, 0, 0), 0);
  const int copy = (int)syscall(SYS_pidfd_getfd, pidfd, STDOUT_FILENO, 0);
  CHECK(copy >= 0);
  close(copy);
  Give(&begin);
  CHECK_INT(epoll_wait(waits, &event, 1, -1), 1);
  CHECK_INT(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
  CHECK_INT(info.si_status, 33);
  CHECK_INT(Events(pidfd), POLLIN | POLLHUP);
  CHECK_ERR(Send(pidfd, 0, 0), ESRCH);
  CHECK_ERR(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), ECHILD);
  close(waits);
  close(pidfd);
  Ok("over exec");
}

static void* EndsWhenTold(void* unused) {
  Take(&begin);
  syscall(SYS_exit, 6);
  return unused;
}

static void LeaderGoesFirst(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, EndsWhenTold, NULL);
    Give(&end);
    syscall(SYS_exit, 5);
  }
  const int process = PidfdOpen(pid, 0), leader = PidfdOpen(pid, kPidfdThread);
  Take(&end);
  AwaitState(pid, 'Z');
  CHECK_INT(Events(process), 0);
  CHECK_INT(Events(leader), 0);
  CHECK_INT(Send(process, 0, 0), 0);
  Give(&begin);
  struct pollfd one = {process, POLLIN, 0};
  CHECK_INT(poll(&one, 1, -1), 1);
  CHECK_INT(WaitShell(pid), 6);  // the last one's status
  CHECK_INT(Events(leader), POLLIN | POLLHUP);
  close(process);
  close(leader);
  Ok("the leader goes first");
}

static volatile pid_t taken_by;
static volatile int taken_code;

static void Note(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number;
  (void)context;
  taken_code = info->si_code;
  taken_by = (pid_t)syscall(SYS_gettid);  // last: it is waited for
}

static volatile pid_t tid;

static void* Waits(void* unused) {
  tid = (pid_t)syscall(SYS_gettid);
  Give(&end);
  Take(&begin);
  return unused;
}

static void AwaitSignal(void) {
  while (taken_by == 0) Rest();
}

static void Threads(void) {
  pthread_t thread;
  HandleInfo(SIGUSR1, Note, SA_RESTART);
  pthread_create(&thread, NULL, Waits, NULL);
  Take(&end);
  CHECK_ERR(PidfdOpen(tid, 0), ENOENT);
  const int pidfd = PidfdOpen(tid, kPidfdThread);
  CHECK(pidfd >= 0);
  CHECK_INT(Send(pidfd, SIGUSR1, 0), 0);
  AwaitSignal();
  CHECK(taken_by == tid && taken_code == SI_TKILL);
  const int own = PidfdOpen(getpid(), 0);
  taken_by = 0;
  CHECK_INT(Send(own, SIGUSR1, kToThread), 0);
  AwaitSignal();
  CHECK(taken_by == getpid() && taken_code == SI_TKILL);
  taken_by = 0;
  AwaitSleep(getpid(), tid);  // on its way back from the handler it would look for signals
  CHECK_INT(Send(own, SIGUSR1, kToProcess), 0);
  AwaitSignal();
  CHECK(taken_by == getpid() && taken_code == SI_USER);
  CHECK_INT(Events(pidfd), 0);
  Give(&begin);
  pthread_join(thread, NULL);
  struct pollfd one = {pidfd, POLLIN, 0};
  CHECK_INT(poll(&one, 1, -1), 1);
  CHECK_ERR(Send(own, SIGUSR1, kToThread | kToProcess), EINVAL);
  CHECK_ERR(Send(own, SIGUSR1, 8), EINVAL);
  close(pidfd);
  close(own);
  Ok("threads");
}

static void Pauses(void* unused) {
  (void)unused;
  Give(&end);
  for (;;) pause();
}

static void Groups(void) {
  const pid_t first = Fork(Pauses, NULL);
  CHECK_INT(setpgid(first, first), 0);
  const pid_t second = Fork(Pauses, NULL);
  CHECK_INT(setpgid(second, first), 0);
  Take(&end);
  Take(&end);
  const int leader = PidfdOpen(first, 0), member = PidfdOpen(second, 0);
  CHECK_ERR(Send(member, SIGTERM, kToGroup), ESRCH);  // no group has its number
  CHECK_INT(Send(leader, SIGTERM, kToGroup), 0);
  CHECK_INT(WaitShell(first), 128 + SIGTERM);
  CHECK_INT(WaitShell(second), 128 + SIGTERM);
  close(leader);
  close(member);
  Ok("groups");
}

int main(int argc, char** argv) {
  self = argv[0];
  if (argc > 2) {
    begin.read_end = atoi(argv[1]);
    end.write_end = atoi(argv[2]);
    Give(&end);
    Take(&begin);
    return 33;
  }
  begin = MakeBaton();
  end = MakeBaton();
  OverExec();
  LeaderGoesFirst();
  Threads();
  Groups();
  return Finish();
}
