// SPDX-License-Identifier: Apache-2.0
//
// Parts of fcntl(2) with files of their own.
#pragma once

#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

// F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ forms. Errors: EINVAL, EBADF, EOVERFLOW, EFAULT,
// those of SetLock.
Result<uint64_t> RecordLock(const SyscallArgs& args, File& file, int command);
// F_GETOWN, F_SETOWN, their _EX forms, F_GETSIG, F_SETSIG; EINVAL for any other command. Errors:
// ESRCH, EINVAL, EFAULT.
Result<uint64_t> OwnerControl(const SyscallArgs& args, File& file, int command);

}  // namespace fv::guest::sys
