// SPDX-License-Identifier: Apache-2.0
//
// Capabilities of the calling thread, for test programs (capset(2)).
#pragma once

#include <linux/capability.h>

#include "guest/user/lib/proc.h"

// None is left, and root's ids mean nothing until an execve.
static inline void GiveUpCapabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  CHECK_INT(syscall(SYS_capset, &header, none), 0);
}
