// SPDX-License-Identifier: Apache-2.0
//
// vmsplice(2): between memory and a pipe. The user's pages are pinned, not copied, on their way in.
#include "guest/introspect/introspect.h"
#include "guest/ipc/pipe.h"
#include "guest/lib/blocking.h"
#include "guest/syscall/file_args.h"
#include "guest/syscall/splice_flags.h"

namespace fv::guest::sys {

namespace {

// Copies out what is there once something is.
Result<uint64_t> FromPipe(File& file, Pipe& pipe, IoBuffer& buffer, Blocking blocking) {
  if (pipe.ring->empty() && pipe.writer_count > 0) {
    if (blocking == Blocking::kNo) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(pipe.readers, kNoDeadline,
                  [&] { return !pipe.ring->empty() || pipe.writer_count == 0; }));
  }
  uint64_t unused = 0;
  return file.Read(buffer, unused);
}

// Waits for room once, then gives what fits; write(2) would wait until all is in.
Result<uint64_t> ToPipe(File& file, Pipe& pipe, IoBuffer& buffer, Blocking blocking,
                        const IoContext& context) {
  if (pipe.ring->full() && pipe.reader_count > 0) {
    if (blocking == Blocking::kNo) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(pipe.writers, kNoDeadline,
                  [&] { return !pipe.ring->full() || pipe.reader_count == 0; }));
  }
  if (pipe.reader_count == 0) {
    uint64_t unused = 0;
    return file.Write(buffer, unused, context);  // EPIPE and its signal
  }
  const bool wake = pipe.ring->empty() || pipe.polled;
  const uint64_t moved = TRY(pipe.ring->FillPinned(buffer));
  if (wake && moved > 0) {
    pipe.readers.WakeAll();
  }
  NoteChange(proto::SafepointKind::kSyscall);  // pins
  return moved;
}

}  // namespace

Result<uint64_t> vmsplice(const SyscallArgs& args) {
  if ((args.Uint(3) & ~kSpliceFlags) != 0) {
    return Error(EINVAL);
  }
  const Ref<File> file = TRY(FileArgument(args, 0));
  if (!file->readable() && !file->writable()) {
    return Error(EBADF);
  }
  IovecArgument iovec;
  TRY(iovec.Load(*args.task.mm(), args.a[1], args.Uint(2)));
  IoBuffer buffer = iovec.Buffer(*args.task.mm());
  if (buffer.remaining() == 0) {
    return uint64_t{0};  // to or from any file
  }
  Pipe* pipe = PipeOf(*file);
  if (pipe == nullptr) {
    return Error(EBADF);
  }
  // O_NONBLOCK of the file says nothing here: the call has a flag of its own.
  const Blocking blocking = BlockingUnless((args.Uint(3) & kSpliceNonblock) != 0);
  return file->writable() ? ToPipe(*file, *pipe, buffer, blocking, IoContextOf(args))
                          : FromPipe(*file, *pipe, buffer, blocking);
}

}  // namespace fv::guest::sys
