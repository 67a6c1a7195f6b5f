// SPDX-License-Identifier: Apache-2.0
//
// Orphans through a chain of subreapers, each of which ends in turn; the signal at a parent's death
// with it: for the death of the thread that made the child, again for each new parent, not
// inherited.
//
// Rows of docs/fork-features.md: F86.
#include <pthread.h>
#include <sys/prctl.h>

#include "guest/user/lib/proc.h"

static Baton go, ready;

static int IsSubreaper(void) {
  int value = -1;
  CHECK_INT(prctl(PR_GET_CHILD_SUBREAPER, &value), 0);
  return value;
}

static int DeathSignal(void) {
  int value = -1;
  CHECK_INT(prctl(PR_GET_PDEATHSIG, &value), 0);
  return value;
}

// Forks a child that runs `body`, and waits for it to have begun.
static void Begin(void (*body)(void*), void* arg) {
  Fork(body, arg);
  Take(&ready);
}

static pid_t top, first, second;

static void Orphan(void* unused) {
  (void)unused;
  const pid_t parents[] = {second, first, top};
  CHECK_INT(IsSubreaper(), 0);
  Give(&ready);
  for (int i = 0; i < 3; ++i) {
    Take(&go);
    CHECK_INT(getppid(), parents[i]);
    Give(&ready);
  }
  _exit(fv_failures ? 99 : 12);
}

static void MiddleOfSecond(void* unused) { Begin(Orphan, unused); }

static void Second(void* unused) {
  CHECK_INT(IsSubreaper(), 0);
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  second = getpid();
  CHECK_INT(RunChild(MiddleOfSecond, unused), 0);
  Give(&go);
  Take(&ready);
}

static void First(void* unused) {
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  first = getpid();
  CHECK_INT(RunChild(Second, unused), 0);
  Give(&go);
  Take(&ready);
}

static void Chain(void) {
  int status;
  top = getpid();
  CHECK_INT(IsSubreaper(), 0);
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 7), 0);
  CHECK_INT(IsSubreaper(), 1);
  CHECK_INT(RunChild(First, NULL), 0);
  Give(&go);
  Take(&ready);
  CHECK(wait(&status) > 0);
  CHECK_INT(ShellStatus(status), 12);
  Ok("chain");
}

static volatile int signals;

static void Count(int signal_number) {
  (void)signal_number;
  ++signals;
}

static void AwaitSignals(int count) {
  sigset_t before = Block(SIGUSR1), empty;
  sigemptyset(&empty);
  while (signals < count) sigsuspend(&empty);
  CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static void AsksForNothing(void* unused) {
  (void)unused;
  CHECK_INT(DeathSignal(), 0);
}

static void ToldTwice(void* unused) {
  Handle(SIGUSR1, Count, 0);
  CHECK_INT(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
  CHECK_INT(RunChild(AsksForNothing, unused), 0);
  Give(&ready);
  AwaitSignals(1);
  Give(&ready);
  AwaitSignals(2);
  CHECK_INT(getppid(), top);
  CHECK_INT(DeathSignal(), SIGUSR1);
  _exit(fv_failures ? 99 : 13);
}

static void Parent(void* unused) { Begin(ToldTwice, unused); }

static void Grandparent(void* unused) {
  CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  CHECK_INT(RunChild(Parent, unused), 0);
  Take(&ready);  // the orphan is here now, and was told
}

static void EachParent(void) {
  int status;
  CHECK_INT(RunChild(Grandparent, NULL), 0);
  CHECK(wait(&status) > 0);
  CHECK_INT(ShellStatus(status), 13);
  CHECK_ERR(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
  CHECK_ERR(prctl(PR_SET_PDEATHSIG, -1), EINVAL);
  Ok("each parent");
}

static void ToldOfAThread(void* unused) {
  (void)unused;
  Handle(SIGUSR1, Count, 0);
  CHECK_INT(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
  Give(&ready);
  AwaitSignals(1);
  CHECK_INT(getppid(), top);  // the process lives
}

static void* Forks(void* pid) {
  *(pid_t*)pid = Fork(ToldOfAThread, NULL);
  Take(&ready);
  return NULL;
}

static void AThread(void) {
  pthread_t thread;
  pid_t pid = 0;
  pthread_create(&thread, NULL, Forks, &pid);
  pthread_join(thread, NULL);
  CHECK_INT(WaitShell(pid), 0);
  Ok("a thread");
}

int main(void) {
  go = MakeBaton();
  ready = MakeBaton();
  Chain();
  EachParent();
  AThread();
  return Finish();
}
