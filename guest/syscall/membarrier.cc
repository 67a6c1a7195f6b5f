// SPDX-License-Identifier: Apache-2.0
//
// membarrier(2). One CPU: another thread's barrier was met when it was switched away from, and the
// switch also restarted its rseq section and serialised its instructions. What is left is the
// bookkeeping of who registered for what.

#include <linux/membarrier.h>

#include "guest/mm/mm.h"
#include "guest/syscall/syscall.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr int kGetRegistrations = 1 << 9;  // MEMBARRIER_CMD_GET_REGISTRATIONS of newer headers

constexpr int kRegisters = MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
                           MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
                           MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
                           MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;
constexpr int kPrivateBarriers = MEMBARRIER_CMD_PRIVATE_EXPEDITED |
                                 MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
                                 MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
constexpr int kSupported = MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | kRegisters |
                           kPrivateBarriers | kGetRegistrations;

// The registration of each private barrier is the next bit.
constexpr int RegistrationFor(int barrier) { return barrier << 1; }
static_assert(RegistrationFor(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) ==
              MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ);

}  // namespace

namespace sys {

// membarrier(command, flags, cpu)
Result<uint64_t> membarrier(const SyscallArgs& args) {
  const int command = args.Int(0);
  const uint32_t flags = args.Uint(1);
  const bool may_name_cpu = command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
  if (flags != 0 && !(may_name_cpu && flags == MEMBARRIER_CMD_FLAG_CPU)) {
    return Error(EINVAL);
  }
  if (command == MEMBARRIER_CMD_QUERY) {
    return static_cast<uint64_t>(kSupported);
  }
  const bool single = command > 0 && (command & (command - 1)) == 0;
  if (!single || (command & kSupported) == 0) {
    return Error(EINVAL);
  }
  uint32_t& registered = args.task.mm()->membarrier_registered;
  if (command == kGetRegistrations) {
    return uint64_t{registered};
  }
  if ((command & kRegisters) != 0) {
    registered |= static_cast<uint32_t>(command);
  }
  if ((command & kPrivateBarriers) != 0 &&
      (registered & static_cast<uint32_t>(RegistrationFor(command))) == 0) {
    return Error(EPERM);
  }
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
