// SPDX-License-Identifier: Apache-2.0
//
// The prctl(2)s about capabilities(7): the bounding and the ambient set, the secure bits. Each is
// given prctl's arguments and returns its result.
#pragma once

#include "guest/syscall/syscall.h"

namespace fv::guest {

// PR_CAPBSET_READ. Errors: EINVAL.
Result<uint64_t> ReadBounding(const SyscallArgs& args);
// PR_CAPBSET_DROP. Errors: EPERM, EINVAL, ENOMEM.
Result<uint64_t> DropBounding(const SyscallArgs& args);
// PR_CAP_AMBIENT. Errors: EINVAL, EPERM, ENOMEM.
Result<uint64_t> ChangeAmbient(const SyscallArgs& args);
// PR_SET_KEEPCAPS. Errors: EINVAL, EPERM (locked), ENOMEM.
Result<uint64_t> SetKeepCaps(const SyscallArgs& args);
Result<uint64_t> GetKeepCaps(const SyscallArgs& args);
// PR_SET_SECUREBITS. Errors: EPERM (unknown or locked bits, no privilege), ENOMEM.
Result<uint64_t> SetSecureBits(const SyscallArgs& args);

}  // namespace fv::guest
