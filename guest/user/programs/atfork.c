// SPDX-License-Identifier: Apache-2.0
//
// pthread_atfork: prepare in reverse order before, parent and child in order after; a mutex held
// around the fork is usable in the child.
#include <pthread.h>

#include "guest/user/lib/proc.h"

static char log_text[64];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void Log(char letter) { log_text[strlen(log_text)] = letter; }
static void Prepare1(void) {
  pthread_mutex_lock(&mutex);
  Log('a');
}
static void Parent1(void) {
  Log('b');
  pthread_mutex_unlock(&mutex);
}
static void Child1(void) {
  Log('c');
  pthread_mutex_unlock(&mutex);
}
static void Prepare2(void) { Log('A'); }
static void Parent2(void) { Log('B'); }
static void Child2(void) { Log('C'); }

int main(void) {
  CHECK_INT(pthread_atfork(Prepare1, Parent1, Child1), 0);
  CHECK_INT(pthread_atfork(Prepare2, Parent2, Child2), 0);
  pid_t child = fork();
  if (child == 0) {
    CHECK(strcmp(log_text, "AacC") == 0);
    CHECK_INT(pthread_mutex_lock(&mutex), 0);
    CHECK_INT(pthread_mutex_unlock(&mutex), 0);
    _exit(ChildResult());
  }
  CHECK(strcmp(log_text, "AabB") == 0);
  CHECK_INT(WaitShell(child), 0);
  CHECK_INT(pthread_mutex_lock(&mutex), 0);
  Ok("handlers");
  return Finish();
}
