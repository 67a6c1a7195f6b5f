// SPDX-License-Identifier: Apache-2.0
//
// Pseudo-terminals (pty(7), ptmx(4)): a PtyPair is a Tty, the slave, whose driver is a queue to the
// master. The master is a file (pty_master.cc); slaves have inodes in devpts (devpts.cc).
// A pair has its number from the opening of /dev/ptmx until both sides are closed. When the master
// closes, the slave hangs up, for ever.
#pragma once

#include <cstdint>

#include "guest/fs/output_processor.h"
#include "guest/fs/tty.h"

namespace fv::guest {

inline constexpr uint32_t kPtySlaveMajor = 136;
inline constexpr uint32_t kMaxPtys = 4096;  // Linux: the default of kernel.pty.max

// Bytes from the slave to the master. What is written beyond the limit waits; echo may take more.
class PtyQueue {
 public:
  static constexpr size_t kLimit = 8192;
  static constexpr size_t kEchoLimit = kLimit + 4096;
  size_t size() const { return count_; }
  void Put(uint8_t byte);
  size_t Read(IoBuffer& to);
  void Clear() { count_ = 0; }

 private:
  // The longest piece of a write may become this much more after the limit was asked for.
  static constexpr size_t kCapacity = kEchoLimit + 4096;
  size_t head_ = 0;
  size_t count_ = 0;
  uint8_t data_[kCapacity] = {};
};

enum class PtyLock : uint8_t { kOpen, kLocked };
enum class PacketMode : uint8_t { kOff, kOn };

class PtyPair final : public Tty {
 public:
  // A pair with the lowest free number, locked, its master open. Errors: ENOMEM, ENOSPC.
  static Result<Ref<PtyPair>> Create();
  // The pair whose slave has this number, or nullptr.
  static PtyPair* Find(uint32_t index);

  uint32_t index() const { return index_; }
  // The slave's inode in devpts; null when the master is closed.
  const Ref<Inode>& slave_inode() const { return slave_inode_; }
  bool master_open() const { return master_open_; }
  bool slave_open() const { return slave_opens_ > 0; }
  // The slave was open and is not now: the master reads an error behind what there is.
  bool slave_gone() const { return slave_gone_; }
  // Ends the master's side: the slave hangs up.
  void CloseMaster();

  PtyLock lock = PtyLock::kLocked;
  PacketMode packet_mode = PacketMode::kOff;
  uint8_t packet_status = 0;  // TIOCPKT_* that the master has not read
  PtyQueue to_master;
  WaitQueue master_readers;
  WaitQueue master_writers;

  uint64_t device() const override { return MakeDevice(kPtySlaveMajor, index_); }
  void InputTaken() override { master_writers.WakeAll(); }
  size_t WriteRoom() const override;
  void Transmit(const uint8_t* bytes, size_t count, Stream stream) override;
  void SettingsChanged(const struct termios& old) override;
  void FlowChanged() override;
  void Flushed(uint8_t what) override { AddPacketStatus(what, 0); }
  void Opened() override;
  void Closed() override;
  bool ContinuesAtExit() const override { return false; }
  bool OtherSideGone() const override { return !master_open_; }
  void Echo(uint8_t byte) override;
  unsigned Column() const override { return output_.column(); }

 private:
  template <typename T, typename... Args>
  friend T* MakeObject(Args&&...);
  template <typename T>
  friend void DestroyObject(T*);
  explicit PtyPair(uint32_t index) : index_(index) {}
  ~PtyPair() = default;
  void Destroy() override;
  void Process(uint8_t byte);
  void AddPacketStatus(uint8_t set, uint8_t clear);
  void UnregisterIfClosed();

  uint32_t index_;
  bool master_open_ = false;
  bool slave_gone_ = false;
  uint32_t slave_opens_ = 0;
  Ref<Inode> slave_inode_;
  OutputProcessor output_;
};

// /dev/ptmx. Errors: ENODEV (no devpts is mounted), ENOMEM, ENOSPC.
Result<Ref<File>> OpenPtyMaster(Ref<Dentry> dentry, uint32_t flags);
// A slave; a session leader without a controlling terminal gets one, but for O_NOCTTY. Errors: EIO
// (locked, or the master is closed), ENOMEM.
Result<Ref<File>> OpenPtySlave(PtyPair& pair, Ref<Dentry> dentry, uint32_t flags);
// The inode of the slave. Errors: ENOMEM. In devpts.cc.
Result<Ref<Inode>> MakePtySlaveInode(PtyPair& pair);

}  // namespace fv::guest
