// SPDX-License-Identifier: Apache-2.0
//
// System V shared memory: shared by attaching and by fork, counted, removed with the last mapping,
// attached where it is asked for, detached in parts, named in /proc/self/maps, and what is refused.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "guest/user/lib/guest.h"
#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

enum { kBytes = 3 * 4096 };
static int id;

static long Attached(void) {
  struct shmid_ds info;
  return shmctl(id, IPC_STAT, &info) == 0 ? (long)info.shm_nattch : -1;
}

static void WritesThrough(void* memory) {
  CHECK_INT(Attached(), 2);
  ((char*)memory)[4096] = 'c';
  char* other = shmat(id, NULL, 0);
  CHECK(other != memory && other[4096] == 'c');
  CHECK_INT(Attached(), 3);
  other[0] = 'o';
  CHECK_INT(shmdt(memory), 0);
  CHECK_INT(Attached(), 2);
}

static void Sharing(void) {
  id = shmget(IPC_PRIVATE, kBytes, 0600);
  CHECK(id >= 0);
  CHECK_INT(Attached(), 0);
  char* memory = shmat(id, NULL, 0);
  CHECK(memory != (void*)-1);
  CHECK(memory[0] == 0 && memory[kBytes - 1] == 0);
  CHECK_INT(RunChild(WritesThrough, memory), 0);
  CHECK(memory[0] == 'o' && memory[4096] == 'c');
  AWAIT_ON_HOST(Attached() == 1);
  CHECK_INT(Attached(), 1);
  struct shmid_ds info;
  CHECK_INT(shmctl(id, IPC_STAT, &info), 0);
  CHECK(info.shm_segsz == kBytes && info.shm_cpid == getpid() && info.shm_atime != 0);
  CHECK_INT(shmctl(id, IPC_RMID, NULL), 0);
  CHECK_INT(shmctl(id, IPC_STAT, &info), 0);  // lives on
  CHECK(info.shm_nattch == 1 && (info.shm_perm.mode & 01000) != 0);
  memory[1] = 'x';
  char* again = shmat(id, NULL, SHM_RDONLY);
  CHECK(again[1] == 'x');
  CHECK_INT(ProbeWrite(again, 1), -SIGSEGV);
  CHECK_ERR(mprotect(again, 4096, PROT_READ | PROT_WRITE), EACCES);
  CHECK_INT(shmdt(again), 0);
  CHECK_INT(shmdt(memory), 0);
  CHECK_ERR(shmctl(id, IPC_STAT, &info), EINVAL);
  CHECK_ERR((long)shmat(id, NULL, 0), EINVAL);
  Ok("sharing");
}

static void ExitsAttached(void* unused) {
  (void)unused;
  CHECK(shmat(id, NULL, 0) != (void*)-1);
}

