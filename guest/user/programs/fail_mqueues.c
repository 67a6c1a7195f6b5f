// SPDX-License-Identifier: Apache-2.0
//
// POSIX message queues and extended attributes with every allocation of the kernel failing in turn:
// made, opened, messages and values of several sizes, notification. See guest/user/lib/fail.h.
#include <mqueue.h>
#include <sys/xattr.h>

#include "guest/user/lib/fail.h"

static const char kQueue[] = "/fv_fail_queue";
enum { kMostBytes = 8192 };
static char text[kMostBytes];

static mqd_t MakeQueue(void) {
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = kMostBytes};
  return mq_open(kQueue, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
}
static void RemoveQueue(mqd_t queue) {
  CHECK_INT(mq_close(queue), 0);
  CHECK_INT(mq_unlink(kQueue), 0);
}

static long Create(void) {
  long queue = FAILING(MakeQueue());
  if (queue >= 0) RemoveQueue((mqd_t)queue);
  if (queue < 0) CHECK_ERR(mq_unlink(kQueue), ENOENT);
  return queue;
}
static long OpenAgain(void) {
  mqd_t queue = MakeQueue();
  long again = FAILING(mq_open(kQueue, O_RDONLY));
  if (again >= 0) CHECK_INT(mq_close((mqd_t)again), 0);
  RemoveQueue(queue);
  return again;
}

static long SendBytes(size_t bytes) {
  mqd_t queue = MakeQueue();
  long result = FAILING(mq_send(queue, text, bytes, 1));
  struct mq_attr attributes;
  CHECK_INT(mq_getattr(queue, &attributes), 0);
  CHECK_INT(attributes.mq_curmsgs, result == 0 ? 1 : 0);
  RemoveQueue(queue);  // with what is in it
  return result;
}
static long SendSmall(void) { return SendBytes(1); }
static long SendLarge(void) { return SendBytes(sizeof(text)); }
static long Receive(void) {
  mqd_t queue = MakeQueue();
  CHECK_INT(mq_send(queue, text, sizeof(text), 1), 0);
  long result = FAILING(mq_receive(queue, text, sizeof(text), NULL));
  RemoveQueue(queue);
  return result;
}

static long Notify(void) {
  mqd_t queue = MakeQueue();
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  long result = FAILING(mq_notify(queue, &event));
  RemoveQueue(queue);
  return result;
}
static volatile sig_atomic_t notified;
static void OnNotify(int signal_number) {
  (void)signal_number;
  ++notified;
}
static void Handler(void) { Handle(SIGUSR1, OnNotify, 0); }
static long Notified(void) {  // whatever the signal's own record needs, it arrives
  mqd_t queue = MakeQueue();
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  CHECK_INT(mq_notify(queue, &event), 0);
  notified = 0;
  long result = FAILING(mq_send(queue, text, 10, 1));
  CHECK_INT(notified, result == 0 ? 1 : 0);
  RemoveQueue(queue);
  return result;
}

// ---- Extended attributes ------------------------------------------------------------------------
static int file;
static char value[65536], got[65536];
static void MakeFile(void) {
  memset(got, 1, sizeof(got));             // every attempt finds all its pages there
  char path[] = "/dev/shm/fv_failXXXXXX";  // a tmpfs everywhere
  file = mkstemp(path);
  CHECK(file >= 0);
  CHECK_INT(unlink(path), 0);
}
static const char kName[] = "user.fail";

static long Set(size_t bytes, int flags) {
  long result = FAILING(fsetxattr(file, kName, value, bytes, flags));
  if (result == 0) CHECK_INT(fgetxattr(file, kName, got, sizeof(got)), bytes);
  return result;
}
static long SetNew(size_t bytes) {
  long result = Set(bytes, XATTR_CREATE);
  int saved = fv_fail_errno;
  CHECK_INT(fremovexattr(file, kName), result);
  fv_fail_errno = saved;
  return result;
}
static long SetEmpty(void) { return SetNew(0); }
static long SetSmall(void) { return SetNew(100); }
static long SetPage(void) { return SetNew(4096); }
static long SetLarge(void) { return SetNew(sizeof(value)); }

// What cannot be replaced stays.
static long Replace(size_t before, size_t after) {
  CHECK_INT(fsetxattr(file, kName, value, before, 0), 0);
  long result = Set(after, XATTR_REPLACE);
  int saved = fv_fail_errno;
  CHECK_INT(fgetxattr(file, kName, got, sizeof(got)), result == 0 ? after : before);
  CHECK_INT(fremovexattr(file, kName), 0);
  fv_fail_errno = saved;
  return result;
}
static long ReplaceByLarger(void) { return Replace(10, 5000); }
static long ReplaceBySmaller(void) { return Replace(5000, 10); }

static long Get(void) {
  CHECK_INT(fsetxattr(file, kName, value, 5000, 0), 0);
  long result = FAILING(fgetxattr(file, kName, got, sizeof(got)));
  int saved = fv_fail_errno;
  CHECK_INT(fremovexattr(file, kName), 0);
  fv_fail_errno = saved;
  return result;
}
static long List(void) {
  CHECK_INT(fsetxattr(file, kName, value, 10, 0), 0);
  long result = FAILING(flistxattr(file, got, sizeof(got)));
  int saved = fv_fail_errno;
  CHECK_INT(fremovexattr(file, kName), 0);
  fv_fail_errno = saved;
  return result;
}
static long Remove(void) {
  CHECK_INT(fsetxattr(file, kName, value, 10, 0), 0);
  long result = FAILING(fremovexattr(file, kName));
  if (result != 0) CHECK_INT(fremovexattr(file, kName), 0);
  return result;
}

static const FailCase kCases[] = {
    {"mq_open_new", Create, NULL, {ENOMEM, ENOSPC, ENFILE}},
    {"mq_open", OpenAgain, NULL, {ENOMEM, ENFILE}},
    {"mq_send", SendSmall, NULL, {ENOMEM}},
    {"mq_send_large", SendLarge, NULL, {ENOMEM}},
    {"mq_receive", Receive, NULL, {ENOMEM}},
    {"mq_notify", Notify, NULL, {ENOMEM}},
    {"mq_notified", Notified, Handler, {ENOMEM}},
    {"setxattr_empty", SetEmpty, MakeFile, {ENOMEM}},
    {"setxattr", SetSmall, MakeFile, {ENOMEM}},
    {"setxattr_page", SetPage, MakeFile, {ENOMEM}},
    {"setxattr_large", SetLarge, MakeFile, {ENOMEM}},
    {"setxattr_larger", ReplaceByLarger, MakeFile, {ENOMEM}},
    {"setxattr_smaller", ReplaceBySmaller, MakeFile, {ENOMEM}},
    {"getxattr", Get, MakeFile, {ENOMEM}},
    {"listxattr", List, MakeFile, {ENOMEM}},
    {"removexattr", Remove, MakeFile, {ENOMEM}},
};

int main(int argc, char** argv) { return RunFailCases(argc, argv, kCases, COUNT(kCases)); }
