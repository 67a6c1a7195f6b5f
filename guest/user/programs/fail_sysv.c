// SPDX-License-Identifier: Apache-2.0
//
// System V IPC with every allocation of the kernel failing in turn: queues and messages of several
// sizes, semaphores with many operations and with undo, segments attached and inherited. See
// guest/user/lib/fail.h.
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "guest/user/lib/fail.h"
#include "guest/user/lib/guest.h"
#include "guest/user/lib/memory.h"

static long Msgget(void) {
  long id = FAILING(msgget(IPC_PRIVATE, 0600));
  if (id >= 0) CHECK_INT(msgctl((int)id, IPC_RMID, NULL), 0);
  return id;
}

static struct {
  long type;
  char text[8000];
} message = {1, ""};

static long Send(size_t bytes) {
  int id = msgget(IPC_PRIVATE, 0600);
  long result = FAILING(msgsnd(id, &message, bytes, 0));
  struct msqid_ds status;
  CHECK_INT(msgctl(id, IPC_STAT, &status), 0);
  CHECK_INT(status.msg_qnum, result == 0 ? 1 : 0);
  CHECK_INT(msgctl(id, IPC_RMID, NULL), 0);  // with what is in it
  return result;
}
static long SendSmall(void) { return Send(1); }
static long SendLarge(void) { return Send(sizeof(message.text)); }
static long Receive(void) {
  int id = msgget(IPC_PRIVATE, 0600);
  CHECK_INT(msgsnd(id, &message, sizeof(message.text), 0), 0);
  long result = FAILING(msgrcv(id, &message, sizeof(message.text), 0, 0));
  CHECK_INT(msgctl(id, IPC_RMID, NULL), 0);
  return result;
}

enum { kMany = 250 };

static long Semget(void) {
  long id = FAILING(semget(IPC_PRIVATE, kMany, 0600));
  if (id >= 0) CHECK_INT(semctl((int)id, 0, IPC_RMID), 0);
  return id;
}

static int set;
static void MakeSet(void) {
  set = semget(IPC_PRIVATE, kMany, 0600);
  CHECK(set >= 0);
}
static void RemoveSet(void) { CHECK_INT(semctl(set, 0, IPC_RMID), 0); }

// `count` operations, each adding one.
static int Raise(unsigned count, short flags) {
  static struct sembuf operations[kMany];
  for (unsigned i = 0; i < count; ++i) {
    operations[i] = (struct sembuf){.sem_num = (unsigned short)i, .sem_op = 1, .sem_flg = flags};
  }
  return semop(set, operations, count);
}
static int Sum(void) {
  int sum = 0;
  for (int i = 0; i < kMany; ++i) sum += semctl(set, i, GETVAL);
  return sum;
}

static long SemopMany(void) {
  MakeSet();
  long result = FAILING(Raise(kMany, 0));
  CHECK_INT(Sum(), result == 0 ? kMany : 0);
  RemoveSet();
  return result;
}
static long DoSemopUndo(void) { return FAILING(Raise(3, SEM_UNDO)); }
static long SemopUndo(void) {
  MakeSet();
  long result = InChild(DoSemopUndo);
  CHECK_INT(Sum(), 0);  // undone with the child
  RemoveSet();
  return result;
}
static long SetAll(void) {
  static unsigned short values[kMany];
  MakeSet();
  long result = FAILING(semctl(set, 0, SETALL, values));
  RemoveSet();
  return result;
}

// The lists of what is to be undone: shared with CLONE_SYSVSEM, made for that if there was none.
static long CloneSysvsem(void) {
  long pid = FAILING(syscall(SYS_clone, CLONE_SYSVSEM | SIGCHLD, NULL, NULL, NULL, 0));
  if (pid == 0) _exit(0);
  int saved = fv_fail_errno;
  if (pid > 0) CHECK_INT(WaitShell((pid_t)pid), 0);
  fv_fail_errno = saved;
  return pid;
}
static long CloneWithoutUndo(void) { return InChild(CloneSysvsem); }
static long DoCloneWithUndo(void) {
  CHECK_INT(Raise(3, SEM_UNDO), 0);
  long result = CloneSysvsem();
  CHECK_INT(Sum(), 3);  // the list is still this process's
  return result;
}
static long CloneWithUndo(void) {
  MakeSet();
  long result = InChild(DoCloneWithUndo);
  CHECK_INT(Sum(), 0);
  RemoveSet();
  return result;
}
static long DoExitWithUndo(void) {
  CHECK_INT(Raise(kMany, SEM_UNDO), 0);
  FailBegin();
  _exit(0);
}
static long ExitWithUndo(void) {
  MakeSet();
  FailWatch();
  pid_t pid = fork();
  if (pid == 0) DoExitWithUndo();
  CHECK_INT(FailEnd(WaitShell(pid)), 0);
  CHECK_INT(Sum(), 0);
  RemoveSet();
  return 0;
}

