// SPDX-License-Identifier: Apache-2.0
//
// Inodes of devpts. The root and ptmx are made when they are looked up; a slave's inode lives as
// long as its pair, since chmod(2) and chown(2) on it must last (grantpt(3)).
#include "guest/fs/devpts.h"

#include "guest/fs/devices.h"
#include "guest/fs/mount.h"
#include "guest/fs/object.h"
#include "guest/fs/pty.h"
#include "guest/fs/ramfs.h"
#include "guest/fs/task_hooks.h"
#include "guest/lib/credentials.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr uint64_t kDevptsMagic = 0x1cd1;
constexpr uint32_t kDevptsMinor = 16;
constexpr uint32_t kDevptsMountId = 16;
constexpr uint32_t kSlaveMode = 0620;
constexpr uint32_t kTtyGroup = 5;  // the usual mount option gid=5
// Inode numbers: the root, ptmx, then slaves by their number.
constexpr uint64_t kRootNumber = 1;
constexpr uint64_t kPtmxNumber = 2;
constexpr uint64_t kFirstSlaveNumber = 3;
// Cookies of a directory scan: the ptmx after "." and "..", then slaves by their number.
constexpr uint64_t kPtmxCookie = 2;
constexpr uint64_t kFirstSlaveCookie = 3;
constexpr char kPtmxName[] = "ptmx";

constinit Superblock devpts_superblock{
    "devpts", "devpts", "rw,relatime", kDevptsMagic, kDevptsMinor, kDevptsMountId, 1, false};

class PtmxInode final : public Inode {
 public:
  PtmxInode() : Inode(devpts_superblock, kTypeCharDevice) {
    SetNumber(kPtmxNumber);
    device_number = kDevicePtmx;
  }
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override {
    return OpenPtyMaster(std::move(dentry), flags);
  }

 private:
  void Destroy() override { DestroyObject(this); }
};

class SlaveInode final : public Inode {
 public:
  explicit SlaveInode(PtyPair& pair)
      : Inode(devpts_superblock, kTypeCharDevice | kSlaveMode), pair_(pair) {
    SetNumber(kFirstSlaveNumber + pair.index());
    device_number = pair.device();
    uid = CurrentCredentials().fsuid;
    gid = kTtyGroup;
  }
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override {
    return OpenPtySlave(*pair_, std::move(dentry), flags);
  }

 private:
  void Destroy() override { DestroyObject(this); }
  Ref<PtyPair> pair_;
};

// A decimal number without leading zeros below kMaxPtys; else kMaxPtys.
uint32_t IndexOfName(const char* name, size_t length) {
  uint32_t index = 0;
  if (length == 0 || length > 4 || (length > 1 && name[0] == '0')) {
    return kMaxPtys;
  }
  for (size_t i = 0; i < length; ++i) {
    if (name[i] < '0' || name[i] > '9') {
      return kMaxPtys;
    }
    index = index * 10 + static_cast<uint32_t>(name[i] - '0');
  }
  return index < kMaxPtys ? index : kMaxPtys;
}

class RootInode final : public Inode {
 public:
  RootInode() : Inode(devpts_superblock, kTypeDirectory | 0755) {
    SetNumber(kRootNumber);
    links = 2;
  }
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override {
    return OpenDirectory(std::move(dentry), flags);
  }
  Result<Ref<Inode>> LookupChild(const char* name, size_t length) override;
  Status ListChildren(Dentry& self, DirSink& sink, uint64_t& position) override;
  int create_error() const override { return EACCES; }

 private:
  void Destroy() override { DestroyObject(this); }
};

Result<Ref<Inode>> RootInode::LookupChild(const char* name, size_t length) {
  if (length == strlen(kPtmxName) && memcmp(name, kPtmxName, length) == 0) {
    PtmxInode* inode = MakeObject<PtmxInode>();
    return inode == nullptr ? Result<Ref<Inode>>(Error(ENOMEM)) : Ref<Inode>::Adopt(inode);
  }
  const PtyPair* pair = PtyPair::Find(IndexOfName(name, length));
  if (pair == nullptr || !pair->slave_inode()) {
    return Error(ENOENT);
  }
  return pair->slave_inode();
}

Status RootInode::ListChildren(Dentry&, DirSink& sink, uint64_t& position) {
  constexpr unsigned kCharacterDevice = kTypeCharDevice >> 12;
  if (position == kPtmxCookie) {
    if (!sink.Entry(kPtmxName, strlen(kPtmxName), kPtmxNumber, kCharacterDevice,
                    kFirstSlaveCookie)) {
      return Ok();
    }
    position = kFirstSlaveCookie;
  }
  for (; position < kFirstSlaveCookie + kMaxPtys; ++position) {
    const auto index = static_cast<uint32_t>(position - kFirstSlaveCookie);
    const PtyPair* pair = PtyPair::Find(index);
    if (pair == nullptr || !pair->slave_inode()) {
      continue;
    }
    char name[16];
    const size_t length = Format(name, sizeof(name), "%u", index);
    if (!sink.Entry(name, length, kFirstSlaveNumber + index, kCharacterDevice, position + 1)) {
      return Ok();
    }
  }
  return Ok();
}

}  // namespace

Superblock& DevptsSuperblock() { return devpts_superblock; }

Result<Ref<Inode>> MakeDevptsRoot() {
  RootInode* inode = MakeObject<RootInode>();
  return inode == nullptr ? Result<Ref<Inode>>(Error(ENOMEM)) : Ref<Inode>::Adopt(inode);
}

Ref<Dentry> DevptsRoot() {
  for (unsigned i = 0; const Mount* mount = MountNumber(i); ++i) {
    if (&mount->root->inode().superblock() == &devpts_superblock) {
      return mount->root;
    }
  }
  return nullptr;
}

Result<Ref<Inode>> MakePtySlaveInode(PtyPair& pair) {
  SlaveInode* inode = MakeObject<SlaveInode>(pair);
  return inode == nullptr ? Result<Ref<Inode>>(Error(ENOMEM)) : Ref<Inode>::Adopt(inode);
}

Result<Ref<Dentry>> MakePtySlaveDentry(PtyPair& pair) {
  const Ref<Dentry> root = DevptsRoot();
  if (!root || !pair.slave_inode()) {
    return Error(EIO);
  }
  char name[16];
  const size_t length = Format(name, sizeof(name), "%u", pair.index());
  return Dentry::Create(root, name, length, pair.slave_inode());
}

}  // namespace fv::guest
