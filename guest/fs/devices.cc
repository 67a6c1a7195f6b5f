// SPDX-License-Identifier: Apache-2.0
//
// The memory devices: null, zero, full, random, urandom (null(4), full(4), random(4)); terminals
// are opened elsewhere.
#include "guest/fs/devices.h"

#include <linux/fcntl.h>

#include "guest/fs/log_reader.h"
#include "guest/fs/object.h"
#include "guest/fs/pty.h"
#include "guest/fs/task_hooks.h"
#include "guest/mm/memory_object.h"

namespace fv::guest {

namespace {

class MemoryDevice final : public File {
 public:
  MemoryDevice(Ref<Dentry> dentry, uint32_t flags, uint64_t device)
      : File(std::move(dentry), flags), device_(device) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  // null_lseek: the position is always 0.
  Result<uint64_t> Seek(int64_t, int) override { return uint64_t{0}; }
  bool seekable() const override { return true; }
  bool spliceable() const override { return true; }
  bool pollable() const override { return device_ == kDeviceRandom || device_ == kDeviceUrandom; }
  Result<Ref<MemoryObject>> MapObject() override {
    if (device_ != kDeviceZero) {
      return Error(ENODEV);
    }
    return Ref<MemoryObject>();
  }

 private:
  void Destroy() override { DestroyObject(this); }
  uint64_t device_;
};

Result<uint64_t> MemoryDevice::Read(IoBuffer& to, uint64_t&) {
  if (device_ == kDeviceNull) {
    return uint64_t{0};
  }
  if (device_ == kDeviceZero || device_ == kDeviceFull) {
    to.FillZero(to.remaining());
    return to.Outcome();
  }
  while (to.remaining() > 0 && !to.faulted()) {
    uint8_t block[64];
    const size_t bytes = to.remaining() < sizeof(block) ? to.remaining() : sizeof(block);
    FillRandom(block, bytes);
    to.CopyOut(block, bytes);
  }
  return to.Outcome();
}

Result<uint64_t> MemoryDevice::Write(IoBuffer& from, uint64_t&, const IoContext&) {
  if (device_ == kDeviceFull) {
    return Error(ENOSPC);
  }
  // What is written is not even looked at (and a bad address is no error for null and zero).
  return uint64_t{from.remaining()};
}

Result<Ref<File>> OpenControllingTty(Ref<Dentry> dentry, uint32_t flags) {
  Tty* tty = CurrentTty();
  if (tty == nullptr) {
    return Error(ENXIO);
  }
  return MakeTtyFile(std::move(dentry), flags, Ref<Tty>(*tty), Stream::kOutput);
}

// A node that mknod(2) made.
Result<Ref<File>> OpenSlaveByNumber(uint64_t device, Ref<Dentry> dentry, uint32_t flags) {
  if (DeviceMajor(device) != kPtySlaveMajor) {
    return Error(ENXIO);
  }
  PtyPair* pair = PtyPair::Find(DeviceMinor(device));
  if (pair == nullptr) {
    return Error(EIO);
  }
  return OpenPtySlave(*pair, std::move(dentry), flags);
}

}  // namespace

Result<Ref<File>> OpenDevice(uint64_t device, Ref<Dentry> dentry, uint32_t flags) {
  switch (device) {
    case kDeviceNull:
    case kDeviceZero:
    case kDeviceFull:
    case kDeviceRandom:
    case kDeviceUrandom: {
      auto* file = MakeObject<MemoryDevice>(std::move(dentry), flags, device);
      if (file == nullptr) {
        return Error(ENOMEM);
      }
      return Ref<File>::Adopt(file);
    }
    case kDeviceKmsg:
      return OpenDevKmsg(std::move(dentry), flags);
    case kDeviceTty:
      return OpenControllingTty(std::move(dentry), flags);
    case kDeviceConsole:
      return OpenConsoleTty(std::move(dentry), flags);
    case kDevicePtmx:
      return OpenPtyMaster(std::move(dentry), flags);
    default:
      return OpenSlaveByNumber(device, std::move(dentry), flags);
  }
}

}  // namespace fv::guest
