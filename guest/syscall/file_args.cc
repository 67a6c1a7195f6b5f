// SPDX-License-Identifier: Apache-2.0
//
// Paths and iovec arrays from user memory.
#include "guest/syscall/file_args.h"

#include "guest/mm/slab.h"
#include "proto/layout.h"

namespace fv::guest {

namespace {

bool InUserRange(uint64_t address, uint64_t bytes) {
  return address <= proto::kUserEnd && bytes <= proto::kUserEnd - address;
}

}  // namespace

PathArgument::~PathArgument() {
  if (text_ != inline_) {
    KernelFree(text_, kPathMax);
  }
}

Status PathArgument::Load(Mm& mm, uint64_t address) {
  const Result<size_t> length = CopyStringFromUser(mm, address, inline_, kInline);
  if (length.ok() || length.error().number() != ENAMETOOLONG) {
    return length.ok() ? Ok() : Status(length.error());
  }
  char* text = static_cast<char*>(KernelAllocate(kPathMax));
  if (text == nullptr) {
    return Error(ENOMEM);
  }
  text_ = text;
  (void)TRY(CopyStringFromUser(mm, address, text_, kPathMax));
  return Ok();
}

IovecArgument::~IovecArgument() {
  if (segments_ != inline_) {
    KernelFree(segments_, count_ * sizeof(IoSegment));
  }
}

Status IovecArgument::Load(Mm& mm, uint64_t address, uint64_t count) {
  if (count > kMaxIovec) {
    return Error(EINVAL);
  }
  if (count > kInline) {
    auto* memory = static_cast<IoSegment*>(KernelAllocate(count * sizeof(IoSegment)));
    if (memory == nullptr) {
      return Error(ENOMEM);
    }
    segments_ = memory;
  }
  count_ = count;
  if (count > 0) {
    TRY(CopyFromUser(mm, segments_, address, count * sizeof(IoSegment)));
  }
  uint64_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    IoSegment& segment = segments_[i];
    if (static_cast<int64_t>(segment.length) < 0) {
      return Error(EINVAL);
    }
    if (!InUserRange(segment.base, segment.length)) {
      return Error(EFAULT);
    }
    // What would exceed the limit is cut off, as on Linux.
    if (segment.length > kMaxTransfer - total) {
      segment.length = kMaxTransfer - total;
    }
    total += segment.length;
  }
  return Ok();
}

Result<IoBuffer> BufferArgument(Mm& mm, uint64_t address, uint64_t bytes) {
  if (!InUserRange(address, bytes)) {
    return Error(EFAULT);
  }
  return IoBuffer::User(mm, address, bytes < kMaxTransfer ? bytes : kMaxTransfer);
}

Result<uint64_t> InstallPair(const SyscallArgs& args, uint64_t address, Ref<File> first,
                             Ref<File> second, CloseOnExecFlag cloexec) {
  FdTable& files = args.task.files();
  int fds[2];
  fds[0] = TRY(files.Allocate(FdLimit(args)));
  const Result<int> other = files.Allocate(FdLimit(args));
  if (!other.ok()) {
    files.Cancel(fds[0]);
    return other.error();
  }
  fds[1] = other.value();
  // The program learns the numbers before the descriptors exist: a bad address leaves no trace.
  if (const Status told = WriteUser(*args.task.mm(), address, fds); !told.ok()) {
    files.Cancel(fds[0]);
    files.Cancel(fds[1]);
    return told.error();
  }
  files.Install(fds[0], std::move(first), cloexec);
  files.Install(fds[1], std::move(second), cloexec);
  return uint64_t{0};
}

}  // namespace fv::guest
