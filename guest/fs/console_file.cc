// SPDX-License-Identifier: Apache-2.0
//
// StreamFile: a stream of the host that is no terminal, as an end of a pipe. Input shares the
// console's buffer.
#include <asm/ioctls.h>
#include <linux/poll.h>

#include "guest/fs/console_internal.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

class StreamFile final : public File {
 public:
  StreamFile(Ref<Dentry> dentry, uint32_t flags, Stream stream)
      : File(std::move(dentry), flags), stream_(stream) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  uint32_t Poll(PollTable* table) override;
  bool spliceable() const override { return true; }
  Result<uint64_t> Ioctl(uint32_t command, uint64_t argument, Mm& mm) override;

 private:
  void Destroy() override { DestroyObject(this); }
  Stream stream_;
};

Result<uint64_t> StreamFile::Read(IoBuffer& to, uint64_t&) {
  if (stream_ != Stream::kInput) {
    return Error(EBADF);
  }
  if (to.remaining() == 0) {
    return uint64_t{0};
  }
  ConsoleTty& tty = Console();
  tty.Pull();
  if (!tty.Satisfies(to.remaining()) && !tty.input_ended) {
    if (nonblocking()) {
      // Polling readers count as interested, or the host would never read its input.
      tty.BeginWait();
      return Error(EAGAIN);
    }
    TRY(tty.WaitForInput(kNoDeadline, to.remaining()));
  }
  tty.line.Read(to);
  tty.InputTaken();
  return to.Outcome();
}

Result<uint64_t> StreamFile::Write(IoBuffer& from, uint64_t&, const IoContext&) {
  if (stream_ == Stream::kInput) {
    return Error(EBADF);
  }
  while (from.remaining() > 0 && !from.faulted()) {
    uint8_t piece[512];
    const size_t moved = from.CopyIn(piece, sizeof(piece));
    Console().Transmit(piece, moved, stream_);
  }
  return from.Outcome();
}

uint32_t StreamFile::Poll(PollTable* table) {
  ConsoleTty& tty = Console();
  uint32_t events = 0;
  if (readable() && stream_ == Stream::kInput) {
    tty.Pull();
    if (table != nullptr) {
      table->Wait(tty.readers);
    }
    tty.BeginWait();
    events |= tty.line.readable() ? POLLIN | POLLRDNORM : 0;
    events |= tty.input_ended ? POLLHUP : 0;
  }
  if (writable() && stream_ != Stream::kInput) {
    events |= POLLOUT | POLLWRNORM;
  }
  return events;
}

Result<uint64_t> StreamFile::Ioctl(uint32_t command, uint64_t argument, Mm& mm) {
  if (command != FIONREAD) {
    return Error(ENOTTY);
  }
  Console().Pull();
  const size_t bytes = stream_ == Stream::kInput ? Console().line.committed() : 0;
  TRY(WriteUser(mm, argument, static_cast<int>(bytes)));
  return uint64_t{0};
}

}  // namespace

Result<Ref<File>> MakeStreamFile(Ref<Dentry> dentry, uint32_t flags, Stream stream) {
  StreamFile* file = MakeObject<StreamFile>(std::move(dentry), flags, stream);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

}  // namespace fv::guest
