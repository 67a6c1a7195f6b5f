// SPDX-License-Identifier: Apache-2.0
//
// See prctl_capabilities.h.
#include "guest/syscall/prctl_capabilities.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "guest/task/cred.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

// The bits that user space obeys (since Linux 6.14), and all: each bit has its lock above it.
constexpr uint64_t kBitsOfUserSpace = 1u << 8 | 1u << 10;
constexpr uint64_t kBits = SECURE_ALL_BITS | kBitsOfUserSpace;
constexpr uint64_t kLocks = kBits << 1;

template <typename F>
Result<uint64_t> Change(F change) {
  Credentials* changed = TRY(PrepareCredentials());
  change(*changed);
  CommitCredentials(changed);
  return uint64_t{0};
}

}  // namespace

Result<uint64_t> ReadBounding(const SyscallArgs& args) {
  if (args.a[1] > kLastCapability) {
    return Error(EINVAL);
  }
  return args.task.cred().cap_bounding >> args.a[1] & 1;
}

Result<uint64_t> DropBounding(const SyscallArgs& args) {
  const uint64_t capability = args.a[1];
  if (!args.task.Capable(CAP_SETPCAP)) {
    return Error(EPERM);
  }
  if (capability > kLastCapability) {
    return Error(EINVAL);
  }
  return Change([=](Credentials& cred) { cred.cap_bounding &= ~(uint64_t{1} << capability); });
}

Result<uint64_t> ChangeAmbient(const SyscallArgs& args) {
  const Credentials& cred = args.task.cred();
  const uint64_t capability = args.a[2];
  const bool all = args.a[1] == PR_CAP_AMBIENT_CLEAR_ALL;
  if (capability > (all ? 0 : kLastCapability) || args.a[3] != 0 || args.a[4] != 0) {
    return Error(EINVAL);
  }
  const uint64_t bit = uint64_t{1} << capability;
  switch (args.a[1]) {
    case PR_CAP_AMBIENT_CLEAR_ALL:
      return Change([](Credentials& changed) { changed.cap_ambient = 0; });
    case PR_CAP_AMBIENT_IS_SET:
      return uint64_t{(cred.cap_ambient & bit) != 0 ? 1u : 0u};
    case PR_CAP_AMBIENT_RAISE:
      if ((cred.cap_permitted & cred.cap_inheritable & bit) == 0 ||
          (cred.securebits & SECBIT_NO_CAP_AMBIENT_RAISE) != 0) {
        return Error(EPERM);
      }
      return Change([bit](Credentials& changed) { changed.cap_ambient |= bit; });
    case PR_CAP_AMBIENT_LOWER:
      return Change([bit](Credentials& changed) { changed.cap_ambient &= ~bit; });
    default:
      return Error(EINVAL);
  }
}

Result<uint64_t> SetKeepCaps(const SyscallArgs& args) {
  const uint64_t value = args.a[1];
  if (value > 1) {
    return Error(EINVAL);
  }
  if ((args.task.cred().securebits & SECBIT_KEEP_CAPS_LOCKED) != 0) {
    return Error(EPERM);
  }
  return Change([value](Credentials& changed) {
    constexpr uint32_t kKeepCaps = SECBIT_KEEP_CAPS;
    changed.securebits = (changed.securebits & ~kKeepCaps) | (value != 0 ? kKeepCaps : 0);
  });
}

Result<uint64_t> GetKeepCaps(const SyscallArgs& args) {
  return uint64_t{(args.task.cred().securebits & SECBIT_KEEP_CAPS) != 0 ? 1u : 0u};
}

Result<uint64_t> SetSecureBits(const SyscallArgs& args) {
  const uint64_t old = args.task.cred().securebits;
  const uint64_t wanted = args.a[1];
  const uint64_t changes = old ^ wanted;
  const bool locked = ((old & kLocks) >> 1 & changes) != 0 || (old & kLocks & ~wanted) != 0;
  constexpr uint64_t kOfAnybody = kBitsOfUserSpace | kBitsOfUserSpace << 1;
  const bool permitted =
      args.task.Capable(CAP_SETPCAP) || (changes != 0 && (changes & ~kOfAnybody) == 0);
  if (locked || (wanted & ~(kBits | kLocks)) != 0 || !permitted) {
    return Error(EPERM);
  }
  return Change(
      [wanted](Credentials& changed) { changed.securebits = static_cast<uint32_t>(wanted); });
}

}  // namespace fv::guest
