// SPDX-License-Identifier: Apache-2.0
//
// Transfers between two descriptors: sendfile(2), copy_file_range(2), splice(2), tee(2). Data goes
// through one kernel page at a time.
#include "guest/fs/task_hooks.h"
#include "guest/ipc/pipe.h"
#include "guest/lib/blocking.h"
#include "guest/mm/slab.h"
#include "guest/syscall/file_args.h"
#include "guest/syscall/splice_flags.h"

namespace fv::guest::sys {

namespace {

// One page of kernel memory for a transfer.
class Page {
 public:
  Page() : memory_(KernelAllocate(proto::kPageBytes)) {}
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  ~Page() { KernelFree(memory_, proto::kPageBytes); }
  void* get() const { return memory_; }

 private:
  void* memory_;
};

// An offset argument: a user address, or 0 for the file's own position.
class Offset {
 public:
  Offset(File& file, Mm& mm, uint64_t address) : file_(file), mm_(mm), address_(address) {}
  // Errors: EFAULT, EINVAL (negative), ESPIPE.
  Status Load() {
    if (address_ == 0) {
      return Ok();
    }
    if (!file_.seekable()) {
      return Error(ESPIPE);
    }
    own_ = TRY(ReadUser<uint64_t>(mm_, address_));
    return static_cast<int64_t>(own_) < 0 ? Status(Error(EINVAL)) : Ok();
  }
  Status Store() { return address_ == 0 ? Ok() : WriteUser(mm_, address_, own_); }
  uint64_t& position() { return address_ == 0 ? file_.position() : own_; }

