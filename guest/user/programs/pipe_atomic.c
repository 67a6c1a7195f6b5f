// SPDX-License-Identifier: Apache-2.0
//
// Several processes write records of up to PIPE_BUF bytes into one pipe: no record is ever torn.
#include <limits.h>

#include "guest/user/lib/proc.h"

enum { kWriters = 5, kRecords = 60, kRecord = PIPE_BUF };

static int fds[2];

static void Writer(void* arg) {
  static char record[kRecord];
  memset(record, (int)('A' + (long)arg), sizeof(record));
  close(fds[0]);
  for (int i = 0; i < kRecords; ++i) CHECK_INT(write(fds[1], record, kRecord), kRecord);
}

int main(void) {
  CHECK(pipe(fds) == 0);
  pid_t pids[kWriters];
  for (long i = 0; i < kWriters; ++i) pids[i] = Fork(Writer, (void*)i);
  close(fds[1]);
  static char stream[kWriters * kRecords * kRecord];
  size_t size = 0;
  for (ssize_t n; (n = read(fds[0], stream + size, sizeof(stream) - size)) > 0;) size += (size_t)n;
  CHECK_INT(size, sizeof(stream));
  int counts[kWriters] = {0}, torn = 0;
  for (size_t at = 0; at < size; at += kRecord) {
    for (int i = 1; i < kRecord; ++i) torn += stream[at + (size_t)i] != stream[at];
    ++counts[stream[at] - 'A'];
  }
  CHECK_INT(torn, 0);
  for (int i = 0; i < kWriters; ++i) CHECK_INT(counts[i], kRecords);
  for (int i = 0; i < kWriters; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  Ok("three hundred records");
  return Finish();
}
