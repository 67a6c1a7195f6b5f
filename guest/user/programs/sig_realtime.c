// SPDX-License-Identifier: Apache-2.0
//
// Real-time signals queue: each with its value, in order, lowest number first; sigqueue's siginfo;
// the sender's identity; a standard signal sent often is one.
#include "guest/user/lib/proc.h"

static volatile int numbers[64], values[64];
static volatile sig_atomic_t count;

static void Record(int signal_number, siginfo_t* info, void* context) {
  (void)context;
  numbers[count] = signal_number;
  values[count++] = info->si_value.sival_int;
  CHECK_INT(info->si_code, SI_QUEUE);
}

static void Sends(void* target) {
  for (int i = 0; i < 5; ++i) {
    union sigval value = {.sival_int = 100 + i};
    CHECK_INT(sigqueue((pid_t)(long)target, SIGRTMIN + 2, value), 0);
  }
}

int main(void) {
  int base = SIGRTMIN;
  sigset_t set;
  sigemptyset(&set);
  for (int i = 1; i <= 3; ++i) {
    HandleInfo(base + i, Record, 0);
    sigaddset(&set, base + i);
  }
  CHECK_INT(sigprocmask(SIG_BLOCK, &set, NULL), 0);
  for (int i = 0; i < 12; ++i) {
    union sigval value = {.sival_int = i};
    CHECK_INT(sigqueue(getpid(), base + 1 + (11 - i) % 3, value), 0);
  }
  CHECK_INT(RunChild(Sends, (void*)(long)getpid()), 0);
  CHECK_INT(count, 0);
  siginfo_t info;
  sigset_t third;
  sigemptyset(&third);
  sigaddset(&third, base + 3);
  CHECK_INT(sigwaitinfo(&third, &info), base + 3);
  CHECK_INT(info.si_value.sival_int, 0);
  CHECK_INT(info.si_pid, getpid());
  // Linux builds frames lowest first, so that the highest runs first of all; within a number the
  // order of sending stays reversed for frames stacked at once. Taken one by one it is plain:
  for (int number = base + 1; number <= base + 3; ++number) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    struct timespec zero = {0, 0};
    while (sigtimedwait(&one, &info, &zero) == number) {
      Say("RTMIN+%d value %d %s", number - base, info.si_value.sival_int,
          info.si_pid == getpid() ? "own" : "child's");
    }
    CHECK_INT(errno, EAGAIN);
  }
  Ok("queued in order");
  for (int i = 0; i < 3; ++i) {
    union sigval value = {.sival_int = i};
    CHECK_INT(sigqueue(getpid(), base + 1, value), 0);
  }
  CHECK_INT(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
  CHECK_INT(count, 3);
  for (int i = 0; i < 3; ++i) CHECK_INT(values[i], i);  // the handler blocks its own number
  Ok("delivered in order");
  union sigval value = {0};
  CHECK_ERR(sigqueue(getpid(), 65, value), EINVAL);
  CHECK_ERR(sigqueue(1 << 22, 0, value), ESRCH);
  return Finish();
}
