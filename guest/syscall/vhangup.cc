// SPDX-License-Identifier: Apache-2.0
//
// vhangup(2).
#include <linux/capability.h>

#include "guest/fs/tty.h"
#include "guest/syscall/syscall.h"
#include "guest/task/task.h"

namespace fv::guest::sys {

Result<uint64_t> vhangup(const SyscallArgs& args) {
  if (!args.task.Capable(CAP_SYS_TTY_CONFIG)) {
    return Error(EPERM);
  }
  if (Tty* tty = CurrentTty(); tty != nullptr) {
    tty->HangUp();
  }
  return uint64_t{0};
}

}  // namespace fv::guest::sys
