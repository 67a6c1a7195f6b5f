// SPDX-License-Identifier: Apache-2.0
//
// Pairs of pseudo-terminals: numbers, the queue to the master, opening and closing of slaves.
#include "guest/fs/pty.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>

#include "guest/fs/object.h"
#include "guest/fs/task_hooks.h"

namespace fv::guest {

namespace {

// Characters of ^S and ^Q: what packet mode calls flow control (TIOCPKT_DOSTOP).
constexpr uint8_t kStartCharacter = 'Q' & 0x1f;
constexpr uint8_t kStopCharacter = 'S' & 0x1f;

bool HasUsualFlow(const struct termios& settings) {
  return (settings.c_iflag & IXON) != 0 && settings.c_cc[VSTART] == kStartCharacter &&
         settings.c_cc[VSTOP] == kStopCharacter;
}

uint32_t LowestFreeIndex() {
  uint32_t index = 0;
  while (index < kMaxPtys && PtyPair::Find(index) != nullptr) {
    ++index;
  }
  return index;
}

}  // namespace

void PtyQueue::Put(uint8_t byte) {
  if (count_ < kCapacity) {
    data_[(head_ + count_++) % kCapacity] = byte;
  }
}

size_t PtyQueue::Read(IoBuffer& to) {
  size_t moved = 0;
  while (count_ > 0 && to.remaining() > 0 && !to.faulted()) {
    const size_t straight = kCapacity - head_ < count_ ? kCapacity - head_ : count_;
    const size_t piece = to.CopyOut(&data_[head_], straight);
    head_ = (head_ + piece) % kCapacity;
    count_ -= piece;
    moved += piece;
  }
  return moved;
}

PtyPair* PtyPair::Find(uint32_t index) {
  const uint64_t wanted = MakeDevice(kPtySlaveMajor, index);
  for (Tty* tty = NextTty(nullptr); tty != nullptr; tty = NextTty(tty)) {
    if (tty->device() == wanted) {
      return static_cast<PtyPair*>(tty);
    }
  }
  return nullptr;
}

Result<Ref<PtyPair>> PtyPair::Create() {
  const uint32_t index = LowestFreeIndex();
  if (index == kMaxPtys) {
    return Error(ENOSPC);
  }
  PtyPair* made = MakeObject<PtyPair>(index);
  if (made == nullptr) {
    return Error(ENOMEM);
  }
  Ref<PtyPair> pair = Ref<PtyPair>::Adopt(made);
  pair->line.Reset(made);
  pair->slave_inode_ = TRY(MakePtySlaveInode(*made));
  pair->master_open_ = true;
  pair->Register();
  return pair;
}

void PtyPair::Destroy() { DestroyObject(this); }

void PtyPair::UnregisterIfClosed() {
  if (!master_open_ && slave_opens_ == 0) {
    Unregister();
  }
}

void PtyPair::CloseMaster() {
  master_open_ = false;
  packet_mode = PacketMode::kOff;
  slave_inode_ = nullptr;
  to_master.Clear();
  HangUp();
  UnregisterIfClosed();
}

void PtyPair::Opened() {
  ++slave_opens_;
  slave_gone_ = false;
}

void PtyPair::Closed() {
  if (--slave_opens_ == 0) {
    slave_gone_ = true;
    packet_status = 0;
    master_readers.WakeAll();
    master_writers.WakeAll();
  }
  UnregisterIfClosed();
}

size_t PtyPair::WriteRoom() const {
  const bool stopped = line.flow() == OutputFlow::kStopped;
  return stopped || to_master.size() >= PtyQueue::kLimit ? 0 : PtyQueue::kLimit - to_master.size();
}

void PtyPair::Process(uint8_t byte) {
  uint8_t out[OutputProcessor::kMaxExpansion];
  const size_t count = output_.Expand(line.settings(), byte, out);
  for (size_t i = 0; i < count; ++i) {
    to_master.Put(out[i]);
  }
}

void PtyPair::Transmit(const uint8_t* bytes, size_t count, Stream) {
  for (size_t i = 0; i < count; ++i) {
    Process(bytes[i]);
  }
  master_readers.WakeAll();
}

// The master's writer wakes nobody for each byte: it is the one that reads the echo, or a poll that
// it wakes at the end.
void PtyPair::Echo(uint8_t byte) {
  if (to_master.size() < PtyQueue::kEchoLimit) {
    Process(byte);
  }
}

void PtyPair::AddPacketStatus(uint8_t set, uint8_t clear) {
  if (packet_mode == PacketMode::kOn) {
    packet_status = static_cast<uint8_t>((packet_status & ~clear) | set);
    master_readers.WakeAll();
  }
}

void PtyPair::FlowChanged() {
  const bool stopped = line.flow() == OutputFlow::kStopped;
  AddPacketStatus(stopped ? TIOCPKT_STOP : TIOCPKT_START, stopped ? TIOCPKT_START : TIOCPKT_STOP);
}

void PtyPair::SettingsChanged(const struct termios& old) {
  const struct termios& now = line.settings();
  const bool external = ((old.c_lflag | now.c_lflag) & EXTPROC) != 0;
  const bool flows = HasUsualFlow(now);
  if (flows == HasUsualFlow(old) && !external) {
    return;
  }
  const uint8_t set = flows ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
  AddPacketStatus(static_cast<uint8_t>(set | (external ? TIOCPKT_IOCTL : 0)),
                  TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
}

Result<Ref<File>> OpenPtySlave(PtyPair& pair, Ref<Dentry> dentry, uint32_t flags) {
  if (!pair.master_open() || pair.lock == PtyLock::kLocked) {
    return Error(EIO);
  }
  Ref<File> file = TRY(MakeTtyFile(std::move(dentry), flags, Ref<Tty>(pair), Stream::kOutput));
  if ((flags & O_NOCTTY) == 0 && file->readable() && CurrentIsSessionLeader() &&
      CurrentTty() == nullptr && pair.session == 0) {
    pair.MakeControlling();
  }
  return file;
}

}  // namespace fv::guest
