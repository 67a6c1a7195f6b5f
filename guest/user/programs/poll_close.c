// SPDX-License-Identifier: Apache-2.0
//
// A thread closes both ends of a pipe while another one waits for it in poll(2): the wait goes on
// (Linux holds the files meanwhile) and ends by its timeout.
#include <poll.h>
#include <pthread.h>

#include "guest/user/lib/proc.h"

static int pipe_fds[2];
static int ready_fds[2];

static void* CloseBoth(void* unused) {
  (void)unused;
  char byte;
  CHECK_INT(read(ready_fds[0], &byte, 1), 1);
  sched_yield();
  CHECK(close(pipe_fds[0]) == 0);
  CHECK(close(pipe_fds[1]) == 0);
  // The descriptors' numbers, and the freed memory if any was, are used again.
  int again[2];
  for (int i = 0; i < 20; ++i) CHECK(pipe(again) == 0);
  return NULL;
}

int main(void) {
  CHECK(pipe(pipe_fds) == 0);
  CHECK(pipe(ready_fds) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, CloseBoth, NULL) == 0);
  struct pollfd wanted = {.fd = pipe_fds[0], .events = POLLIN};
  CHECK_INT(write(ready_fds[1], "x", 1), 1);
  CHECK_INT(poll(&wanted, 1, 100), 0);
  CHECK(pthread_join(thread, NULL) == 0);
  Ok("closed while polled");
  return Finish();
}
