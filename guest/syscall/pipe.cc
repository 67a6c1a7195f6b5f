// SPDX-License-Identifier: Apache-2.0
//
// pipe(2) and pipe2(2).
#include "guest/ipc/pipe.h"

#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

Result<uint64_t> DoPipe(const SyscallArgs& args, uint32_t flags) {
  if ((flags & ~uint32_t{O_CLOEXEC | O_NONBLOCK | O_DIRECT}) != 0) {
    return Error(EINVAL);
  }
  PipeEnds ends = TRY(MakePipe(flags));
  const CloseOnExecFlag cloexec =
      (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
  return InstallPair(args, args.a[0], std::move(ends.reader), std::move(ends.writer), cloexec);
}

}  // namespace

Result<uint64_t> pipe(const SyscallArgs& args) { return DoPipe(args, 0); }
Result<uint64_t> pipe2(const SyscallArgs& args) { return DoPipe(args, args.Uint(1)); }

}  // namespace fv::guest::sys