static long Shmget(void) {
  long id = FAILING(shmget(IPC_PRIVATE, 4 * kPage, 0600));
  if (id >= 0) CHECK_INT(shmctl((int)id, IPC_RMID, NULL), 0);
  return id;
}
static long Shmat(void) {
  int id = shmget(IPC_PRIVATE, 4 * kPage, 0600);
  long at = FAILING((long)shmat(id, NULL, 0));
  if (at != -1) CHECK_INT(shmdt((void*)at), 0);
  CHECK_INT(shmctl(id, IPC_RMID, NULL), 0);
  return at == -1 ? -1 : 0;
}

static int segment;
static char* attached[3];
static void Attach(void) {
  segment = shmget(IPC_PRIVATE, 4 * kPage, 0600);
  for (size_t i = 0; i < COUNT(attached); ++i) {
    attached[i] = shmat(segment, NULL, 0);
    CHECK(attached[i] != (char*)-1);
    attached[i][i * kPage] = 1;
  }
}
static long Attaches(void) {
  struct shmid_ds status;
  CHECK_INT(shmctl(segment, IPC_STAT, &status), 0);
  return (long)status.shm_nattch;
}
static void Detach(void) {
  for (size_t i = 0; i < COUNT(attached); ++i) CHECK_INT(shmdt(attached[i]), 0);
  CHECK_INT(shmctl(segment, IPC_RMID, NULL), 0);
}
static long ForkAttached(void) {
  Attach();
  long pid = FAILING(fork());
  if (pid == 0) _exit(Attaches() == 2 * COUNT(attached) ? 0 : 1);
  int saved = fv_fail_errno;
  if (pid > 0) CHECK_INT(WaitShell((pid_t)pid), 0);
  AWAIT_ON_HOST(Attaches() == COUNT(attached));
  CHECK_INT(Attaches(), COUNT(attached));
  Detach();
  fv_fail_errno = saved;
  return pid;
}
static long DetachSplit(void) {  // a part of it has other rights
  Attach();
  CHECK_INT(mprotect(attached[0] + kPage, kPage, PROT_READ), 0);
  long result = FAILING(shmdt(attached[0]));
  if (result != 0) CHECK_INT(shmdt(attached[0]), 0);
  attached[0] = shmat(segment, NULL, 0);
  Detach();
  return result;
}

static const FailCase kCases[] = {
    {"msgget", Msgget, NULL, {ENOMEM}},
    {"msgsnd", SendSmall, NULL, {ENOMEM}},
    {"msgsnd_large", SendLarge, NULL, {ENOMEM}},
    {"msgrcv", Receive, NULL, {ENOMEM}},
    {"semget", Semget, NULL, {ENOMEM}},
    {"semop_many", SemopMany, NULL, {ENOMEM}},
    {"semop_undo", SemopUndo, NULL, {ENOMEM}},
    {"semctl_setall", SetAll, NULL, {ENOMEM}},
    {"clone_sysvsem_first", CloneWithoutUndo, NULL, {ENOMEM}},
    {"clone_sysvsem_undo", CloneWithUndo, NULL, {ENOMEM}},
    {"exit_with_undo", ExitWithUndo, NULL, {0}},
    {"shmget", Shmget, NULL, {ENOMEM}},
    {"shmat", Shmat, NULL, {ENOMEM}},
    {"shmdt_split", DetachSplit, NULL, {ENOMEM}},
    {"fork_attached", ForkAttached, NULL, {ENOMEM}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
