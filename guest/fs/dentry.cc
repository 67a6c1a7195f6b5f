// SPDX-License-Identifier: Apache-2.0
//
// Dentry: names, the global hash by (parent, name), and the lists of directory contents.
#include "guest/fs/dentry.h"

#include <utility>

#include "guest/fs/object.h"
#include "guest/fs/path.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr size_t kBuckets = 1024;
using Siblings = ListView<Dentry, &Dentry::sibling>;
using Bucket = ListView<Dentry, &Dentry::bucket>;

// Zero until first used: a bucket becomes a list when something is put into it.
constinit proto::Link buckets[kBuckets]{};

uint32_t HashName(const char* name, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; ++i) {
    hash = (hash ^ static_cast<uint8_t>(name[i])) * 16777619u;
  }
  return hash;
}

proto::Link& BucketOf(const Dentry* parent, uint32_t hash) {
  const uint64_t mixed = (AddressOf(parent) >> 6) * 0x9E3779B97F4A7C15 ^ hash;
  proto::Link& head = buckets[(mixed ^ mixed >> 20) % kBuckets];
  if (!IsLinked(head)) {
    InitHead(head);
  }
  return head;
}

uint64_t RecordOf(const Ref<Dentry>& dentry) {
  return AddressOf(static_cast<const proto::NameRecord*>(dentry.get()));
}

}  // namespace

Dentry::Dentry(Ref<Dentry> parent, Ref<Inode> inode) : inode_(std::move(inode)) {
  InitHead(children_);
  inline_name_[0] = '\0';
  text = AddressOf(inline_name_);
  SetParent(std::move(parent));
}

Dentry::~Dentry() {
  magic = 0;
  if (!NameIsInline()) {
    KernelFree(reinterpret_cast<char*>(text), size_t{length} + 1);
  }
}

void Dentry::SetParent(Ref<Dentry> parent) {
  directory = RecordOf(parent);
  parent_ = std::move(parent);
}

void Dentry::Cover(Ref<Dentry> point) {
  mount_point = RecordOf(point);
  covers_ = std::move(point);
}

Result<Ref<Dentry>> Dentry::Create(Ref<Dentry> parent, const char* name, size_t length,
                                   Ref<Inode> inode) {
  Dentry* dentry = MakeObject<Dentry>(std::move(parent), std::move(inode));
  if (dentry == nullptr) {
    return Error(ENOMEM);
  }
  Ref<Dentry> ref = Ref<Dentry>::Adopt(dentry);
  dentry->SetName(TRY(dentry->RoomForName(length)), name, length);
  return ref;
}

void Dentry::Release() {
  // A chain of parents is let go in a loop: a deep tree must not overflow the stack.
  Dentry* dentry = this;
  while (dentry != nullptr && --dentry->refs_ == 0) {
    Dentry* parent = dentry->parent_.Leak();
    DestroyObject(dentry);
    dentry = parent;
  }
}

Result<char*> Dentry::RoomForName(size_t bytes) {
  if (bytes < kInlineName) {
    return inline_name_;
  }
  char* place = static_cast<char*>(KernelAllocate(bytes + 1));
  return place != nullptr ? Result<char*>(place) : Result<char*>(Error(ENOMEM));
}

void Dentry::SetName(char* place, const char* name, size_t bytes) {
  char* old = NameIsInline() ? nullptr : reinterpret_cast<char*>(text);
  const size_t old_length = length;
  memmove(place, name, bytes);
  place[bytes] = '\0';
  text = AddressOf(place);
  length = static_cast<uint32_t>(bytes);
  hash_ = HashName(place, bytes);
  if (old != nullptr) {
    KernelFree(old, old_length + 1);
  }
}

Dentry* Dentry::FindChild(const char* name, size_t bytes) {
  const uint32_t hash = HashName(name, bytes);
  for (Dentry& child : Bucket(BucketOf(this, hash))) {
    if (child.hash_ == hash && child.parent_.get() == this && child.length == bytes &&
        memcmp(child.name(), name, bytes) == 0) {
      return &child;
    }
  }
  return nullptr;
}

void Dentry::AddChild(Dentry& child) {
  child.AddRef();
  child.SetParent(Ref<Dentry>(*this));
  child.flags &= ~uint32_t{proto::kNameUnlinked};
  child.cookie_ = next_cookie_++;
  Siblings(children_).PushFront(child);
  Bucket(BucketOf(this, child.hash_)).PushFront(child);
  if (child.inode().IsDirectory()) {
    ++inode().links;
  }
  inode().TouchModify();
}

void Dentry::RemoveChild(Dentry& child) {
  Unlink(child.sibling);
  Unlink(child.bucket);
  child.flags |= proto::kNameUnlinked;
  if (child.inode().IsDirectory()) {
    --inode().links;
  }
  inode().TouchModify();
  child.Release();
}

Dentry* Dentry::ChildBelow(uint64_t cookie) {
  for (Dentry& child : Siblings(children_)) {
    if (cookie == kFromNewest || child.cookie_ < cookie) {
      return &child;
    }
  }
  return nullptr;
}

Dentry* Dentry::ChildAfter(Dentry& child) { return Siblings(children_).Next(child); }

Status Dentry::Move(Dentry& new_parent, const char* name, size_t length) {
  char* place = TRY(RoomForName(length));
  const Ref<Dentry> keep(*this);
  const Ref<Dentry> old_parent = parent_;
  old_parent->RemoveChild(*this);
  SetName(place, name, length);
  new_parent.AddChild(*this);
  return Ok();
}

void Dentry::SwapNames(Dentry& a, Dentry& b) {
  const uint64_t text_a = a.NameIsInline() ? AddressOf(b.inline_name_) : a.text;
  const uint64_t text_b = b.NameIsInline() ? AddressOf(a.inline_name_) : b.text;
  std::swap(a.inline_name_, b.inline_name_);
  a.text = text_b;
  b.text = text_a;
  std::swap(a.length, b.length);
  std::swap(a.hash_, b.hash_);
}

void Dentry::Exchange(Dentry& a, Dentry& b) {
  const Ref<Dentry> keep_a(a);
  const Ref<Dentry> keep_b(b);
  const Ref<Dentry> parent_a = a.parent_;
  const Ref<Dentry> parent_b = b.parent_;
  parent_a->RemoveChild(a);
  parent_b->RemoveChild(b);
  SwapNames(a, b);
  parent_b->AddChild(a);
  parent_a->AddChild(b);
}

bool Dentry::IsAncestorOf(const Dentry& other) const {
  for (const Dentry* at = &other; at != nullptr; at = at->parent_.get()) {
    if (at == this) {
      return true;
    }
    if (!at->parent_ && at->covers_) {
      at = at->covers_.get();
    }
  }
  return false;
}

size_t Dentry::MappingPath(char* out, size_t capacity) const {
  char path[512];
  const Result<size_t> length = FormatPath(*this, *RootDentry(), path, sizeof(path));
  const size_t bytes = length.ok() ? (length.value() < capacity ? length.value() : capacity) : 0;
  memcpy(out, path, bytes);
  return bytes;
}

uint64_t Dentry::MappingDevice() const { return inode_->superblock().device; }
uint64_t Dentry::MappingInode() const { return inode_->number(); }

}  // namespace fv::guest
