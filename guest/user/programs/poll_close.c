// SPDX-License-Identifier: Apache-2.0
//
// A thread closes both ends of a pipe while another one waits for it in poll(2), which holds the
// files meanwhile. The end of the writer wakes it, and it looks again: the descriptor is closed, or
// is another pipe's by then, in which there is nothing.
#include <poll.h>
#include <pthread.h>

#include "guest/user/lib/proc.h"

static int pipe_fds[2];

static void* CloseBoth(void* unused) {
  (void)unused;
  AwaitSleep(getpid(), getpid());  // in poll
  CHECK(close(pipe_fds[0]) == 0);
  CHECK(close(pipe_fds[1]) == 0);
  // The descriptors' numbers, and the freed memory if any was, are used again.
  int again[2];
  for (int i = 0; i < 20; ++i) CHECK(pipe(again) == 0);
  return NULL;
}

int main(void) {
  CHECK(pipe(pipe_fds) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, CloseBoth, NULL) == 0);
  struct pollfd wanted = {.fd = pipe_fds[0], .events = POLLIN};
  int found = poll(&wanted, 1, 100);
  CHECK(found == 0 || (found == 1 && wanted.revents == POLLNVAL));
  CHECK(pthread_join(thread, NULL) == 0);
  Ok("closed while polled");
  return Finish();
}
