// SPDX-License-Identifier: Apache-2.0
//
// System V semaphores: several operations at once or none, waiting for more and for zero, undo at
// exit and who shares it (CLONE_SYSVSEM), removal under waiters, and what is refused.
// Rows of docs/fork-features.md: F32 F38.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

union Argument {
  int val;
  struct semid_ds* buf;
  unsigned short* array;
};

static int set;

static int Control(int id, int number, int command, int value) {
  union Argument argument = {.val = value};
  return semctl(id, number, command, argument);
}
static int Value(int number) { return Control(set, number, GETVAL, 0); }
static int Op(int number, int change, int flags) {
  struct sembuf op = {(unsigned short)number, (short)change, (short)flags};
  return semop(set, &op, 1);
}
static void MakeSet(int count) {
  set = semget(IPC_PRIVATE, count, 0600);
  CHECK(set >= 0);
}
static void RemoveSet(void) { CHECK_INT(Control(set, 0, IPC_RMID, 0), 0); }
// Until `count` tasks wait in the way that `command` counts.
static void AwaitWaiters(int number, int command, int count) {
  while (Control(set, number, command, 0) != count) sched_yield();
}

static void Atomic(void) {
  MakeSet(3);
  union Argument argument;
  unsigned short values[3] = {2, 0, 5};
  argument.array = values;
  CHECK_INT(semctl(set, 0, SETALL, argument), 0);
  struct sembuf ops[] = {{0, -2, 0}, {2, -1, 0}, {1, -1, IPC_NOWAIT}};
  CHECK_ERR(semop(set, ops, 3), EAGAIN);
  CHECK(Value(0) == 2 && Value(1) == 0 && Value(2) == 5);
  ops[2].sem_op = 1;
  CHECK_INT(semop(set, ops, 3), 0);
  CHECK(Value(0) == 0 && Value(1) == 1 && Value(2) == 4);
  CHECK_INT(Control(set, 2, GETPID, 0), getpid());
  struct sembuf twice[] = {{0, 3, 0}, {0, -1, 0}};
  CHECK_INT(semop(set, twice, 2), 0);
  CHECK_INT(Value(0), 2);
  struct semid_ds info;
  argument.buf = &info;
  CHECK_INT(semctl(set, 0, IPC_STAT, argument), 0);
  CHECK(info.sem_nsems == 3 && info.sem_otime != 0 && (info.sem_perm.mode & 0777) == 0600);
  info.sem_perm.mode = 0640;
  CHECK_INT(semctl(set, 0, IPC_SET, argument), 0);
  CHECK_INT(semctl(set, 0, IPC_STAT, argument), 0);
  CHECK_INT(info.sem_perm.mode & 0777, 0640);
  RemoveSet();
  Ok("atomic");
}

static void WaitsForTwo(void* unused) {
  (void)unused;
  CHECK_INT(Op(0, -2, 0), 0);
}
static void WaitsForZero(void* unused) {
  (void)unused;
  CHECK_INT(Op(1, 0, 0), 0);
}
static void WaitsForRemoval(void* unused) {
  (void)unused;
  CHECK_ERR(Op(0, -1, 0), EIDRM);
}
static void OnAlarm(int signo) { (void)signo; }
static void IsInterrupted(void* unused) {
  (void)unused;
  Handle(SIGUSR1, OnAlarm, SA_RESTART);  // semop is not restarted all the same
  CHECK_ERR(Op(0, -1, 0), EINTR);
}

static void Waiting(void) {
  MakeSet(2);
  Control(set, 1, SETVAL, 1);
  pid_t more = Fork(WaitsForTwo, NULL), zero = Fork(WaitsForZero, NULL);
  AwaitWaiters(0, GETNCNT, 1);
  AwaitWaiters(1, GETZCNT, 1);
  CHECK_INT(Op(0, 1, 0), 0);
  CHECK_INT(Value(0), 1);  // one is not enough
  CHECK_INT(Control(set, 0, GETNCNT, 0), 1);
  CHECK_INT(Op(0, 2, 0), 0);
  CHECK_INT(Value(0), 1);
  CHECK_INT(WaitShell(more), 0);
  CHECK_INT(Control(set, 1, SETVAL, 0), 0);
  CHECK_INT(WaitShell(zero), 0);
  struct timespec soon = {0, 1000000}, wrong = {0, -1};
  struct sembuf op = {0, -5, 0};
  CHECK_ERR(semtimedop(set, &op, 1, &soon), EAGAIN);
  CHECK_ERR(semtimedop(set, &op, 1, &wrong), EINVAL);
  Control(set, 0, SETVAL, 0);
  pid_t interrupted = Fork(IsInterrupted, NULL);
  AwaitWaiters(0, GETNCNT, 1);
  kill(interrupted, SIGUSR1);
  CHECK_INT(WaitShell(interrupted), 0);
  pid_t first = Fork(WaitsForRemoval, NULL), second = Fork(WaitsForRemoval, NULL);
  AwaitWaiters(0, GETNCNT, 2);
  RemoveSet();
  CHECK_INT(WaitShell(first), 0);
  CHECK_INT(WaitShell(second), 0);
  CHECK_ERR(Value(0), EINVAL);
  Ok("waiting");
}

