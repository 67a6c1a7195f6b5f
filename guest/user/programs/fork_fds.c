// SPDX-License-Identifier: Apache-2.0
//
// Descriptors over fork: the child has a table of its own with the same open files; the offset and
// the status flags belong to the open file and are shared; close in one is not close in the other.
// Rows of docs/fork-features.md: F23.
#include <fcntl.h>

#include "guest/user/lib/memory.h"
#include "guest/user/lib/proc.h"

static int file, other;

static void ReadsOn(void* unused) {
  (void)unused;
  char bytes[10];
  CHECK_INT(lseek(file, 0, SEEK_CUR), 10);
  CHECK_INT(read(file, bytes, 10), 10);
  CHECK_INT(bytes[0], 'a');
  CHECK_INT(fcntl(file, F_SETFL, O_APPEND | O_NONBLOCK), 0);
  CHECK_INT(fcntl(file, F_SETFD, FD_CLOEXEC), 0);
  CHECK_INT(close(other), 0);
  CHECK_INT(open("/dev/zero", O_RDONLY), other);
}

static void Appends(void* arg) {
  char record[64];
  memset(record, (int)(long)arg, sizeof(record));
  for (int i = 0; i < 200; ++i) CHECK_INT(write(file, record, sizeof(record)), sizeof(record));
}

int main(void) {
  char bytes[64];
  file = TempFile(2);
  other = open("/dev/null", O_RDWR);
  CHECK_INT(lseek(file, 0, SEEK_SET), 0);
  CHECK_INT(read(file, bytes, 10), 10);
  CHECK_INT(RunChild(ReadsOn, NULL), 0);
  CHECK_INT(lseek(file, 0, SEEK_CUR), 20);
  CHECK_INT(fcntl(file, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
  CHECK_INT(fcntl(file, F_GETFD), 0);
  CHECK_INT(read(other, bytes, 1), 0);  // still /dev/null
  Ok("offset and flags shared, table not");
  // Writers through one open file: the shared offset keeps records apart.
  CHECK_INT(ftruncate(file, 0), 0);
  CHECK_INT(lseek(file, 0, SEEK_SET), 0);
  pid_t pids[4];
  for (long i = 0; i < 4; ++i) pids[i] = Fork(Appends, (void*)('0' + i));
  for (int i = 0; i < 4; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  CHECK_INT(lseek(file, 0, SEEK_END), 4 * 200 * 64);
  int counts[4] = {0}, torn = 0;
  for (int i = 0; i < 800; ++i) {
    CHECK_INT(pread(file, bytes, 64, i * 64), 64);
    for (int j = 1; j < 64; ++j) torn += bytes[j] != bytes[0];
    ++counts[(bytes[0] - '0') & 3];
  }
  CHECK_INT(torn, 0);
  for (int i = 0; i < 4; ++i) CHECK_INT(counts[i], 200);
  Ok("four writers");
  return Finish();
}