static void Places(void) {
  id = shmget(IPC_PRIVATE, kBytes, 0600);
  char* area = mmap(NULL, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(area, 16 * 4096);
  CHECK(shmat(id, area, 0) == area);
  CHECK_ERR((long)shmat(id, area, 0), EINVAL);         // taken
  CHECK_ERR((long)shmat(id, area + 4097, 0), EINVAL);  // not a page
  CHECK(shmat(id, area + 8 * 4096 + 5, SHM_RND) == area + 8 * 4096);
  volatile char* seen = area;  // the compiler knows of no aliases
  seen[5] = 'r';
  CHECK(seen[8 * 4096 + 5] == 'r');
  CHECK_ERR((long)shmat(id, NULL, SHM_REMAP), EINVAL);
  CHECK(shmat(id, area + 4096, SHM_REMAP) == area + 4096);
  CHECK(seen[4096 + 5] == 'r');
  CHECK_INT(Attached(), 3);
  CHECK_INT(shmdt(area + 4096), 0);
  CHECK_INT(shmdt(area), 0);  // its first page is left
  CHECK_INT(Attached(), 1);
  // In parts: the middle page is protected, then all of them go at once.
  char* parts = area + 8 * 4096;
  CHECK_INT(mprotect(parts + 4096, 4096, PROT_READ), 0);
  CHECK_INT(Attached(), 3);
  CHECK_INT(shmdt(parts), 0);
  CHECK_INT(Attached(), 0);
  CHECK_INT(ProbeRead(parts + 2 * 4096), -SIGSEGV);
  CHECK_ERR(shmdt(parts), EINVAL);
  CHECK_ERR(shmdt(parts + 1), EINVAL);
  CHECK_INT(RunChild(ExitsAttached, NULL), 0);
  AWAIT_ON_HOST(Attached() == 0);
  CHECK_INT(Attached(), 0);
  CHECK_INT(shmctl(id, IPC_RMID, NULL), 0);
  Ok("places");
}

// `memory` is a mapping of a segment that was made with `key`.
static int HasName(const char* memory, key_t key) {
  char start[32], name[32], line[256];
  snprintf(start, sizeof(start), "%lx-", (unsigned long)memory);
  snprintf(name, sizeof(name), " /SYSV%08x (deleted)\n", (unsigned)key);
  int found = 0;
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof(line), maps)) {
    found |= strncmp(line, start, strlen(start)) == 0 && strstr(line, name) != NULL;
  }
  if (maps) fclose(maps);
  return found;
}

static key_t key;

static void KeepsItsName(void* memory) {
  CHECK(HasName(memory, key));
  CHECK_INT(shmctl(id, IPC_RMID, NULL), 0);
  CHECK(HasName(memory, key));  // though it has no key any more
}

static void Names(void) {
  key = (key_t)(0x46560000 ^ getpid());
  id = shmget(key, kBytes, IPC_CREAT | IPC_EXCL | 0600);
  char* memory = shmat(id, NULL, 0);
  CHECK_INT(RunChild(KeepsItsName, memory), 0);
  CHECK(HasName(memory, key));
  CHECK_INT(shmdt(memory), 0);
  id = shmget(IPC_PRIVATE, kBytes, 0600);
  memory = shmat(id, NULL, 0);
  CHECK(HasName(memory, 0));
  CHECK_INT(shmctl(id, IPC_RMID, NULL), 0);
  CHECK_INT(shmdt(memory), 0);
  Ok("names");
}

static void Refused(void) {
  CHECK_ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
  key = (key_t)(0x46570000 ^ getpid());
  CHECK_ERR(shmget(key, 4096, 0600), ENOENT);
  id = shmget(key, 100, IPC_CREAT | IPC_EXCL | 0640);
  CHECK(id >= 0);
  CHECK_INT(shmget(key, 0, 0), id);
  CHECK_INT(shmget(key, 100, IPC_CREAT), id);
  CHECK_ERR(shmget(key, 101, 0), EINVAL);
  CHECK_ERR(shmget(key, 100, IPC_CREAT | IPC_EXCL), EEXIST);
  struct shmid_ds info;
  CHECK_ERR(shmctl(id, IPC_STAT, (void*)8), EFAULT);
  CHECK_ERR(shmctl(id, 99, &info), EINVAL);
  CHECK_ERR(shmctl(-1, IPC_STAT, &info), EINVAL);
  CHECK_INT(shmctl(id, IPC_STAT, &info), 0);
  CHECK_INT(info.shm_perm.mode, 0640);
  info.shm_perm.mode = 0600;
  CHECK_INT(shmctl(id, IPC_SET, &info), 0);
  CHECK_INT(shmctl(id, IPC_STAT, &info), 0);
  CHECK_INT(info.shm_perm.mode, 0600);
  char* memory = shmat(id, NULL, 0);
  CHECK(memory[4095] == 0);  // the rest of the page
  CHECK_INT(shmdt(memory), 0);
  CHECK_INT(shmctl(id, IPC_RMID, NULL), 0);
  CHECK_ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
  CHECK_ERR(shmget(key, 4096, 0), ENOENT);
  Ok("refused");
}

int main(void) {
  Sharing();
  Places();
  Names();
  Refused();
  return Finish();
}
