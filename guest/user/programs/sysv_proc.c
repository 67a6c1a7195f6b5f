// SPDX-License-Identifier: Apache-2.0
//
// /proc/sysvipc: a queue, a set and a segment as their lines tell them, against what IPC_STAT says;
// and in the guest, whose identifiers nobody else asks for, /proc/sys/kernel/*_next_id.
#include <stdbool.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/utsname.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

// The words of the line for `id`, or none.
typedef struct {
  int count;
  long long words[16];
} Line;

static Line LineOf(const char* name, int id) {
  static char text[65536];
  char path[64];
  snprintf(path, sizeof(path), "/proc/sysvipc/%s", name);
  int fd = open(path, O_RDONLY);
  CHECK(fd >= 0);
  size_t length = 0;
  for (ssize_t got; (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0;) {
    length += (size_t)got;
  }
  close(fd);
  text[length] = 0;
  Line line = {0};
  for (char* at = strchr(text, '\n'); at && at[1]; at = strchr(at + 1, '\n')) {
    long key = 0;
    int number = -1, mode = 0, used = 0;
    CHECK_INT(sscanf(at + 1, "%ld %d %o%n", &key, &number, &mode, &used), 3);
    if (number != id) continue;
    line.words[0] = key;
    line.words[1] = number;
    line.words[2] = mode;
    line.count = 3;
    char* rest = at + 1 + used;
    while (*rest != '\n' && line.count < 16) {
      line.words[line.count++] = strtoll(rest, &rest, 10);
    }
  }
  return line;
}

static void Same(const Line* line, const long long* want, int count) {
  CHECK_INT(line->count, count);
  for (int i = 0; i < count; ++i) CHECK_INT(line->words[i], want[i]);
}

static void Queue(void) {
  struct {
    long type;
    char text[5];
  } mail = {1, "mail"};
  int id = msgget(IPC_PRIVATE, 0640);
  CHECK_INT(msgsnd(id, &mail, 5, 0), 0);
  CHECK_INT(msgsnd(id, &mail, 3, 0), 0);
  CHECK_INT(msgrcv(id, &mail, 5, 0, 0), 5);
  struct msqid_ds stat;
  CHECK_INT(msgctl(id, IPC_STAT, &stat), 0);
  const long long want[] = {0,
                            id,
                            0640,
                            3,
                            1,
                            getpid(),
                            getpid(),
                            geteuid(),
                            getegid(),
                            geteuid(),
                            getegid(),
                            stat.msg_stime,
                            stat.msg_rtime,
                            stat.msg_ctime};
  Line line = LineOf("msg", id);
  Same(&line, want, 14);
  CHECK_INT(msgctl(id, IPC_RMID, NULL), 0);
  CHECK_INT(LineOf("msg", id).count, 0);
  Ok("msg");
}

static void Set(void) {
  int id = semget(IPC_PRIVATE, 3, 0604);
  struct sembuf up = {0, 1, 0};
  CHECK_INT(semop(id, &up, 1), 0);
  struct semid_ds stat;
  CHECK_INT(semctl(id, 0, IPC_STAT, &stat), 0);
  const long long want[] = {
      0, id, 0604, 3, geteuid(), getegid(), geteuid(), getegid(), stat.sem_otime, stat.sem_ctime};
  Line line = LineOf("sem", id);
  Same(&line, want, 10);
  CHECK_INT(semctl(id, 0, IPC_RMID), 0);
  CHECK_INT(LineOf("sem", id).count, 0);
  Ok("sem");
}

static void Segment(void) {
  enum { kDest = 01000 };  // SHM_DEST
  int id = shmget(IPC_PRIVATE, 3 * kPage - 1, 0600);
  char* memory = shmat(id, NULL, 0);
  CHECK(memory != (char*)-1);
  memory[kPage] = 1;
  CHECK_INT(shmctl(id, IPC_RMID, NULL), 0);
  struct shmid_ds stat;
  CHECK_INT(shmctl(id, IPC_STAT, &stat), 0);
  const long long want[] = {0,
                            id,
                            0600 | kDest,
                            3 * kPage - 1,
                            getpid(),
                            getpid(),
                            1,
                            geteuid(),
                            getegid(),
                            geteuid(),
                            getegid(),
                            stat.shm_atime,
                            stat.shm_dtime,
                            stat.shm_ctime,
                            kPage,
                            0};
  Line line = LineOf("shm", id);
  Same(&line, want, 16);
  CHECK_INT(shmdt(memory), 0);
  CHECK_INT(LineOf("shm", id).count, 0);
  Ok("shm");
}

static int NextId(const char* file) {
  char text[16] = "";
  int fd = open(file, O_RDONLY);
  CHECK(read(fd, text, sizeof(text) - 1) > 0);
  close(fd);
  return atoi(text);
}

static void WantId(const char* file, const char* id) {
  int fd = open(file, O_WRONLY);
  CHECK_INT(write(fd, id, strlen(id)), strlen(id));
  close(fd);
}

static void ChosenIds(void) {
  enum { kIndices = 32768 };
  const char* file = "/proc/sys/kernel/msg_next_id";
  CHECK_INT(NextId(file), -1);
  WantId(file, "65543\n");
  CHECK_INT(NextId(file), 65543);
  int first = msgget(IPC_PRIVATE, 0600);
  CHECK_INT(first, 2 * kIndices + 7);
  CHECK_INT(NextId(file), -1);
  WantId(file, "98311\n");
  int second = msgget(IPC_PRIVATE, 0600);
  CHECK_INT(second, 3 * kIndices + 8);  // index 7 is taken
  WantId(file, "32767\n");
  int last = msgget(IPC_PRIVATE, 0600);
  CHECK_INT(last, kIndices - 1);
  WantId(file, "32767\n");
  CHECK_ERR(msgget(IPC_PRIVATE, 0600), ENOSPC);
  CHECK_INT(msgctl(first, IPC_RMID, NULL), 0);
  CHECK_INT(msgctl(second, IPC_RMID, NULL), 0);
  CHECK_INT(msgctl(last, IPC_RMID, NULL), 0);
  int fd = open(file, O_WRONLY);
  CHECK_ERR(write(fd, "-1\n", 3), EINVAL);
  close(fd);
  WantId("/proc/sys/kernel/sem_next_id", "12\n");
  int set = semget(IPC_PRIVATE, 1, 0600);
  CHECK_INT(set, 12);
  CHECK_INT(semctl(set, 0, IPC_RMID), 0);
  WantId("/proc/sys/kernel/shm_next_id", "32770\n");
  int segment = shmget(IPC_PRIVATE, 1, 0600);
  CHECK_INT(segment, kIndices + 2);
  CHECK_INT(shmctl(segment, IPC_RMID, NULL), 0);
}

int main(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  Queue();
  Set();
  Segment();
  if (strstr(name.release, "forkvisor")) ChosenIds();
  Ok("chosen identifiers");
  return Finish();
}
