// SPDX-License-Identifier: Apache-2.0
//
// Inode: attributes and the defaults of its operations.
#include "guest/fs/inode.h"

#include "guest/arch/arch.h"
#include "guest/fs/dentry.h"
#include "guest/fs/xattr.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

// Linux's relatime: the access time moves once a day, or when it would look older than a change.
constexpr uint64_t kRelatimeNs = uint64_t{24} * 3600 * 1'000'000'000;

}  // namespace

Inode::Inode(Superblock& superblock, uint32_t mode)
    : mode_(mode), superblock_(&superblock), number_(superblock.next_inode++) {
  const uint64_t now = RealtimeNs();
  times = {now, now, now, now};
  ++superblock.inodes;
}

void Inode::Release() {
  if (--refs_ == 0) {
    DropXattrs(*this);
    --superblock_->inodes;
    Destroy();
  }
}

void Inode::DropLink() {
  if (links > 1 && !IsDirectory()) {
    --superblock_->inodes;
  }
  links = IsDirectory() ? 0 : links - 1;
}

void Inode::TouchAccess() {
  const uint32_t flags = superblock_->mount_flags;
  if ((flags & kMountNoAtime) != 0 || ((flags & kMountNoDirAtime) != 0 && IsDirectory())) {
    return;
  }
  const uint64_t now = RealtimeNs();
  if ((flags & kMountStrictAtime) != 0 || times.accessed <= times.modified ||
      times.accessed <= times.changed || now - times.accessed >= kRelatimeNs) {
    times.accessed = now;
  }
}

void Inode::TouchModify() {
  times.modified = RealtimeNs();
  times.changed = times.modified;
}

void Inode::TouchChange() { times.changed = RealtimeNs(); }

Result<Ref<Inode>> Inode::LookupChild(const char*, size_t) { return Error(ENOENT); }
Status Inode::ListChildren(Dentry&, DirSink&, uint64_t&) { return Error(ENOTDIR); }
Result<Ref<Dentry>> Inode::JumpTarget() { return Error(EINVAL); }

Result<size_t> Inode::ReadLink(char* out, size_t capacity) {
  const char* text = link_text();
  if (text == nullptr) {
    return Error(EINVAL);
  }
  const size_t length = strlen(text);
  const size_t bytes = length < capacity ? length : capacity;
  memcpy(out, text, bytes);
  return bytes;
}

Status Inode::Truncate(uint64_t, const IoContext&) { return Error(EINVAL); }

Status Inode::SetMode(uint32_t permissions) {
  mode_ = (mode_ & ~07777u) | (permissions & 07777u);
  TouchChange();
  return Ok();
}

Status Inode::SetOwner(uint32_t new_uid, uint32_t new_gid) {
  uid = new_uid;
  gid = new_gid;
  TouchChange();
  return Ok();
}

}  // namespace fv::guest