static void TakesWithUndo(void* unused) {
  (void)unused;
  CHECK_INT(Op(0, -3, SEM_UNDO), 0);
  CHECK_INT(Op(0, 1, SEM_UNDO), 0);
  CHECK_INT(Op(1, 4, SEM_UNDO), 0);
}
static void KillsItself(void* unused) {
  CHECK_INT(Op(0, -3, SEM_UNDO), 0);
  (void)unused;
  kill(getpid(), SIGKILL);
}
static void TakesThenExecs(void* unused) {
  (void)unused;
  CHECK_INT(Op(0, -2, SEM_UNDO), 0);
  char program[] = "/proc/self/exe", argument[32];
  snprintf(argument, sizeof(argument), "%d", set);
  execl(program, program, argument, (char*)NULL);
}

// clone with CLONE_SYSVSEM: one list of undos; it is paid when both are gone.
static int SharesUndo(void* give) {
  CHECK_INT(Op(0, -1, SEM_UNDO), 0);
  Give(give);
  _exit(0);
}
static void ClonesOne(void* unused) {
  (void)unused;
  static unsigned char stack[16384] __attribute__((aligned(16)));
  Baton taken = MakeBaton();
  pid_t child = clone(SharesUndo, stack + sizeof(stack), CLONE_SYSVSEM | SIGCHLD, &taken);
  Take(&taken);
  CHECK_INT(Wait(child), 0);
  CHECK_INT(Value(0), 9);  // this process still has the list
  CHECK_INT(unshare(CLONE_SYSVSEM), 0);
  CHECK_INT(Value(0), 10);
}

static void Undo(void) {
  MakeSet(2);
  Control(set, 0, SETVAL, 10);
  CHECK_INT(RunChild(TakesWithUndo, NULL), 0);
  CHECK(Value(0) == 10 && Value(1) == 0);
  CHECK_INT(RunChild(KillsItself, NULL), 128 + SIGKILL);
  CHECK_INT(Value(0), 10);
  CHECK_INT(RunChild(TakesThenExecs, NULL), 0);  // the program after exec looks, too
  CHECK_INT(Value(0), 10);
  CHECK_INT(RunChild(ClonesOne, NULL), 0);
  CHECK_INT(Value(0), 10);
  // Clearing what is owed: SETVAL by another process.
  Baton taken = MakeBaton(), cleared = MakeBaton();
  pid_t child = fork();
  if (child == 0) {
    CHECK_INT(Op(0, -4, SEM_UNDO), 0);
    Give(&taken);
    Take(&cleared);
    _exit(ChildResult());
  }
  Take(&taken);
  CHECK_INT(Control(set, 0, SETVAL, 1), 0);
  Give(&cleared);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(Value(0), 1);
  // What is owed wakes who waits for it.
  child = Fork(WaitsForTwo, NULL);
  AwaitWaiters(0, GETNCNT, 1);
  pid_t payer = fork();
  if (payer == 0) {
    Control(set, 1, SETVAL, 0);
    CHECK_INT(Op(0, -1, SEM_UNDO), 0);
    CHECK_INT(Op(0, 1, 0), 0);
    _exit(ChildResult());  // gives one back: two are there
  }
  CHECK_INT(WaitShell(payer), 0);
  CHECK_INT(WaitShell(child), 0);
  RemoveSet();
  Ok("undo");
}

static void Refused(void) {
  CHECK_ERR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
  CHECK_ERR(semget(IPC_PRIVATE, -1, 0600), EINVAL);
  key_t key = (key_t)(0x46560000 ^ getpid());
  CHECK_ERR(semget(key, 1, 0600), ENOENT);
  set = semget(key, 2, IPC_CREAT | IPC_EXCL | 0600);
  CHECK(set >= 0);
  CHECK_INT(semget(key, 0, 0), set);
  CHECK_INT(semget(key, 2, IPC_CREAT | 0600), set);
  CHECK_ERR(semget(key, 3, 0600), EINVAL);
  CHECK_ERR(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  struct sembuf ops[501] = {{0, 1, 0}};
  CHECK_ERR(semop(set, ops, 0), EINVAL);
  CHECK_ERR(semop(set, ops, 501), E2BIG);
  CHECK_ERR(semop(-1, ops, 1), EINVAL);
  CHECK_ERR(semop(set, (void*)8, 1), EFAULT);
  CHECK_ERR(Op(2, 1, 0), EFBIG);
  CHECK_ERR(Control(set, 0, SETVAL, 32768), ERANGE);
  CHECK_ERR(Control(set, 0, SETVAL, -1), ERANGE);
  CHECK_ERR(Control(set, 2, GETVAL, 0), EINVAL);
  CHECK_ERR(Control(set, 0, 99, 0), EINVAL);
  CHECK_INT(Control(set, 0, SETVAL, 32767), 0);
  CHECK_ERR(Op(0, 1, 0), ERANGE);
  CHECK_INT(Op(0, -1, IPC_NOWAIT | SEM_UNDO), 0);
  RemoveSet();
  CHECK_ERR(Op(0, 1, 0), EINVAL);
  CHECK_ERR(semget(key, 1, 0600), ENOENT);
  Ok("refused");
}

int main(int argc, char** argv) {
  if (argc > 1) {  // after exec: the undo is still owed
    set = atoi(argv[1]);
    CHECK_INT(Value(0), 8);
    return ChildResult();
  }
  Atomic();
  Waiting();
  Undo();
  Refused();
  return Finish();
}
