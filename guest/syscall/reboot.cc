// SPDX-License-Identifier: Apache-2.0
//
// reboot(2). In a pid namespace it ends that namespace; there is no machine to restart, so in the
// initial one it ends the first program and with it the run. Its init (or the first program) seems
// to die of SIGHUP for a restart, of SIGINT for a halt.

#include <linux/capability.h>
#include <linux/reboot.h>

#include "guest/syscall/syscall.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint32_t kFirstProgram = 2;

// Errors: EINVAL.
Result<int> SignalOfCommand(uint32_t command) {
  switch (command) {
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
      return int{kSigHup};
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
      return int{kSigInt};
    default:
      return Error(EINVAL);
  }
}

bool IsMagic(uint32_t first, uint32_t second) {
  return first == LINUX_REBOOT_MAGIC1 &&
         (second == LINUX_REBOOT_MAGIC2 || second == LINUX_REBOOT_MAGIC2A ||
          second == LINUX_REBOOT_MAGIC2B || second == LINUX_REBOOT_MAGIC2C);
}

// Whose end is asked for is killed, with `signal` as what its parent sees.
void End(Task* target, int signal) {
  if (target != nullptr) {
    (void)SendSignal(*target, KernelSignal(kSigKill)).ok();
    target->signal().group_exit_code = static_cast<uint32_t>(signal);
  }
}

}  // namespace

namespace sys {

// reboot(magic1, magic2, command, argument)
Result<uint64_t> reboot(const SyscallArgs& args) {
  if (!args.task.Capable(CAP_SYS_BOOT)) {
    return Error(EPERM);
  }
  if (!IsMagic(args.Uint(0), args.Uint(1))) {
    return Error(EINVAL);
  }
  const uint32_t command = args.Uint(2);
  PidNamespace& space = ActivePidNamespace(args.task);
  const bool keyboard = command == LINUX_REBOOT_CMD_CAD_ON || command == LINUX_REBOOT_CMD_CAD_OFF;
  if (space.level == 0 && keyboard) {
    return uint64_t{0};  // there is no such keyboard
  }
  const int signal = TRY(SignalOfCommand(command));
  space.reboot_signal = signal;
  End(space.level == 0 ? FindProcess(kFirstProgram) : ReaperOf(space), signal);
  DoExit(0);
}

}  // namespace sys
}  // namespace fv::guest
