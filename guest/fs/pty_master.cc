// SPDX-License-Identifier: Apache-2.0
//
// The master of a pseudo-terminal: what it writes is typed at the slave, what it reads is what the
// slave wrote and the line discipline echoed; packet mode (ioctl_tty(2), TIOCPKT).
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#include "guest/fs/devpts.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/pty.h"
#include "guest/fs/task_hooks.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

constexpr int kSigInt = 2;
constexpr int kSigQuit = 3;
constexpr int kSigTstp = 20;
constexpr int kFlushInput = 0;   // TCIFLUSH
constexpr int kFlushOutput = 1;  // TCOFLUSH
constexpr int kFlushBoth = 2;    // TCIOFLUSH

class PtyMaster final : public File {
 public:
  PtyMaster(Ref<Dentry> dentry, uint32_t flags, Ref<PtyPair> pair)
      : File(std::move(dentry), flags), pair_(std::move(pair)) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  uint32_t Poll(PollTable* table) override;
  bool spliceable() const override { return true; }
  Result<uint64_t> Ioctl(uint32_t command, uint64_t argument, Mm& mm) override;

 private:
  bool HasPacketStatus() const {
    return pair_->packet_mode == PacketMode::kOn && pair_->packet_status != 0;
  }
  bool HasInput() const { return pair_->to_master.size() > 0 || HasPacketStatus(); }
  // How many bytes the slave's line takes now.
  size_t Room() const;
  Result<uint64_t> Flush(int which);
  Result<uint64_t> Signal(int signal);
  Result<uint64_t> OpenPeer(uint32_t flags);
  Result<uint64_t> PtyIoctl(uint32_t command, uint64_t argument, Mm& mm);
  void OnLastClose() override { pair_->CloseMaster(); }
  void Destroy() override { DestroyObject(this); }
  Ref<PtyPair> pair_;
};

Result<uint64_t> PtyMaster::Read(IoBuffer& to, uint64_t&) {
  if (to.remaining() == 0) {
    return uint64_t{0};
  }
  if (!HasInput()) {
    if (pair_->slave_gone()) {
      return Error(EIO);
    }
    if (nonblocking()) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(pair_->master_readers, kNoDeadline,
                  [&] { return HasInput() || pair_->slave_gone(); }));
    if (!HasInput()) {
      return Error(EIO);
    }
  }
  if (pair_->packet_mode == PacketMode::kOn) {
    const uint8_t status = pair_->packet_status;  // 0: TIOCPKT_DATA
    to.CopyOut(&status, 1);
    pair_->packet_status = 0;
    if (status != 0) {
      return to.Outcome();
    }
  }
  if (pair_->to_master.Read(to) > 0) {
    pair_->writers.WakeAll();
  }
  return to.Outcome();
}

// One place stays free for the end of a line.
size_t PtyMaster::Room() const {
  const size_t room = pair_->line.room();
  return room > 1 ? room - 1 : pair_->line.Overflows() ? 1 : 0;
}

Result<uint64_t> PtyMaster::Write(IoBuffer& from, uint64_t&, const IoContext&) {
  Status status = Ok();
  while (from.remaining() > 0 && !from.faulted() && status.ok()) {
    const size_t room = Room();
    if (room == 0) {
      status = nonblocking()
                   ? Status(Error(EAGAIN))
                   : WaitUntil(pair_->master_writers, kNoDeadline, [&] { return Room() > 0; });
      continue;
    }
    uint8_t piece[512];
    const size_t moved = from.CopyIn(piece, room < sizeof(piece) ? room : sizeof(piece));
    for (size_t i = 0; i < moved; ++i) {
      pair_->TakeByte(piece[i]);
    }
    pair_->readers.WakeAll();
    pair_->master_readers.WakeAll();  // of the echo
  }
  return status.ok() || from.done() > 0 ? from.Outcome() : Result<uint64_t>(status.error());
}