 private:
  File& file_;
  Mm& mm_;
  uint64_t address_;
  uint64_t own_ = 0;
};

// After a write that took less than it was given: sendfile tries the rest, and meets what is in the
// way (a limit's signal); copy_file_range does not.
enum class ShortWrite : uint8_t { kTryRest, kStop };

// Whether an offset can be read is told before what the files say to it. Errors: EFAULT.
Status CheckOffset(const SyscallArgs& args, unsigned index) {
  if (args.a[index] != 0) {
    TRY(ReadUser<uint64_t>(*args.task.mm(), args.a[index]));
  }
  return Ok();
}

// Reads from `in` and writes to `out` until `count` bytes moved, the end, or an obstacle. What
// could not be written is not consumed: the read position goes back.
Result<uint64_t> Copy(const SyscallArgs& args, File& in, uint64_t& in_at, File& out,
                      uint64_t& out_at, uint64_t count, ShortWrite short_write) {
  const Page page;
  if (page.get() == nullptr) {
    return Error(ENOMEM);
  }
  uint64_t moved = 0;
  while (moved < count) {
    const uint64_t want = count - moved < proto::kPageBytes ? count - moved : proto::kPageBytes;
    IoBuffer to = IoBuffer::Kernel(page.get(), want);
    const uint64_t start = in_at;
    const Result<uint64_t> got = in.Read(to, in_at);
    if (!got.ok() || got.value() == 0) {
      return moved > 0 || got.ok() ? Result<uint64_t>(moved) : Result<uint64_t>(got.error());
    }
    IoBuffer from = IoBuffer::Kernel(page.get(), got.value());
    const Result<uint64_t> put = out.Write(from, out_at, IoContextOf(args));
    const uint64_t written = put.ok() ? put.value() : 0;
    moved += written;
    if (written < got.value()) {
      in_at = start + written;
      if (written == 0 || short_write == ShortWrite::kStop) {
        return moved > 0 || put.ok() ? Result<uint64_t>(moved) : Result<uint64_t>(put.error());
      }
    }
  }
  return moved;
}

Status CheckDirections(const File& in, const File& out) {
  return in.readable() && out.writable() ? Ok() : Error(EBADF);
}

// Of two pipes, O_NONBLOCK of either is as good as the flag.
Blocking BlockingBetween(const File& in, const File& out, uint32_t flags) {
  return BlockingUnless((flags & kSpliceNonblock) != 0 || in.nonblocking() || out.nonblocking());
}

Result<uint64_t> PipeToFile(const SyscallArgs& args, File& in, File& out, uint64_t& out_at,
                            uint64_t count, Blocking blocking) {
  Pipe& pipe = *PipeOf(in);
  const Page page;
  if (page.get() == nullptr) {
    return Error(ENOMEM);
  }
  uint64_t moved = 0;
  while (moved < count) {
    if (pipe.ring->empty()) {
      if (moved > 0 || pipe.writer_count == 0) {
        break;
      }
      if (blocking == Blocking::kNo) {
        return Error(EAGAIN);
      }
      TRY(WaitUntil(pipe.readers, kNoDeadline,
                    [&] { return !pipe.ring->empty() || pipe.writer_count == 0; }));
      continue;
    }
    const uint64_t want = count - moved < proto::kPageBytes ? count - moved : proto::kPageBytes;
    IoBuffer to = IoBuffer::Kernel(page.get(), want);
    const size_t got = TRY(pipe.ring->Peek(to, 0));
    IoBuffer from = IoBuffer::Kernel(page.get(), got);
    const Result<uint64_t> put = out.Write(from, out_at, IoContextOf(args));
    const uint64_t written = put.ok() ? put.value() : 0;
    IoBuffer sink = IoBuffer::Kernel(page.get(), written);
    (void)TRY(pipe.ring->Drain(sink));
    pipe.writers.WakeAll();
    moved += written;
    if (written == 0) {
      return moved > 0 || put.ok() ? Result<uint64_t>(moved) : Result<uint64_t>(put.error());
    }
  }
  return moved;
}

Result<uint64_t> FileToPipe(const SyscallArgs& args, File& in, uint64_t& in_at, File& out,
                            uint64_t count, Blocking blocking) {
  Pipe& pipe = *PipeOf(out);
  if (pipe.ring->full() && pipe.reader_count > 0) {
    if (blocking == Blocking::kNo || out.nonblocking()) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(pipe.writers, kNoDeadline,
                  [&] { return !pipe.ring->full() || pipe.reader_count == 0; }));
  }
  if (pipe.reader_count == 0) {
    SignalCurrentTask(kSignalPipe);
    return Error(EPIPE);
  }
  // The file is looked at when there is room, and gives what fits: the caller comes again.
  if (!in.spliceable()) {
    return Error(EINVAL);
  }
  const uint64_t room = pipe.ring->free_slots() * proto::kPageBytes;
  uint64_t unused = 0;
  return Copy(args, in, in_at, out, unused, count < room ? count : room, ShortWrite::kTryRest);
}

// splice between pipes and tee: once, up to what both ends allow.
enum class Consume { kYes, kNo };
Result<uint64_t> PipeToPipe(File& in, File& out, uint64_t count, Blocking blocking,
                            Consume consume) {
  Pipe& from = *PipeOf(in);
  Pipe& to = *PipeOf(out);
  if (&from == &to) {
    return Error(EINVAL);
  }
  while (from.ring->empty() || to.ring->full()) {
    if (from.ring->empty() && from.writer_count == 0) {
      return uint64_t{0};
    }
    if (blocking == Blocking::kNo) {
      return Error(EAGAIN);
    }
    if (from.ring->empty()) {
      TRY(WaitUntil(from.readers, kNoDeadline,
                    [&] { return !from.ring->empty() || from.writer_count == 0; }));
    } else {
      TRY(WaitUntil(to.writers, kNoDeadline,
                    [&] { return !to.ring->full() || to.reader_count == 0; }));
      if (to.reader_count == 0) {
        break;
      }
    }
  }
  const Page page;
  if (page.get() == nullptr) {
    return Error(ENOMEM);
  }
  uint64_t moved = 0;
  while (moved < count && !to.ring->full() &&
         from.ring->bytes() > (consume == Consume::kNo ? moved : 0)) {
    const uint64_t want = count - moved < proto::kPageBytes ? count - moved : proto::kPageBytes;
    IoBuffer buffer = IoBuffer::Kernel(page.get(), want);
    const size_t got =
        TRY(consume == Consume::kNo ? from.ring->Peek(buffer, moved) : from.ring->Drain(buffer));
    IoBuffer data = IoBuffer::Kernel(page.get(), got);
    moved += TRY(to.ring->Fill(data));
  }
  from.writers.WakeAll();
  to.readers.WakeAll();
  return moved;
}

}  // namespace

Result<uint64_t> sendfile(const SyscallArgs& args) {
  TRY(CheckOffset(args, 2));
  const Ref<File> in = TRY(FileArgument(args, 1));
  if (!in->readable()) {
    return Error(EBADF);
  }
  Offset offset(*in, *args.task.mm(), args.a[2]);
  TRY(offset.Load());
  if (static_cast<int64_t>(args.a[3]) < 0) {
    return Error(EINVAL);
  }
  const Ref<File> out = TRY(FileArgument(args, 0));
  TRY(CheckDirections(*in, *out));
  if ((out->flags() & O_APPEND) != 0 || !in->seekable() || !in->spliceable() ||
      !out->spliceable()) {
    return Error(EINVAL);
  }
  const uint64_t count = args.a[3] < kMaxTransfer ? args.a[3] : kMaxTransfer;
  const uint64_t moved =
      TRY(Copy(args, *in, offset.position(), *out, out->position(), count, ShortWrite::kTryRest));
  TRY(offset.Store());
  return moved;
}

