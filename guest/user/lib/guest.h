// SPDX-License-Identifier: Apache-2.0
//
// Whether a test program runs in a guest: for what it may do there only, or what a native run sees
// otherwise because it is observed.
#pragma once

#include <sched.h>
#include <sys/utsname.h>

#include "guest/user/lib/check.h"

static inline int InGuest(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  return strstr(name.release, "forkvisor") != NULL;
}

// Waits, but in a guest, for what the end of a process brings: on a host whoever reads in /proc/PID
// keeps that process's memory, and what hangs on it, past its end. A check comes behind it.
#define AWAIT_ON_HOST(condition) \
  while (!(condition) && !InGuest()) sched_yield()
