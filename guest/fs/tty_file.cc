// SPDX-License-Identifier: Apache-2.0
//
// TtyFile: an open terminal: waiting reads by VMIN and VTIME (termios(3)), writes that wait for the
// other side, job control.
#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/poll.h>

#include "guest/arch/arch.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/task_hooks.h"
#include "guest/fs/tty.h"
#include "guest/lib/credentials.h"

namespace fv::guest {

namespace {

constexpr int kSigTtin = 21;
constexpr int kSigTtou = 22;
constexpr uint64_t kDecisecondNs = 100'000'000;
constexpr uint32_t kInputEvents = POLLIN | POLLRDNORM;
constexpr uint32_t kOutputEvents = POLLOUT | POLLWRNORM;

class TtyFile final : public File {
 public:
  TtyFile(Ref<Dentry> dentry, uint32_t flags, Ref<Tty> tty, Stream stream)
      : File(std::move(dentry), flags),
        tty_(std::move(tty)),
        hang_ups_(tty_->hang_ups),
        stream_(stream) {
    tty_->Opened();
  }
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  uint32_t Poll(PollTable* table) override;
  bool spliceable() const override { return true; }
  Result<uint64_t> Ioctl(uint32_t command, uint64_t argument, Mm& mm) override;

 private:
  bool hung_up() const { return tty_->hang_ups != hang_ups_; }
  Status WaitToRead(size_t wanted);
  Status WaitToWrite();
  void OnLastClose() override { tty_->Closed(); }
  void Destroy() override { DestroyObject(this); }
  Ref<Tty> tty_;
  uint32_t hang_ups_;  // of the terminal when it was opened
  Stream stream_;
};

// VMIN and VTIME (termios(3), "noncanonical mode"); canonical mode just waits for a line.
Status TtyFile::WaitToRead(size_t wanted) {
  const struct termios& settings = tty_->line.settings();
  const bool raw = tty_->input_is_tty && !tty_->line.Canonical();
  const uint64_t time_ns = raw ? settings.c_cc[VTIME] * kDecisecondNs : 0;
  if (raw && settings.c_cc[VMIN] == 0) {
    return time_ns == 0 ? Ok() : tty_->WaitForInput(MonotonicNs() + time_ns, 1);
  }
  if (time_ns == 0) {
    return tty_->WaitForInput(kNoDeadline, wanted);
  }
  TRY(tty_->WaitForInput(kNoDeadline, 1));
  return tty_->WaitForInput(MonotonicNs() + time_ns, wanted);
}

Result<uint64_t> TtyFile::Read(IoBuffer& to, uint64_t&) {
  if (hung_up()) {
    return uint64_t{0};
  }
  TRY(tty_->CheckForeground(kSigTtin));
  if (to.remaining() == 0) {
    return uint64_t{0};
  }
  LineDiscipline& line = tty_->line;
  tty_->Pull();
  if (!tty_->Satisfies(to.remaining()) && !tty_->input_ended) {
    if (nonblocking()) {
      // Polling readers count as interested, or the host would never read its input.
      tty_->BeginWait();
      if (!line.readable()) {
        return Error(EAGAIN);
      }
    } else {
      const Status status = WaitToRead(to.remaining());
      if (!status.ok() && status.error().number() != ETIMEDOUT && !line.readable()) {
        return status.error();
      }
    }
  }
  if (hung_up() && tty_->OtherSideGone()) {
    return Error(EIO);  // it went while this read waited
  }
  line.Read(to);
  tty_->InputTaken();
  return to.Outcome();
}

Status TtyFile::WaitToWrite() {
  if (nonblocking()) {
    return Error(EAGAIN);
  }
  return WaitUntil(tty_->writers, kNoDeadline, [&] { return hung_up() || tty_->WriteRoom() > 0; });
}

Result<uint64_t> TtyFile::Write(IoBuffer& from, uint64_t&, const IoContext&) {
  if (hung_up()) {
    return Error(EIO);
  }
  if ((tty_->line.settings().c_lflag & TOSTOP) != 0) {
    TRY(tty_->CheckForeground(kSigTtou));
  }
  Status status = Ok();
  while (from.remaining() > 0 && !from.faulted() && status.ok()) {
    const size_t room = tty_->WriteRoom();
    if (hung_up()) {
      status = Error(EIO);
    } else if (room == 0) {
      status = WaitToWrite();
    } else {
      uint8_t piece[512];
      const size_t moved = from.CopyIn(piece, room < sizeof(piece) ? room : sizeof(piece));
      tty_->Transmit(piece, moved, stream_);
    }
  }
  return status.ok() || from.done() > 0 ? from.Outcome() : Result<uint64_t>(status.error());
}

uint32_t TtyFile::Poll(PollTable* table) {
  if (hung_up()) {
    return kInputEvents | kOutputEvents | POLLERR | POLLHUP;
  }
  uint32_t events = 0;
  if (table != nullptr) {
    table->Wait(tty_->readers);
    table->Wait(tty_->writers);
  }
  if (readable()) {
    tty_->Pull();
    tty_->BeginWait();
    // With VTIME, one byte is news (termios(3), case of a read with a timer).
    const size_t wanted = tty_->line.settings().c_cc[VTIME] != 0 ? 1 : LineDiscipline::kCapacity;
    const bool ready = tty_->line.readable() && tty_->Satisfies(wanted);
    events |= ready || tty_->input_ended ? kInputEvents : 0;
  }
  if (writable() && tty_->WriteRoom() > 0) {
    events |= kOutputEvents;
  }
  return events;
}

Result<uint64_t> TtyFile::Ioctl(uint32_t command, uint64_t argument, Mm& mm) {
  if (hung_up()) {
    return Error(command == TIOCSPGRP ? ENOTTY : EIO);
  }
  return TtyIoctl(*tty_, TtyEnd::kSlave, command, argument, mm);
}

}  // namespace

Result<Ref<File>> MakeTtyFile(Ref<Dentry> dentry, uint32_t flags, Ref<Tty> tty, Stream stream) {
  if (tty->exclusive && !CurrentCredentials().Capable(CAP_SYS_ADMIN)) {
    return Error(EBUSY);
  }
  TtyFile* file = MakeObject<TtyFile>(std::move(dentry), flags, std::move(tty), stream);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

}  // namespace fv::guest