Result<uint64_t> copy_file_range(const SyscallArgs& args) {
  const Ref<File> in = TRY(FileArgument(args, 0));
  const Ref<File> out = TRY(FileArgument(args, 2));
  TRY(CheckOffset(args, 1));
  TRY(CheckOffset(args, 3));
  if (args.a[5] != 0) {
    return Error(EINVAL);
  }
  Offset in_offset(*in, *args.task.mm(), args.a[1]);
  Offset out_offset(*out, *args.task.mm(), args.a[3]);
  TRY(in_offset.Load());
  TRY(out_offset.Load());
  if (in->inode().IsDirectory() || out->inode().IsDirectory()) {
    return Error(EISDIR);
  }
  if (!in->inode().IsRegular() || !out->inode().IsRegular()) {
    return Error(EINVAL);
  }
  TRY(CheckDirections(*in, *out));
  if ((out->flags() & O_APPEND) != 0) {
    return Error(EBADF);
  }
  const uint64_t count = args.a[4] < kMaxTransfer ? args.a[4] : kMaxTransfer;
  const uint64_t from = in_offset.position();
  const uint64_t to = out_offset.position();
  if (&in->inode() == &out->inode() && from < to + count && to < from + count) {
    return Error(EINVAL);
  }
  const uint64_t moved = TRY(
      Copy(args, *in, in_offset.position(), *out, out_offset.position(), count, ShortWrite::kStop));
  TRY(in_offset.Store());
  TRY(out_offset.Store());
  return moved;
}

Result<uint64_t> splice(const SyscallArgs& args) {
  if (args.a[4] == 0) {
    return uint64_t{0};
  }
  const uint32_t flags = args.Uint(5);
  if ((flags & ~kSpliceFlags) != 0) {
    return Error(EINVAL);
  }
  const Ref<File> in = TRY(FileArgument(args, 0));
  const Ref<File> out = TRY(FileArgument(args, 2));
  const bool in_pipe = PipeOf(*in) != nullptr;
  const bool out_pipe = PipeOf(*out) != nullptr;
  if ((in_pipe && args.a[1] != 0) || (out_pipe && args.a[3] != 0)) {
    return Error(ESPIPE);
  }
  TRY(CheckOffset(args, 3));
  TRY(CheckOffset(args, 1));
  TRY(CheckDirections(*in, *out));
  if (!in_pipe && !out_pipe) {
    return Error(EINVAL);
  }
  const bool nonblocking = (flags & kSpliceNonblock) != 0;
  const uint64_t count = args.a[4] < kMaxTransfer ? args.a[4] : kMaxTransfer;
  if (in_pipe && out_pipe) {
    return PipeToPipe(*in, *out, count, BlockingBetween(*in, *out, flags), Consume::kYes);
  }
  File& file = in_pipe ? *out : *in;
  const uint64_t address = in_pipe ? args.a[3] : args.a[1];
  if (address != 0 && !file.seekable()) {
    return Error(EINVAL);
  }
  Offset offset(file, *args.task.mm(), address);
  TRY(offset.Load());
  if (in_pipe && ((out->flags() & O_APPEND) != 0 || !out->spliceable())) {
    return Error(EINVAL);
  }
  const uint64_t moved = TRY(
      in_pipe ? PipeToFile(args, *in, *out, offset.position(), count,
                           BlockingUnless(nonblocking || in->nonblocking()))
              : FileToPipe(args, *in, offset.position(), *out, count, BlockingUnless(nonblocking)));
  TRY(offset.Store());
  return moved;
}

Result<uint64_t> tee(const SyscallArgs& args) {
  const uint32_t flags = args.Uint(3);
  if ((flags & ~kSpliceFlags) != 0) {
    return Error(EINVAL);
  }
  if (args.a[2] == 0) {
    return uint64_t{0};
  }
  const Ref<File> in = TRY(FileArgument(args, 0));
  const Ref<File> out = TRY(FileArgument(args, 1));
  TRY(CheckDirections(*in, *out));
  if (PipeOf(*in) == nullptr || PipeOf(*out) == nullptr) {
    return Error(EINVAL);
  }
  return PipeToPipe(*in, *out, args.a[2], BlockingBetween(*in, *out, flags), Consume::kNo);
}

}  // namespace fv::guest::sys
