// SPDX-License-Identifier: Apache-2.0
//
// System V message queues: selection by type, a full and an empty queue across fork, truncation,
// removal under waiters, and what is refused.
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "guest/user/lib/proc.h"

typedef struct {
  long type;
  char text[16];
} Mail;
static int id;

static int Send(long type, const char* text, int flags) {
  Mail mail = {.type = type};
  strcpy(mail.text, text);
  return msgsnd(id, &mail, strlen(text), flags);
}
// The first letter of the message, or 0.
static char Receive(long type, int flags) {
  Mail mail;
  return msgrcv(id, &mail, sizeof(mail.text), type, flags) > 0 ? mail.text[0] : 0;
}

static void Types(void) {
  id = msgget(IPC_PRIVATE, 0600);
  CHECK(id >= 0);
  const char* texts[] = {"a", "b", "c", "d", "e"};
  const long types[] = {5, 2, 5, 3, 2};
  for (int i = 0; i < 5; ++i) CHECK_INT(Send(types[i], texts[i], 0), 0);
  struct msqid_ds info;
  CHECK_INT(msgctl(id, IPC_STAT, &info), 0);
  CHECK(info.msg_qnum == 5 && info.msg_lspid == getpid() && info.msg_qbytes == 16384);
  CHECK_INT(Receive(3, 0), 'd');
  CHECK_INT(Receive(-4, 0), 'b');  // the lowest type, the oldest of it
  CHECK_INT(Receive(5, MSG_EXCEPT), 'e');
  CHECK_ERR(msgrcv(id, texts, 1, 2, IPC_NOWAIT), ENOMSG);
  CHECK_INT(Receive(0, 0), 'a');
  CHECK_INT(Receive(-100, 0), 'c');
  CHECK_INT(Receive(0, IPC_NOWAIT), 0);
  Mail mail = {0};
  CHECK_INT(Send(1, "hello", 0), 0);
  CHECK_ERR(msgrcv(id, &mail, 3, 0, 0), E2BIG);
  CHECK_INT(msgrcv(id, &mail, 3, 0, MSG_NOERROR), 3);
  CHECK(mail.type == 1 && memcmp(mail.text, "hel\0", 4) == 0);
  CHECK_INT(Send(1, "", 0), 0);
  CHECK_INT(msgrcv(id, &mail, 0, 0, 0), 0);
  CHECK_INT(msgctl(id, IPC_RMID, NULL), 0);
  Ok("types");
}

static void SendsMany(void* unused) {
  (void)unused;
  for (int i = 0; i < 50; ++i) CHECK_INT(Send(i + 1, "0123456789", 0), 0);
}
static void WaitsForType(void* unused) {
  (void)unused;
  CHECK_INT(Receive(7, 0), 's');
}
static void WaitsForRemoval(void* unused) {
  (void)unused;
  Mail mail;
  CHECK_ERR(msgrcv(id, &mail, sizeof(mail.text), 0, 0), EIDRM);
}
static void WaitsForRoom(void* unused) {
  (void)unused;
  CHECK_ERR(Send(1, "0123456789", 0), EIDRM);
}

static void Waiting(void) {
  id = msgget(IPC_PRIVATE, 0600);
  struct msqid_ds info;
  CHECK_INT(msgctl(id, IPC_STAT, &info), 0);
  info.msg_qbytes = 30;
  CHECK_INT(msgctl(id, IPC_SET, &info), 0);
  pid_t child = Fork(SendsMany, NULL);
  for (int i = 0; i < 50; ++i) {
    Mail mail;
    CHECK_INT(msgrcv(id, &mail, sizeof(mail.text), 0, 0), 10);
    CHECK_INT(mail.type, i + 1);
  }
  CHECK_INT(WaitShell(child), 0);
  child = Fork(WaitsForType, NULL);
  AwaitSleep(child, child);
  CHECK_INT(Send(6, "n", 0), 0);
  CHECK_INT(Send(7, "s", 0), 0);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(Receive(0, IPC_NOWAIT), 'n');
  child = Fork(WaitsForRemoval, NULL);
  AwaitSleep(child, child);
  CHECK_INT(msgctl(id, IPC_RMID, NULL), 0);
  CHECK_INT(WaitShell(child), 0);
  id = msgget(IPC_PRIVATE, 0600);
  CHECK_INT(msgctl(id, IPC_STAT, &info), 0);
  info.msg_qbytes = 5;
  CHECK_INT(msgctl(id, IPC_SET, &info), 0);
  CHECK_ERR(Send(1, "0123456789", IPC_NOWAIT), EAGAIN);
  child = Fork(WaitsForRoom, NULL);
  AwaitSleep(child, child);
  CHECK_INT(msgctl(id, IPC_RMID, NULL), 0);
  CHECK_INT(WaitShell(child), 0);
  Ok("waiting");
}

static void Refused(void) {
  key_t key = (key_t)(0x46580000 ^ getpid());
  CHECK_ERR(msgget(key, 0600), ENOENT);
  id = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
  CHECK(id >= 0);
  CHECK_INT(msgget(key, IPC_CREAT | 0600), id);
  CHECK_ERR(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  Mail mail = {1, "x"};
  CHECK_ERR(Send(0, "x", 0), EINVAL);
  CHECK_ERR(msgsnd(id, &mail, 8193, 0), EINVAL);
  CHECK_ERR(msgsnd(id, (void*)8, 1, 0), EFAULT);
  CHECK_ERR(msgsnd(-1, &mail, 1, 0), EINVAL);
  CHECK_ERR(msgrcv(id, &mail, (size_t)-1, 0, 0), EINVAL);
  CHECK_ERR(msgctl(id, 99, NULL), EINVAL);
  CHECK_INT(msgctl(id, IPC_RMID, NULL), 0);
  CHECK_ERR(msgsnd(id, &mail, 1, 0), EINVAL);
  CHECK_ERR(msgrcv(id, &mail, 1, 0, 0), EINVAL);
  Ok("refused");
}

int main(void) {
  Types();
  Waiting();
  Refused();
  return Finish();
}
