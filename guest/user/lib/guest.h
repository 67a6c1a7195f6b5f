// SPDX-License-Identifier: Apache-2.0
//
// Whether a test program runs in a guest: for what it may do there only, or what a native run sees
// otherwise because it is observed.
#pragma once

#include <sys/utsname.h>

#include "guest/user/lib/check.h"

static inline int InGuest(void) {
  struct utsname name;
  CHECK_INT(uname(&name), 0);
  return strstr(name.release, "forkvisor") != NULL;
}
