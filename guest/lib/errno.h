// SPDX-License-Identifier: Apache-2.0
//
// Linux's error numbers, and the kernel-internal ones by which an interrupted system call says
// how it wants to be restarted (never seen by a user program; guest/task turns them into EINTR or
// a restart when it delivers the signal).
#pragma once

#include <asm/errno.h>

namespace fv::guest {

inline constexpr int kErestartSys = 512;     // restart if the handler has SA_RESTART, else EINTR
inline constexpr int kErestartNoIntr = 513;  // always restart
inline constexpr int kErestartNoHand = 514;  // restart only if no handler ran, else EINTR
inline constexpr int kErestartBlock = 516;   // restart through restart_syscall(2)

}  // namespace fv::guest
