// SPDX-License-Identifier: Apache-2.0
//
// A chain of processes joined by pipes, each adding one to every number that passes; and a token
// that goes round a ring a thousand times.
#include "guest/user/lib/proc.h"

enum { kStages = 16, kNumbers = 500, kRing = 5, kRounds = 200 };

static int in_fd, out_fd;

static void Stage(void* unused) {
  (void)unused;
  int number;
  ssize_t n;
  while ((n = read(in_fd, &number, sizeof(number))) == (ssize_t)sizeof(number)) {
    ++number;
    CHECK_INT(write(out_fd, &number, sizeof(number)), sizeof(number));
  }
  CHECK_INT(n, 0);
}

static void Chain(void) {
  int first[2];
  CHECK(pipe(first) == 0);
  in_fd = first[0];
  pid_t pids[kStages];
  for (int i = 0; i < kStages; ++i) {
    int next[2];
    CHECK(pipe(next) == 0);
    out_fd = next[1];
    int keep_closed[2] = {first[1], next[0]};
    pids[i] = fork();
    if (pids[i] == 0) {
      close(keep_closed[0]);
      close(keep_closed[1]);
      fv_failures = 0;
      Stage(NULL);
      _exit(ChildResult());
    }
    close(in_fd);
    close(next[1]);
    in_fd = next[0];
  }
  long sum = 0;
  for (int i = 0; i < kNumbers; ++i) {
    int number = i;
    CHECK_INT(write(first[1], &number, sizeof(number)), sizeof(number));
    CHECK_INT(read(in_fd, &number, sizeof(number)), sizeof(number));
    sum += number;
  }
  close(first[1]);
  int number;
  CHECK_INT(read(in_fd, &number, sizeof(number)), 0);
  CHECK_INT(sum, (long)kNumbers * (kNumbers - 1) / 2 + (long)kNumbers * kStages);
  for (int i = 0; i < kStages; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  close(in_fd);
  Ok("chain of sixteen");
}

static Baton ring[kRing];

static void RingMember(void* arg) {
  long me = (long)arg;
  for (int i = 0; i < kRounds; ++i) {
    Take(&ring[me]);
    Give(&ring[(me + 1) % kRing]);
  }
}

int main(void) {
  Chain();
  pid_t pids[kRing];
  for (int i = 0; i < kRing; ++i) ring[i] = MakeBaton();
  for (long i = 1; i < kRing; ++i) pids[i] = Fork(RingMember, (void*)i);
  for (int i = 0; i < kRounds; ++i) {
    Give(&ring[1]);
    Take(&ring[0]);
  }
  for (int i = 1; i < kRing; ++i) CHECK_INT(WaitShell(pids[i]), 0);
  Ok("ring of five");
  return Finish();
}
