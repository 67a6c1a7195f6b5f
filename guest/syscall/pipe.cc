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
  FdTable& files = args.task.files();
  const CloseOnExecFlag cloexec =
      (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
  int fds[2];
  fds[0] = TRY(files.Allocate(FdLimit(args)));
  const Result<int> second = files.Allocate(FdLimit(args));
  if (!second.ok()) {
    files.Cancel(fds[0]);
    return second.error();
  }
  fds[1] = second.value();
  // The program learns the numbers before the descriptors exist: a bad address leaves no trace.
  if (const Status told = WriteUser(*args.task.mm(), args.a[0], fds); !told.ok()) {
    files.Cancel(fds[0]);
    files.Cancel(fds[1]);
    return told.error();
  }
  files.Install(fds[0], std::move(ends.reader), cloexec);
  files.Install(fds[1], std::move(ends.writer), cloexec);
  return uint64_t{0};
}

}  // namespace

Result<uint64_t> pipe(const SyscallArgs& args) { return DoPipe(args, 0); }
Result<uint64_t> pipe2(const SyscallArgs& args) { return DoPipe(args, args.Uint(1)); }

}  // namespace fv::guest::sys
