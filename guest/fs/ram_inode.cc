// SPDX-License-Identifier: Apache-2.0
//
// Inodes of ramfs: regular files, directories, symbolic links, and special files, whose opening is
// the business of devices.h and of guest/ipc.

#include "guest/fs/devices.h"
#include "guest/fs/object.h"
#include "guest/fs/ramfs.h"
#include "guest/ipc/pipe.h"
#include "guest/lib/string.h"
#include "guest/mm/memory_object.h"

namespace fv::guest {

namespace {

class RamRegular final : public Inode {
 public:
  RamRegular(Superblock& superblock, uint32_t mode, Ref<MemoryObject> object)
      : Inode(superblock, mode), object_(std::move(object)) {}
  uint64_t size() const override { return object_->size(); }
  uint64_t blocks() const override { return object_->allocated_pages() * proto::kPageBytes / 512; }
  MemoryObject* object() override { return object_.get(); }
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override {
    return OpenRegular(std::move(dentry), flags);
  }
  Status SetMode(uint32_t permissions) override {
    if ((seals & kSealExec) != 0 && ((mode() ^ permissions) & kModeExec) != 0) {
      return Error(EPERM);
    }
    return Inode::SetMode(permissions);
  }
  Status Truncate(uint64_t bytes, const IoContext&) override {
    TRY(object_->Resize(bytes));
    TouchModify();
    return Ok();
  }

 private:
  void Destroy() override { DestroyObject(this); }
  Ref<MemoryObject> object_;
};

class RamDirectory final : public Inode {
 public:
  RamDirectory(Superblock& superblock, uint32_t mode) : Inode(superblock, mode) {}
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override {
    return OpenDirectory(std::move(dentry), flags);
  }
  Status ListChildren(Dentry& self, DirSink& sink, uint64_t& position) override {
    for (Dentry* child = self.ChildBelow(position); child != nullptr;
         child = self.ChildAfter(*child)) {
      const Inode& inode = child->inode();
      if (!sink.Entry(child->name(), child->name_length(), inode.number(), inode.type() >> 12,
                      child->cookie())) {
        return Ok();
      }
      position = child->cookie();
    }
    return Ok();
  }

 private:
  void Destroy() override { DestroyObject(this); }
};

class RamSymlink final : public Inode {
 public:
  RamSymlink(Superblock& superblock, char* text, size_t length)
      : Inode(superblock, kTypeSymlink | 0777), text_(text), length_(length) {}
  uint64_t size() const override { return length_; }
  const char* link_text() override { return text_; }
  Result<Ref<File>> Open(Ref<Dentry>, uint32_t) override { return Error(ELOOP); }

 private:
  void Destroy() override {
    KernelFree(text_, length_ + 1);
    DestroyObject(this);
  }
  char* text_;
  size_t length_;
};

class RamDevice final : public Inode {
 public:
  RamDevice(Superblock& superblock, uint32_t mode) : Inode(superblock, mode) {}
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override {
    return type() == kTypeCharDevice ? OpenDevice(device_number, std::move(dentry), flags)
                                     : Result<Ref<File>>(Error(ENXIO));
  }

 private:
  void Destroy() override { DestroyObject(this); }
};

// No memory for an inode is no space in the file system, as Linux's tmpfs reports it.
template <typename T, typename... Args>
Result<Ref<Inode>> MakeInode(Args&&... args) {
  T* inode = MakeObject<T>(std::forward<Args>(args)...);
  if (inode == nullptr) {
    return Error(ENOSPC);
  }
  return Ref<Inode>::Adopt(inode);
}

}  // namespace

Result<Ref<Inode>> MakeRamInode(Superblock& superblock, uint32_t mode, uint64_t device) {
  if (superblock.NoRoomForInode()) {
    return Error(ENOSPC);
  }
  switch (mode & kTypeMask) {
    case kTypeRegular:
      return MakeBackedInode(superblock, mode, nullptr, 0);
    case kTypeDirectory: {
      Ref<Inode> inode = TRY(MakeInode<RamDirectory>(superblock, mode));
      inode->links = 2;
      return inode;
    }
    case kTypeFifo:
      return MakeFifoInode(superblock, mode);
    case kTypeCharDevice:
    case kTypeBlockDevice:
    case kTypeSocket: {
      Ref<Inode> inode = TRY(MakeInode<RamDevice>(superblock, mode));
      inode->device_number = device;
      return inode;
    }
    default:
      return Error(EINVAL);
  }
}

Result<Ref<Inode>> MakeBackedInode(Superblock& superblock, uint32_t mode, const uint8_t* data,
                                   size_t bytes) {
  Result<Ref<MemoryObject>> object = MemoryObject::Create(0);
  if (!object.ok()) {
    return Error(ENOSPC);
  }
  object.value()->SetQuota(superblock.pages);
  if (bytes != 0) {
    object.value()->SetBacking(data, bytes);
  }
  return MakeInode<RamRegular>(superblock, mode, object.take());
}

Result<Ref<Inode>> MakeSymlinkInode(Superblock& superblock, const char* text, size_t length) {
  if (superblock.NoRoomForInode()) {
    return Error(ENOSPC);
  }
  char* copy = static_cast<char*>(KernelAllocate(length + 1));
  if (copy == nullptr) {
    return Error(ENOMEM);
  }
  memcpy(copy, text, length);
  copy[length] = '\0';
  Result<Ref<Inode>> inode = MakeInode<RamSymlink>(superblock, copy, length);
  if (!inode.ok()) {
    KernelFree(copy, length + 1);
  }
  return inode;
}

}  // namespace fv::guest