uint32_t PtyMaster::Poll(PollTable* table) {
  if (table != nullptr) {
    table->Wait(pair_->master_readers);
    table->Wait(pair_->master_writers);
  }
  uint32_t events = HasInput() ? POLLIN | POLLRDNORM : 0;
  events |= HasPacketStatus() ? POLLPRI : 0;
  events |= pair_->slave_gone() ? POLLHUP : 0;
  events |= Room() > 0 ? POLLOUT | POLLWRNORM : 0;
  return events;
}

// The master's input is what the slave wrote; its output is typed already when it was written.
Result<uint64_t> PtyMaster::Flush(int which) {
  if (which != kFlushInput && which != kFlushOutput && which != kFlushBoth) {
    return Error(EINVAL);
  }
  if (which != kFlushOutput) {
    pair_->to_master.Clear();
    pair_->writers.WakeAll();
  }
  return uint64_t{0};
}

Result<uint64_t> PtyMaster::Signal(int signal) {
  if (signal != kSigInt && signal != kSigQuit && signal != kSigTstp) {
    return Error(EINVAL);
  }
  SignalGroup(pair_->foreground, signal);
  return uint64_t{0};
}

// TIOCGPTPEER: by the pair and not by a path, which may lead elsewhere in another root.
Result<uint64_t> PtyMaster::OpenPeer(uint32_t flags) {
  Ref<Dentry> dentry = TRY(MakePtySlaveDentry(*pair_));
  Ref<File> file = TRY(OpenPtySlave(*pair_, std::move(dentry), flags & ~uint32_t{O_CLOEXEC}));
  return AddFileToCurrent(std::move(file),
                          (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo);
}

Result<uint64_t> PtyMaster::PtyIoctl(uint32_t command, uint64_t argument, Mm& mm) {
  int value = 0;
  switch (command) {
    case TIOCGPTN:
      value = static_cast<int>(pair_->index());
      break;
    case TIOCGPTLCK:
      value = pair_->lock == PtyLock::kLocked ? 1 : 0;
      break;
    case TIOCGPKT:
      value = pair_->packet_mode == PacketMode::kOn ? 1 : 0;
      break;
    case FIONREAD:
      value = static_cast<int>(pair_->to_master.size());
      break;
    case TIOCSPTLCK:
      pair_->lock = TRY(ReadUser<int>(mm, argument)) != 0 ? PtyLock::kLocked : PtyLock::kOpen;
      return uint64_t{0};
    case TIOCPKT: {
      const bool on = TRY(ReadUser<int>(mm, argument)) != 0;
      if (on && pair_->packet_mode == PacketMode::kOff) {
        pair_->packet_status = 0;
      }
      pair_->packet_mode = on ? PacketMode::kOn : PacketMode::kOff;
      return uint64_t{0};
    }
    default:
      return Error(ENOTTY);
  }
  TRY(WriteUser(mm, argument, value));
  return uint64_t{0};
}

Result<uint64_t> PtyMaster::Ioctl(uint32_t command, uint64_t argument, Mm& mm) {
  switch (command) {
    case TIOCGPTN:
    case TIOCGPTLCK:
    case TIOCSPTLCK:
    case TIOCGPKT:
    case TIOCPKT:
    case FIONREAD:
      return PtyIoctl(command, argument, mm);
    case TIOCGPTPEER:
      return OpenPeer(static_cast<uint32_t>(argument));
    case TIOCSIG:
      return Signal(static_cast<int>(argument));
    case TCFLSH:
      return Flush(static_cast<int>(argument));
    case TCXONC:
    case TCSBRK:
    case TCSBRKP:
      return uint64_t{0};
    default:
      return TtyIoctl(*pair_, TtyEnd::kMaster, command, argument, mm);
  }
}

}  // namespace

Result<Ref<File>> OpenPtyMaster(Ref<Dentry> dentry, uint32_t flags) {
  if (!DevptsRoot()) {
    return Error(ENODEV);
  }
  Ref<PtyPair> pair = TRY(PtyPair::Create());
  PtyMaster* master = MakeObject<PtyMaster>(std::move(dentry), flags, pair);
  if (master == nullptr) {
    pair->CloseMaster();
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(master);
}

}  // namespace fv::guest
